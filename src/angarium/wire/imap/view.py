"""A session's own view of its mailbox: which message has which number, and what the client was told.

This is the one hard idea of IMAP. Sequence numbers are positions; every session counts its own, and may be told of a
change only at certain moments, or it and its client would count differently. So there are two mailboxes in here: the
one the client knows (`_known`, where position is number) and what has happened since (`_arrived`, `_gone`,
`_changed`). `apply` takes what happened; `announce` moves it over to the client's side, as far as the moment allows.

Invariants:

* A client that counts as RFC 3501 says (EXISTS sets the count, EXPUNGE n shifts all above n) has exactly `_known`.
* EXPUNGE is never announced while a command with sequence numbers runs or none does (RFC 3501, 7.4.1).
* Flags nobody asked for are announced only in IDLE, NOOP and CHECK: the app takes the first FETCH with a message's UID
  for the answer to its own (the second hard rule).
* `living`, which SEARCH goes by, shows the mailbox as it is, whatever is held back from announcement (the third hard
  rule). The first, about when to call `announce` at all, is the session's.

UIDs are kept in dicts where sets are meant: an empty set is three times as large. They stay empty in most sessions, and
as long as they are all have the same one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from enum import Enum
from operator import attrgetter
from typing import TypeAlias

from msgspec import Struct

from angarium.wire.imap.entry import Arrived, Change, Entry, Expunged, Flagged, Snapshot
from angarium.wire.imap.sequence import SequenceSet
from angarium.wire.members import direct

__all__ = ["Announcement", "Exists", "Expunge", "Flags", "Moment", "NoSuchNumber", "View"]

UID = attrgetter("uid")
NONE: dict[int, None] = {}
NO_ENTRIES: list[Entry] = []
"""What arrived where nothing did; every session's, and never added to."""
"""No UIDs: nothing is ever put in here."""


class NoSuchNumber(Exception):
    """A sequence number beyond the end of the mailbox."""


@direct
class Moment(Enum):
    """What may be said now."""

    NUMBERED = "numbered"
    """A command that uses sequence numbers, or may: new messages only."""
    EXPUNGING = "expunging"
    """EXPUNGE and MOVE: also that messages are gone."""
    FREE = "free"
    """IDLE, NOOP, CHECK: everything."""


class Exists(Struct, frozen=True):
    """`* n EXISTS`: the mailbox holds so many messages."""

    count: int


class Expunge(Struct, frozen=True):
    """`* n EXPUNGE`: this one is gone, and all above it move down."""

    number: int


class Flags(Struct, frozen=True):
    """`* n FETCH (UID u FLAGS ...)`."""

    number: int
    entry: Entry


Announcement: TypeAlias = Exists | Expunge | Flags


