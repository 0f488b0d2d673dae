"""What is served to the relay's own people, at whatever door: sessions of IMAP and of submission."""

import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

from angarium.apps.config import Config
from angarium.edge.imap.breath import Breath
from angarium.edge.imap.serve import serve_imap
from angarium.edge.imap.site import ImapSite
from angarium.edge.listener import Door
from angarium.edge.mux import PROTOCOLS
from angarium.edge.smtp import SmtpSite, serve_smtp
from angarium.mail.accounts import Gate
from angarium.mail.delivery import Delivery
from angarium.reach.transport import Connection
from angarium.store.store import Store

__all__ = ["People", "Session"]

ALPN = {"imaps": ("imap",), "submissions": ("smtp",), "https": PROTOCOLS, "within": PROTOCOLS}

Session: TypeAlias = Callable[[Connection], Coroutine[Any, Any, None]]


class Contexts(Protocol):
    """What gives TLS contexts (`Certificates.context`)."""

    def __call__(self, *alpn: str, minimum: ssl.TLSVersion = ...) -> ssl.SSLContext:
        """The context of the moment, offering these protocols."""


@dataclass(frozen=True, slots=True)
class People:
    """What the doors of the relay's own people need to know: IMAP and submission."""

    config: Config
    store: Store
    hostname: str
    contexts: Contexts
    gate: Gate
    delivery: Delivery
    today: Callable[[], int]
    push: bool
    breath: Breath
    """What a connection may carry at the doors where that is limited."""

    def sessions(self) -> dict[str, Session]:
        """The session of each of their doors."""
        return {
            **{door: self.imap(door) for door in ("imaps", "imap")},
            **{door: self.smtp(door) for door in ("submissions", "submission")},
        }

    def imap(self, door: str) -> Session:
        """IMAP as it is spoken at a door."""
        return partial(serve_imap, site=self._imap(self.breath if self.config.limits.breath(door) else None))

    def smtp(self, door: str) -> Session:
        """Submission as it is spoken at a door."""
        return partial(serve_smtp, site=self._smtp(self.config.limits.breath(door)))

    def context(self, door: Door) -> ssl.SSLContext:
        """The TLS context of a door, as it is now."""
        return self.contexts(*ALPN[door.name])

    def _smtp(self, breath: int) -> SmtpSite:
        return SmtpSite(
            hostname=self.hostname,
            limits=self.config.limits,
            messages=self.config.messages,
            gate=self.gate,
            delivery=self.delivery,
            tls=self.contexts,
            changes=self.store.changes,
            breath=breath,
        )

    def _imap(self, breath: Breath | None) -> ImapSite:
        return ImapSite(
            limits=self.config.limits,
            tls=self.contexts,
            gate=self.gate,
            delivery=self.delivery,
            mailboxes=self.store.mailboxes,
            changes=self.store.changes,
            tokens=self.store.tokens,
            retention=self.config.retention,
            max_size=self.config.messages.max_size,
            metadata=self._metadata,
            today=self.today,
            breath=breath,
            push=self.push,
        )

    def _metadata(self) -> dict[str, str]:
        return {"/shared/vendor/deltachat/maxsmtprecipients": str(self.config.messages.max_recipients)}
