"""When who waits has waited long enough: one timer of the loop for all deadlines of a process.

A loop's own timer is four objects for each connection that waits, and thousands wait. Here a deadline is a place in a
set that it shares with all who are due at the same moment: moments are a second apart where they are far away, and a
sixty-fourth of one where they are near. Nobody is told too early.

Refuses to know who waits, and for what.
"""

import asyncio
from heapq import heappop, heappush
from math import ceil
from typing import Protocol
from weakref import WeakKeyDictionary

__all__ = ["Deadlines", "deadlines_of"]

NEAR_SECONDS = 8.0
"""What is due in less is told within a sixty-fourth of a second, all else within a second."""
FINE = 64
EARLY_SECONDS = 0.002
"""Loops count milliseconds from when their turn began, and ring so much too early; who was asked to look again at once
would ask again and again until the moment has come."""


class Waiting(Protocol):
    """Who wants to be told."""

    def ring(self) -> None:
        """The moment has come. Must not raise."""


class Deadlines:
    """Those of one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: dict[float, set[Waiting]] = {}
        self._moments: list[float] = []
        """A heap of the keys of `_due`."""
        self._timer: asyncio.TimerHandle | None = None

    def add(self, when: float, waiting: Waiting) -> float:
        """Have somebody told at a time of the loop's clock, or a little later; return the moment when."""
        moment = float(ceil(when)) if when - self._loop.time() > NEAR_SECONDS else ceil(when * FINE) / FINE
        due = self._due.get(moment)
        if due is None:
            self._due[moment] = {waiting}
            heappush(self._moments, moment)
            if self._moments[0] == moment:
                self._set_timer(moment)
        else:
            due.add(waiting)
        return moment

    def remove(self, moment: float, waiting: Waiting) -> None:
        """Somebody is to be told no more. Does no harm where he was told already."""
        if (due := self._due.get(moment)) is not None:
            due.discard(waiting)  # and stays if it is empty: there are no more of them than moments

    def _set_timer(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(moment + EARLY_SECONDS, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._moments and self._moments[0] <= now:
            for waiting in self._due.pop(heappop(self._moments)):
                waiting.ring()
        if self._moments and self._timer is None:
            self._set_timer(self._moments[0])


_deadlines: WeakKeyDictionary[asyncio.AbstractEventLoop, Deadlines] = WeakKeyDictionary()


def deadlines_of(loop: asyncio.AbstractEventLoop) -> Deadlines:
    """The one of a loop."""
    found = _deadlines.get(loop)
    if found is None:
        found = _deadlines[loop] = Deadlines(loop)
    return found
