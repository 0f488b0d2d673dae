"""What goes back to its senders undelivered: what is too old, and what the keeper drops."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from angarium.mail.bounce import Failure
from angarium.mail.federation.board import Board
from angarium.mail.federation.chain import Entry
from angarium.mail.federation.road_clock import RoadClock
from angarium.mail.federation.settlement import Settlement
from angarium.mail.verdict import Verdict

__all__ = ["Returns"]

_log = logging.getLogger("angarium.mail.federation.returns")

SWEEP_SECONDS = 300.0
"""Between two looks for what has waited too long."""
AT_ONCE = 16
"""Messages that are returned side by side, where many are."""


class Returns:
    """See the file's head.

    Args:
        board: what waits.
        settlement: writes down what becomes of it.
        road_clock: what it ages by.
        days: a message older than so many is returned.
        put_off: has a message wait.
    """

    def __init__(
        self,
        board: Board,
        settlement: Settlement,
        road_clock: RoadClock,
        days: int,
        put_off: Callable[[Entry], None],
    ) -> None:
        self._board = board
        self._settlement = settlement
        self._road_clock = road_clock
        self._days = days
        self._put_off = put_off

    async def run(self) -> None:
        """Return what is too old until cancelled. Nothing that this process has not tried, unless it is held."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            oldest = self._road_clock.day() - self._days
            lines = [line for line in self._board.lines.values() if line.tried or line.held]
            await self.give_back([each for line in lines for each in line.entries() if each.day < oldest], self._age)

    async def give_back(self, entries: Iterable[Entry], why: Callable[[Entry], Verdict]) -> int:
        """Return messages to their senders; one that is just being tried, after that. Returns how many."""
        number, room = 0, asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as returning:
            for entry in entries:
                number += 1
                line = self._board.lines.get(entry.destination)
                if line is not None and line.sending(entry):
                    entry.ending = why(entry)
                else:
                    verdict = why(entry)
                    self._board.remove(entry)
                    returning.create_task(self._return(entry, verdict, room))
        return number

    async def _return(self, entry: Entry, verdict: Verdict, room: asyncio.Semaphore) -> None:
        async with room:
            try:
                await self._settlement.settle(entry, (), [Failure(each, verdict) for each in entry.recipients])
            except Exception as fault:  # of ours: one message's misfortune must not end the relay
                _log.error("a message could not be returned: %s", type(fault).__name__)
                self._put_off(entry)
                self._board.add(entry)

    def _age(self, entry: Entry) -> Verdict:
        line = self._board.lines.get(entry.destination)
        why = ("" if line is None else line.fault) or (entry.said.text if entry.said else "it was held")
        days = f"{self._days} day{'s' if self._days > 1 else ''}"
        return Verdict.reject(554, "5.4.7", f"not delivered in {days}: {why}")
