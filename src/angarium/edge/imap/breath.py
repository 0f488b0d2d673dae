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
  it takes what is missing for what does not exist. A client that is alone with its account is told of no more than this
  connection can also carry, or an answer would be cut in the middle, which takes seconds; others arrive later.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from angarium.edge.deflate import Deflated
from angarium.edge.imap.rouse import Known
from angarium.wire.imap.entry import Entry

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
DELETED = "\\Deleted"
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


@dataclass(frozen=True, slots=True)
class Before:
    """Where a client was that asked about what is new."""

    first: int
    """The UID from which on it has not been given anything."""
    last: int
    """The largest UID that it was told of when it asked."""
    alone: bool
    """Whether it keeps nothing in the mailbox, as an app does that has no other devices."""
    until: float
    """By when it is forgotten."""


class OutOfBreath(Exception):
    """What is to be said next does not fit any more: the connection ends here, in the middle of an answer."""


@dataclass(slots=True)
class Breath:
    """The limit at one door, in bytes a connection, and who was in the middle of more than that."""

    size: int
    _before: dict[str, Before] = field(default_factory=dict)
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
        return self._deflated(session, octets) + around <= self.left(session)

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

    def ask(self, session: "Session", found: Sequence[Entry], *, as_app: bool) -> None:
        """The client asks about all that is new, in the app's words or others, and this is what it was told of.

        Raises:
            OutOfBreath: too many for one answer; when it comes back, `shown` shows it less.
        """
        if len(self._before) >= REMEMBERED:
            self._before.clear()
        first, last, name = found[0].uid, found[-1].uid, session.owner.name
        before = self._remembered(name)
        alone = as_app and (before.alone if before and before.first <= first else not _keeps(session, first))
        session.selected.asking = True
        self._before[name] = Before(first, last, alone, time.monotonic() + REMEMBERED_SECONDS)
        if len(found) > self.rows:
            raise OutOfBreath

    def given(self, session: "Session", uid: int) -> None:
        """The client has been given what is new up to this UID."""
        if before := self._before.get(session.owner.name):
            self._before[session.owner.name] = replace(before, first=max(before.first, uid + 1))

    def content(self, session: "Session") -> None:
        """Of what the client has asked about it wants no more."""
        if session.selected.asking and (before := self._before.get(session.owner.name)):
            self.given(session, before.last)
        session.selected.asking = False

    def idles(self, session: "Session") -> None:
        """The client has done all it wanted to: what it was given and does not destroy it keeps, for other devices."""
        before = self._remembered(session.owner.name)
        if before is not None and before.alone and _keeps(session, before.first):
            self._before[session.owner.name] = replace(before, alone=False)

    def shown(self, session: "Session", entries: Sequence[Entry]) -> int:
        """How many of a mailbox's messages, from the first, to show to a client that selects it."""
        before = self._remembered(session.owner.name)
        if before is None:
            return len(entries)
        known = sum(entry.uid < before.first for entry in entries)
        return known + self.more(session, (), entries[known:])

    def more(self, session: "Session", told: Sequence[Entry], waiting: Sequence[Entry]) -> int:
        """How many more of the messages that wait it is told of, which was `told` of others and has said nothing since.

        One at least, if it was told of none. It is left room to destroy what it is given, if there is nothing else to
        rouse it by.
        """
        before = self._remembered(session.owner.name)
        roused = session.rouse is not None and session.rouse.destroyed is not None
        if not (roused or (before is not None and before.alone)):
            return self.rows
        left = self.left(session) - (2 * AROUND if roused else 2 * REST)
        fitting = 0
        for entry in (*told, *waiting[: self.rows]):
            body = 0 if WITHHELD in entry.flags else self._deflated(session, entry.size)
            left -= ROW + ENVELOPE + body
            if left < 0:
                break
            fitting += 1
        return max(fitting - len(told), 0 if told else 1)

    def _remembered(self, name: str) -> Before | None:
        before = self._before.get(name)
        if before is not None and before.until < time.monotonic():
            del self._before[name]
            return None
        return before

    @staticmethod
    def _deflated(session: "Session", octets: int) -> int:
        return octets * 3 // 4 if isinstance(session.connection, Deflated) else octets


def _keeps(session: "Session", first: int) -> bool:
    """Whether there are messages before this UID that nobody is about to destroy, nor has withheld."""
    living = session.selected.view.living()
    return any(entry.uid < first and not entry.flags & {DELETED, WITHHELD} for _, entry in living)
