"""Each mailbox takes a message once, however often and over however many relays it arrives.

Other relays send again where they did not hear our answer, people with several relays send over the next one, and
anybody can send again what was once signed. So what arrived is remembered for some days by a mark: a keyed hash of the
message and the mailbox, which tells nothing without the key and nothing of two mailboxes together.

Refuses to know what makes two messages the same: that is whose mark it is given.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from typing import Protocol

from angarium.store.interfaces import Letter, Mailboxes

__all__ = ["MARK_DAYS", "Once", "RecentlyDelivered"]

MARK_DAYS = 14
"""How long a mailbox remembers; other relays give up long before."""
MARKS = 500_000
"""Most that is remembered in memory; beyond, the oldest is forgotten."""
LOCKS = 64


class Once(Protocol):
    """Where mail from other relays goes."""

    async def deliver(self, letter: Letter, mark: bytes, *, day: int) -> Sequence[str]:
        """Put a letter into the mailboxes of its names, durably or not at all, but for those that have had it.

        Args:
            letter: what, and to whom.
            mark: what makes two letters the same.
            day: days since 1970-01-01 (UTC).

        Returns the names that got it now. Raises StoreFull and StoreError as `Mailboxes.deliver` does; then nothing
        is remembered.
        """


class RecentlyDelivered:
    """`Once`, for as long as the process lives."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes
        self._key = secrets.token_bytes(32)
        self._days: dict[bytes, int] = {}
        self._locks = [asyncio.Lock() for _ in range(LOCKS)]

    def __len__(self) -> int:
        return len(self._days)

    async def deliver(self, letter: Letter, mark: bytes, *, day: int) -> Sequence[str]:
        """See `Once.deliver`."""
        async with self._locks[mark[0] % LOCKS]:  # the same message twice at once: the second waits for the first
            self._forget(day)
            marks = {name: self._mark(name, mark) for name in letter.names}
            names = tuple(name for name, known in marks.items() if known not in self._days)
            if names:
                await self._mailboxes.deliver([Letter(letter.message, names)], day=day)
                self._days.update((marks[name], day) for name in names)
            return names

    def _mark(self, name: str, mark: bytes) -> bytes:
        return hashlib.blake2b(mark + name.encode(), key=self._key, digest_size=16).digest()

    def _forget(self, day: int) -> None:
        """Drop what is too old or too much, from the oldest on."""
        while self._days:
            oldest = next(iter(self._days))
            if self._days[oldest] >= day - MARK_DAYS and len(self._days) <= MARKS:
                return
            del self._days[oldest]
