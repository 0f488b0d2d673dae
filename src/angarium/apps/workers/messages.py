"""What the processes of one relay say to each other.

None of it is ever on a disk, on a command line or in an environment: it goes through a pair of sockets that only these
two processes have.
"""

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from angarium.apps.config import Config
from angarium.apps.harden import Hardened
from angarium.mail.verdict import Verdict
from angarium.store.interfaces import Letter
from angarium.store.outbound import Dispatch
from angarium.store.rows import News
from angarium.wire.imap.entry import Arrived, Entry, Expunged, Flagged

__all__ = [
    "Answer",
    "Attempted",
    "Await",
    "Begin",
    "Committed",
    "Connections",
    "Count",
    "Counted",
    "Day",
    "Delivered",
    "Done",
    "Forget",
    "Kinds",
    "Missed",
    "Open",
    "Post",
    "Posted",
    "Ready",
    "Refused",
    "Stop",
    "Trouble",
    "packed",
    "unpacked",
]

Packed: TypeAlias = tuple[int, str, int, int, list[str], int, int]
"""Mailbox, what happened, UID, size, flags, day, mod-sequence."""


class _Message(Struct, tag=True, array_like=True):
    """Any of these."""


# From the first process


class Begin(_Message):
    """What a worker has to know; the first thing it hears."""

    directory: str
    descriptor: int
    """Of the file that holds the directory; inherited."""
    root: bytes
    config: Config
    certificate: str
    key: str
    doors: list[tuple[str, str, int, bool, int]]
    """Name, address, port, whether it is TLS, and the descriptor of the socket, which is inherited."""


class Day(_Message):
    """Another day."""

    today: int
    due: int


class Open(_Message):
    """Let people in: from now on the first process counts on the worker."""

    today: int
    due: int


class Stop(_Message):
    """Say goodbye to everybody, and end."""


class Count(_Message):
    """How many connections? Asked."""


# From a worker


class Ready(_Message):
    """It could listen now. Asked: it opens its doors when it is answered."""

    hardened: Hardened


class Delivered(_Message):
    """Mail arrived for these names: phones may be woken."""

    names: list[str]


class Trouble(_Message):
    """Something that the keeper should see."""

    text: str


class Post(_Message):
    """Take this for other relays, and into mailboxes here, in one commit. Asked."""

    dispatch: Dispatch
    letters: list[Letter]
    hear: bool


class Await(_Message):
    """What did the first attempts come to? Asked."""

    hearing: int


# From both


class Committed(_Message):
    """What was committed, by mailbox, in its order."""

    news: list[Packed]

    @property
    def of_an_end(self) -> bool:
        """Whether a mailbox is gone: that is never to be dropped, since sessions have to end."""
        return any(each[1] == "gone" for each in self.news)


class Missed(_Message):
    """News were lost: everybody is to look anew."""


class Counted(_Message):
    """This account has sent a message."""

    account: bytes


class Forget(_Message):
    """Remember no login to this name: the account was deleted, or emptied. Asked, and answered when that is so."""

    name: str


# Answers


class Done(_Message):
    """It is done."""


class Connections(_Message):
    """So many."""

    count: int


class Posted(_Message):
    """It is committed. `hearing`: to be asked after; 0: nobody waits for attempts."""

    hearing: int


class Refused(_Message):
    """It was not taken, and nothing was changed: the text of a StoreError, and of which kind it was."""

    kind: str
    text: str


class Attempted(_Message):
    """What the first attempts came to."""

    verdict: Verdict


Answer: TypeAlias = Done | Connections | Posted | Refused | Attempted
Kinds: TypeAlias = (
    Begin
    | Day
    | Open
    | Stop
    | Count
    | Ready
    | Delivered
    | Trouble
    | Post
    | Await
    | Committed
    | Missed
    | Counted
    | Forget
    | Done
    | Connections
    | Posted
    | Refused
    | Attempted
)


def packed(news: News) -> list[Packed]:
    """News, to be sent."""
    return [_packed(number, change) for number, change in news]


def unpacked(news: Sequence[Packed]) -> News:
    """News that were sent."""
    return [_unpacked(*each) for each in news]


def _packed(number: int, change: object) -> Packed:
    match change:
        case Arrived(entry):
            kind = "arrived"
        case Flagged(entry):
            kind = "flagged"
        case Expunged(uid):
            return number, "expunged", uid, 0, [], 0, change.modseq
        case _:
            return number, "gone", 0, 0, [], 0, 0
    return number, kind, entry.uid, entry.size, list(entry.flags), entry.day, entry.modseq


def _unpacked(
    number: int, kind: str, uid: int, size: int, flags: list[str], day: int, modseq: int
) -> tuple[int, Arrived | Flagged | Expunged | None]:
    match kind:
        case "arrived":
            return number, Arrived(Entry(uid, size, frozenset(flags), day, modseq))
        case "flagged":
            return number, Flagged(Entry(uid, size, frozenset(flags), day, modseq))
        case "expunged":
            return number, Expunged(uid, modseq)
        case _:
            return number, None
