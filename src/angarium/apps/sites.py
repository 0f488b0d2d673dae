"""What is served at each door: the edge's sites, built from the settings and the rooms below."""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from angarium.apps.approach import Approach
from angarium.apps.certify import Certified
from angarium.apps.config import Config
from angarium.apps.exchange import Exchange
from angarium.apps.reception import Reception
from angarium.edge.http import HttpSite, serve_http, serve_plain_http
from angarium.edge.imap.serve import serve_imap
from angarium.edge.imap.site import ImapSite
from angarium.edge.listener import Door
from angarium.edge.mux import PROTOCOLS, serve_mux
from angarium.edge.mx import serve_mx
from angarium.edge.mxdeliv import HEAD_BYTES
from angarium.edge.smtp import SmtpSite, serve_smtp
from angarium.mail.accounts import Gate
from angarium.mail.calendar import Calendar
from angarium.mail.delivery import Delivery
from angarium.mail.push import Push
from angarium.reach.names import Names
from angarium.reach.transport import Connection
from angarium.store.store import Store

__all__ = ["Sites", "literal"]

ALPN = {"imaps": ("imap",), "submissions": ("smtp",), "https": PROTOCOLS}


@dataclass(frozen=True, slots=True)
class Sites:
    """What the doors of one relay need to know."""

    config: Config
    store: Store
    names: Names
    certified: Certified
    calendar: Calendar
    gate: Gate
    delivery: Delivery
    reception: Reception
    exchange: Exchange
    push: Push
    ports: Callable[[], Mapping[str, int]]
    """The ports listened on, by door."""
    approach: Approach

    def sessions(self) -> Callable[[Door, Connection], Awaitable[None]]:
        """The session of each door."""
        smtp, imap = partial(serve_smtp, site=self._smtp()), partial(serve_imap, site=self._imap())
        site = self._http()
        sessions: dict[str, Callable[[Connection], Awaitable[None]]] = {
            "imaps": imap,
            "imap": imap,
            "submissions": smtp,
            "submission": smtp,
            "https": partial(serve_mux, imap=imap, smtp=smtp, http=partial(serve_http, site=site)),
            "http": partial(serve_plain_http, site=site),
            "smtp": partial(serve_mx, site=self.reception.mx(self._mx_context)),
        }

        def serve_door(door: Door, connection: Connection) -> Awaitable[None]:
            return sessions[door.name](connection)

        return serve_door

    def context(self, door: Door) -> ssl.SSLContext:
        """The TLS context of a door, as it is now."""
        return self.certified.context(*ALPN[door.name])

    def _mx_context(self) -> ssl.SSLContext:
        """Other relays run older software than the apps do."""
        return self.certified.context(minimum=ssl.TLSVersion.TLSv1_2)

    def _smtp(self) -> SmtpSite:
        return SmtpSite(
            hostname=literal(self.names.primary),
            limits=self.config.limits,
            messages=self.config.messages,
            gate=self.gate,
            delivery=self.delivery,
            tls=self.certified.context,
            changes=self.store.changes,
        )

    def _imap(self) -> ImapSite:
        return ImapSite(
            limits=self.config.limits,
            tls=self.certified.context,
            gate=self.gate,
            delivery=self.delivery,
            mailboxes=self.store.mailboxes,
            changes=self.store.changes,
            tokens=self.store.tokens,
            retention=self.config.retention,
            max_size=self.config.messages.max_size,
            metadata=self._metadata,
            today=self.calendar.today,
            push=self.push.enabled,
        )

    def _metadata(self) -> dict[str, str]:
        return {"/shared/vendor/deltachat/maxsmtprecipients": str(self.config.messages.max_recipients)}

    def _http(self) -> HttpSite:
        return HttpSite(
            limits=self.config.limits,
            gate=self.gate,
            registration=self.config.accounts.registration,
            domain=lambda: self.names.primary,
            invite=self.approach.invite,
            others=self.approach.others,
            valid_token=lambda token: self.store.invitations.valid(token, day=self.calendar.due()),
            ways=self.approach.candidates,
            challenge=self.certified.challenge,
            https_port=lambda: self.ports().get("https"),
            inlets={**self.reception.inlets(), **self.exchange.inlets(self.reception.hold)},
            routes=self.exchange.routes(),
            head_bytes=HEAD_BYTES,
        )


def literal(name: str) -> str:
    """A name as SMTP writes it: addresses in brackets (RFC 5321, 4.1.3)."""
    if ":" in name:
        return f"[IPv6:{name}]"
    return f"[{name}]" if name.replace(".", "").isdecimal() else name
