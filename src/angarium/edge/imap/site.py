"""Everything an IMAP session may call or must know of the relay it belongs to."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from angarium.edge.imap.breath import Breath
from angarium.edge.settings import Limits
from angarium.mail.accounts import Gate
from angarium.mail.delivery import Delivery
from angarium.mail.settings import Retention
from angarium.store.interfaces import Changes, Mailboxes, Tokens

__all__ = ["ImapSite"]


@dataclass(frozen=True, slots=True)
class ImapSite:
    """What `apps/serve.py` gives to every session."""

    limits: Limits
    tls: Callable[[], ssl.SSLContext | None]
    """The context for STARTTLS now; None: there is none."""
    gate: Gate
    delivery: Delivery
    mailboxes: Mailboxes
    changes: Changes
    tokens: Tokens
    retention: Retention
    max_size: int
    """Octets of the largest message that may be appended."""
    metadata: Callable[[], Mapping[str, str]]
    """The server's own entries (RFC 5464): `/shared/comment` and so on, names in lower case."""
    today: Callable[[], int]
    """Days since 1970-01-01 (UTC)."""
    breath: Breath | None = None
    """What a connection may carry at this door; None: no limit."""
    push: bool = False
    """Whether phones may leave a token here to be woken by."""
    keepalive_seconds: float = 270.0
    """How often an idling client hears that the connection lives; it gives up after 300 s of silence."""
