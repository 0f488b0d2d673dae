"""What the other rooms may ask the store to remember of other relays: the out-queue, what has arrived, and keys.

One contract suite (`tests/contract`) for all back-ends, as for `store.interfaces`. Nothing of it can be read without
the root key, and nothing keeps a time finer than a day: when to try again is known to the running process alone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from angarium.store.interfaces import Letter

__all__ = ["Consigned", "Dispatch", "Keys", "Marks", "OutQueue", "Waiting"]


@dataclass(frozen=True, slots=True)
class Consigned:
    """The part of a message's recipients that is behind one other relay."""

    destination: str
    """The domain part of their addresses, in lower case; an IP address without brackets."""
    recipients: tuple[str, ...]
    """Addresses as they were spelt."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A message on its way to other relays: wire bytes with CRLF, not yet signed."""

    sender: str
    """Empty for a report."""
    message: bytes
    to: tuple[Consigned, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits for one other relay, without the message."""

    number: int
    """Random, 63 bits: tells nothing of the order."""
    order: int
    """Counts up with every message queued: lower ones came earlier."""
    destination: str
    sender: str
    recipients: tuple[str, ...]
    """Those that are still to be served."""
    octets: int
    """Size of the message."""
    day: int
    """On which it was queued, in the days that `OutQueue.add` was told."""
    held: bool = False
    """The keeper wants it left alone."""


class OutQueue(Protocol):
    """Messages that wait for other relays. One that goes to several relays is kept once."""

    async def add(self, dispatch: Dispatch, letters: Sequence[Letter], *, day: int, age_day: int) -> list[Waiting]:
        """Queue a message for each of its relays, and deliver letters as `Mailboxes.deliver` does, in one transaction.

        Args:
            dispatch: what, and to whom.
            letters: what goes into mailboxes here; may be none.
            day: of the letters, since 1970-01-01 (UTC).
            age_day: what `Waiting.day` is to be: days by the clock that queued mail ages by.

        Returns one `Waiting` for each of `dispatch.to`, in order.

        Raises:
            StoreFull: see there; nothing was changed.
        """

    async def waiting(self) -> list[Waiting]:
        """All that waits, in the order in which it came. Each message's octets are read, its bytes are not."""

    async def message(self, number: int) -> bytes | None:
        """The bytes of a message that waits; None where it does not wait any more."""

    async def settle(self, number: int, left: Collection[str], letters: Sequence[Letter], *, day: int) -> None:
        """Leave only these recipients to be served, and deliver letters (of what failed), in one transaction.

        With none left the message waits no more; when it waits for no relay any more, its key is destroyed, and its
        bytes with it. One that does not wait any more is passed over, letters and all: whoever settled it wrote them.

        Raises:
            StoreFull: see there; nothing was changed.
        """

    async def hold(self, numbers: Collection[int], *, held: bool) -> None:
        """Mark messages as held, or as held no more; those that wait no more are passed over."""


class Marks(Protocol):
    """Which messages a mailbox has had from other relays, as marks that tell nothing without the root key."""

    async def deliver(self, letter: Letter, mark: bytes, *, day: int) -> tuple[str, ...]:
        """Deliver as `Mailboxes.deliver` does, but to those names only that have no such mark, and mark them: in one
        transaction. Safe against itself: of two at once with one mark, each name gets one.

        Args:
            letter: what, and to whom.
            mark: what makes two letters the same; any bytes.
            day: of arrival, since 1970-01-01 (UTC); the mark bears it too.

        Returns the names that got it now. A name without an account is passed over and not marked.

        Raises:
            StoreFull: see there; nothing was changed.
        """

    async def forget(self, *, before_day: int) -> int:
        """Drop marks older than that day; return how many."""


class Keys(Protocol):
    """The public keys of relays that no authority vouches for (32 bytes, the SHA-256 of the SubjectPublicKeyInfo)."""

    async def get(self, destination: str) -> bytes | None:
        """The key of a destination, if one is remembered."""

    async def put(self, destination: str, key: bytes) -> None:
        """Remember a key. Where one is remembered already, nothing changes: of two at once, the first counts."""

    async def replace(self, destination: str, key: bytes | None) -> None:
        """Remember this key instead of another, or, with None, none."""

    async def all(self) -> dict[str, bytes]:
        """Every destination and its key."""
