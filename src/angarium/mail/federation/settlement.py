"""Writes down what became of a message on its way, in one commit: who is served, and the bounce for who never will be.

A bounce goes to the sender's own mailbox here, signed. What becomes of a report is reported to nobody: it is dropped,
and counted. Where the store fails, it is tried again until it does not: the message is sent no second time meanwhile,
and if the process ends before, once more than it should, which the other side's memory of it swallows.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence

from angarium.mail.bounce import Failure
from angarium.mail.federation.chain import Entry
from angarium.mail.notices import Notices
from angarium.store.interfaces import Letter, StoreError
from angarium.store.outbound import OutQueue

__all__ = ["Settlement"]

_log = logging.getLogger("angarium.mail.federation.settlement")

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
"""Until the store is asked again."""
READ_AT_ONCE = 4
"""Messages that are read for their bounces, side by side."""


class Settlement:
    """See the file's head.

    Args:
        store: where the messages wait.
        notices: writes the bounces.
        today: days since 1970-01-01 (UTC).
        on_delivered: called with the names that got a bounce; it must not block.
    """

    def __init__(
        self,
        store: OutQueue,
        notices: Notices,
        today: Callable[[], int],
        on_delivered: Callable[[Sequence[str]], None],
    ) -> None:
        self._store = store
        self._notices = notices
        self._today = today
        self._on_delivered = on_delivered
        self._reading = asyncio.Semaphore(READ_AT_ONCE)
        self.dropped = 0
        """Reports that could not be delivered, since this process started."""

    async def settle(self, entry: Entry, left: Collection[str], failures: Sequence[Failure]) -> None:
        """Leave only some recipients to be served, and tell the sender of those it failed for. Durable on return."""
        wait = FIRST_SECONDS
        while True:
            try:
                letters = await self._letters(entry, failures)
                await self._store.settle(entry.number, left, letters, day=self._today())
                break
            except StoreError:  # what it was, the store has told the keeper
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_SECONDS)
        if failures and not entry.sender:
            self.dropped += 1
        self._tell(letters)

    async def _letters(self, entry: Entry, failures: Sequence[Failure]) -> list[Letter]:
        """The bounce, if there is one. Raises StoreError."""
        if not failures or not entry.sender:
            return []
        async with self._reading:
            original = await self._store.message(entry.number)
            if original is None:
                return []
            return [await self._notices.letter(original, failures, entry.sender)]

    def _tell(self, letters: Sequence[Letter]) -> None:
        """What is settled is settled, whatever becomes of the telling."""
        names = tuple(name for letter in letters for name in letter.names)
        try:
            if names:
                self._on_delivered(names)
        except Exception as fault:
            _log.error("nobody was told of a bounce: %s", type(fault).__name__)