class View:
    """The selected mailbox, as one session sees it."""

    __slots__ = ("_arrived", "_changed", "_gone", "_known", "modseq", "uidnext", "uidvalidity")

    def __init__(self, snapshot: Snapshot, shown: int | None = None) -> None:
        """`shown`: of how many messages, from the first, the client is told at once; the others arrive later."""
        self.uidvalidity = snapshot.uidvalidity
        self.uidnext = snapshot.uidnext
        self.modseq = snapshot.modseq
        self._known = list(snapshot.entries[:shown])
        self._arrived = list(snapshot.entries[len(self._known) :]) or NO_ENTRIES
        self._gone = NONE
        self._changed = NONE

    # What happened

    def apply(self, change: Change) -> None:
        """Take note of a change. One that is known already does no harm. `Resync` is not for here: see `resync`."""
        match change:
            case Arrived(entry):
                if entry.uid >= self.uidnext:
                    if self._arrived is NO_ENTRIES:
                        self._arrived = [entry]
                    else:
                        self._arrived.append(entry)
                    self.uidnext = entry.uid + 1
                    self.modseq = max(self.modseq, entry.modseq)
            case Flagged(entry):
                if self._flag(entry):
                    self._changed = _with(self._changed, entry.uid)
            case Expunged(uid):
                self._expunge(uid)
            case _:
                raise TypeError("a view cannot catch up by itself")

    def resync(self, snapshot: Snapshot) -> None:
        """Catch up with the mailbox after changes were missed."""
        now = {entry.uid for entry in snapshot.entries}
        for uid in [entry.uid for _, entry in self.living() if entry.uid not in now]:
            self._expunge(uid)
        for entry in snapshot.entries:
            self.apply(Flagged(entry) if entry.uid < self.uidnext else Arrived(entry))
        self.uidnext = max(self.uidnext, snapshot.uidnext)
        self.modseq = max(self.modseq, snapshot.modseq)

    def learn(self, entry: Entry) -> None:
        """Take note of a change of flags that the client is told of, as the answer to its own command."""
        self._flag(entry)
        self._changed.pop(entry.uid, None)

    def assume(self, entry: Entry, expected: frozenset[str]) -> None:
        """Take note of a change of flags whose outcome the client works out by itself (STORE .SILENT)."""
        known = self._flag(entry)
        if known and entry.flags != expected:
            self._changed = _with(self._changed, entry.uid)

    def told(self, uid: int) -> None:
        """The client was told this message's flags, because it asked."""
        self._changed.pop(uid, None)

    def _flag(self, entry: Entry) -> bool:
        """Keep the newer of what is known of a message; whether it has a number and this is news."""
        self.modseq = max(self.modseq, entry.modseq)
        where, at = self._find(entry.uid)
        if where is None or entry.modseq <= where[at].modseq:
            return False
        where[at] = entry
        return where is self._known and entry.uid not in self._gone

    def _expunge(self, uid: int) -> None:
        where, at = self._find(uid)
        if where is self._known:
            self._gone = _with(self._gone, uid)
            self._changed.pop(uid, None)
        elif where is not None:
            del where[at]

    def _find(self, uid: int) -> tuple[list[Entry] | None, int]:
        for where in (self._known, self._arrived):
            at = bisect_left(where, uid, key=UID)
            if at < len(where) and where[at].uid == uid:
                return where, at
        return None, 0

    # What may be said of it

    @property
    def arrived(self) -> list[Entry]:
        """Messages that the client does not know of."""
        return self._arrived

    def behind(self, uid: int) -> list[Entry]:
        """Messages with larger UIDs that the client knows of."""
        return self._known[bisect_right(self._known, uid, key=UID) :]

    @property
    def count(self) -> int:
        """How many messages the client knows of (EXISTS)."""
        return len(self._known)

    def announce(self, moment: Moment, *, most: int | None = None) -> list[Announcement]:
        """What to tell the client now, in this order, and of so many new messages. From here on it counts as told."""
        said: list[Announcement] = []
        if not (self._arrived or self._gone or self._changed):
            return said
        if moment is not Moment.NUMBERED:
            said += self._announce_gone()
        if told := self._arrived[:most]:
            self._known += told
            self._arrived = self._arrived[len(told) :] or NO_ENTRIES
            said.append(Exists(len(self._known)))
        if moment is Moment.FREE:
            said += self._announce_flags()
        return said

    def _announce_gone(self) -> list[Announcement]:
        """From the top down: no number below is shifted by what was said before."""
        said: list[Announcement] = []
        for uid in sorted(self._gone, reverse=True):
            at = bisect_left(self._known, uid, key=UID)
            del self._known[at]
            said.append(Expunge(at + 1))
        self._gone = NONE
        return said

    def _announce_flags(self) -> list[Announcement]:
        said: list[Announcement] = []
        for uid in sorted(self._changed):
            at = bisect_left(self._known, uid, key=UID)
            said.append(Flags(at + 1, self._known[at]))
        self._changed = NONE
        return said

    # Looking things up

    def resolve(self, numbers: SequenceSet, *, by_uid: bool) -> list[tuple[int, Entry]]:
        """The messages of a set that the client knows of, each with its number, in order.

        By UID, those that are gone are left out; by number they are still there, because the client counts them.

        Raises:
            NoSuchNumber: a sequence number is beyond the end (RFC 3501, 9, seq-number). A range up to `*` never is.
        """
        if by_uid:
            found = self._among(numbers.resolve(self.last()))
            return [pair for pair in found if pair[1].uid not in self._gone] if self._gone else found
        if numbers.largest > len(self._known):
            raise NoSuchNumber
        return [
            (at + 1, self._known[at])
            for first, last in numbers.resolve(len(self._known))
            for at in range(max(first, 1) - 1, min(last, len(self._known)))
        ]

    def living(self) -> Iterator[tuple[int, Entry]]:
        """Every message that is there, with the number it has or will have when it is announced."""
        for at, entry in enumerate(self._known):
            if entry.uid not in self._gone:
                yield at + 1, entry
        yield from enumerate(self._arrived, len(self._known) + 1)

    def current(self, uid: int) -> Entry | None:
        """A message as it is now, or None where it is gone."""
        where, at = self._find(uid)
        return None if where is None or uid in self._gone else where[at]

    def last(self) -> int:
        """The largest UID in use."""
        for entry in reversed(self._known):
            if entry.uid not in self._gone:
                return entry.uid
        return 0

    def _among(self, ranges: list[tuple[int, int]]) -> list[tuple[int, Entry]]:
        known = self._known
        return [
            (at + 1, known[at])
            for first, last in ranges
            for at in range(bisect_left(known, first, key=UID), bisect_right(known, last, key=UID))
        ]


def _with(uids: dict[int, None], uid: int) -> dict[int, None]:
    if uids is NONE:
        return {uid: None}
    uids[uid] = None
    return uids
