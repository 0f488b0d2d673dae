"""Short breath: what one connection may carry, where a censor freezes it after some 16 KB from server to client.

A freeze is silent: both ends wait for a minute, and what was on its way must come again. So the session ends first,
at a place where nothing is half told, and the app connects anew (docs/decisions/breath.md). What is counted is what
the kernel has sent (`reach.tcp_info`), with handshake, records, repetitions and the headers of packets.

Where it ends matters. The app allows itself one connection a minute, and a second one after two minutes of quiet, but
comes back at once where something waits to be done. `rouse` sees to that while it asks about what is new. So the place
to end is behind a message, there if another text might not fit. Not at once: what the app has not read when a deflated
connection ends, it throws away. It is cut off at its next word, or after a while if it has none to say.

Invariants:
* No message is begun that does not fit, unless it would not fit into a new connection either. Then it is tried once. If
  the client waits for the rest in vain and gives up, the message is withheld: NIL is said for its body, or nothing
  behind it would ever be fetched. It stays in the mailbox, and comes anew, with a new UID, where there is no limit.
* A connection ends early only if it has carried something: none is made for nothing.
* What the client is told of at once is bounded: its first question, about all that is new, must be answered whole, or
  it takes what is missing for what does not exist.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from angarium.edge.deflate import Deflated
from angarium.edge.imap.rouse import Known

if TYPE_CHECKING:
    from angarium.edge.imap.session import Session

__all__ = ["AGAIN", "DRAIN_SECONDS", "LEAST", "MEMORY", "WITHHELD", "Breath", "OutOfBreath", "Trying"]

AGAIN = "Connect again"
"""What a client is told whose connection ends."""

LEAST = 8_192
"""The smallest breath, in bytes: a login over a certificate with its chain, and a text."""
REST = 3_072
"""Bytes within which a short text passes, with all that is said before and after it."""
AROUND = 512
"""Bytes said about one message between its announcement and its body."""
ENVELOPE = 192
"""Bytes of an answer beyond the body in it: its own words, the end of a deflate block, TLS, packets."""
ROW = 128
"""Bytes that the client's question about all that is new takes for each message, deflated."""
MEMORY = 8_192
"""Bytes of text that a deflated answer may refer to: one text with what is said around it, twice."""
DRAIN_SECONDS = 2.0
"""Time for the client to read what was sent, before a connection ends in the middle of an answer."""
STALL_SECONDS = 20.0
"""Silence after which a client that ends the connection has waited in vain; the app waits 60 s."""
WITHHELD = "$Withheld"
"""The keyword of a message that did not pass."""
REMEMBERED_SECONDS = 600.0
"""How long it is remembered where a client was that had more before it than one breath carries, and what it knew."""
REMEMBERED = 10_000
"""Of how many accounts."""


@dataclass(frozen=True, slots=True)
class Trying:
    """A message that is more than one connection may carry, sent nevertheless."""

    uid: int
    since: float = field(default_factory=time.monotonic)

    @property
    def stalled(self) -> bool:
        """Whether a client that gives up now has waited for it in vain."""
        return time.monotonic() - self.since >= STALL_SECONDS


class OutOfBreath(Exception):
    """What is to be said next does not fit any more: the connection ends here, in the middle of an answer."""


@dataclass(slots=True)
class Breath:
    """The limit at one door, in bytes a connection, and who was in the middle of more than that."""

    size: int
    _before: dict[str, tuple[int, float]] = field(default_factory=dict)
    _destroyed: dict[str, tuple[Known, float]] = field(default_factory=dict)

    def left(self, session: "Session") -> int:
        """Bytes that may still be sent."""
        try:
            return self.size - session.connection.sent
        except OSError:  # ended already
            return 0

    def spent(self, session: "Session") -> bool:
        """Whether to end here, where nothing is half told: something was carried, and another text might not fit."""
        return session.carried and self.left(session) < REST

    def holds(self, session: "Session", octets: int, *, around: int = ENVELOPE) -> bool:
        """Whether a message of so many octets fits."""
        deflated = octets * 3 // 4 if isinstance(session.connection, Deflated) else octets
        return deflated + around <= self.left(session)

    def announces(self, session: "Session", octets: int) -> bool:
        """Whether to tell an idling client of a message of so many octets: not if it would fit better elsewhere."""
        return not session.carried or self.holds(session, octets, around=AROUND)

    def rouses(self, session: "Session") -> bool:
        """Whether the client can be made to come back at once, when it asks about what is new."""
        return session.rouse is not None and session.rouse.ready(session) and self.left(session) >= 2 * AROUND

    def destroyed(self, session: "Session") -> Known | None:
        """What the client knew and destroyed on an earlier connection, for `rouse`."""
        known, until = self._destroyed.pop(session.owner.name, (None, 0.0))
        return known if until >= time.monotonic() else None

    def keep(self, session: "Session") -> None:
        """The session is over: keep for the next one what is destroyed."""
        if session.rouse is None or session.rouse.destroyed is None:
            return
        if len(self._destroyed) >= REMEMBERED:
            self._destroyed.clear()
        self._destroyed[session.owner.name] = session.rouse.destroyed, time.monotonic() + REMEMBERED_SECONDS

    def nears_end(self, session: "Session", sizes: Iterable[int]) -> bool:
        """Whether messages of so many octets might be the last on this connection."""
        return self.left(session) - sum(size * 3 // 4 + ENVELOPE for size in sizes) < 2 * REST

    @property
    def rows(self) -> int:
        """How many messages a client may be told of at once."""
        return (self.size - 2 * REST) // ROW

    def ask(self, session: "Session", first: int, found: int) -> None:
        """The client asks about all that is new, from UID `first` on; so many there are that it knows of.

        Raises:
            OutOfBreath: too many for one answer; when it comes back, `shown` shows it less.
        """
        if len(self._before) >= REMEMBERED:
            self._before.clear()
        self._before[session.owner.name] = first, time.monotonic() + REMEMBERED_SECONDS
        if found > self.rows:
            raise OutOfBreath

    def shown(self, session: "Session", uids: list[int]) -> int:
        """How many of a mailbox's messages, from the first, to show to a client that selects it."""
        first, until = self._before.get(session.owner.name, (0, 0.0))
        if until < time.monotonic():
            self._before.pop(session.owner.name, None)
            return len(uids)
        return sum(uid < first for uid in uids) + self.rows
