"""Lets newcomers through in turn, as many at once as the window says; who dawdles inside is no longer counted.

For TLS handshakes: each costs a processor a millisecond or two and a hundred kilobytes meanwhile, so after an outage
the thousands who come back are let in one after the other rather than all being late together, and who is inside
already has precedence (`admission`). A peer that stops in the middle of its handshake must not keep the others out: it
gives its place back after a moment and goes on without.

A few at a time begin, `AT_ONCE` in each turn of the loop: hundreds in one turn would take the processor for as long as
all of them take. While somebody waits, and only then, a timer measures how late the loop is.
"""

import asyncio
from collections import deque
from time import thread_time
from types import TracebackType

from angarium.edge.admission import Window
from angarium.reach.deadlines import deadlines_of

__all__ = ["AT_ONCE", "Place", "Turnstile"]

AT_ONCE = 2
"""How many are let in before the loop has looked after everybody else."""
MEASURE_SECONDS = 0.01


class Turnstile:
    """A semaphore whose places come and go with the loop's time, and come back by themselves after `seconds`."""

    def __init__(self, places: int, seconds: float) -> None:
        """At most so many `places`, however much time there is."""
        self._window = Window(places)
        self._seconds = seconds
        self._inside = 0
        self._left = AT_ONCE
        self._queue: deque[asyncio.Future[None]] = deque()
        self._turning = False
        self._measuring = False

    def place(self) -> "Place":
        """Wait for a place, in turn, and hold it for the length of the context or for `seconds`."""
        return Place(self, self._seconds)

    def take(self) -> "Place | None":
        """A place, if there is one now, for who does not want to wait. Longer than a turn of the loop: `hold`."""
        if not self.free:
            return None
        self._let_in()
        return Place(self, self._seconds, held=True)

    async def come(self) -> None:
        """Wait for a place, in turn; whoever has come goes."""
        if self.free:
            self._let_in()
            return
        waiting = asyncio.get_running_loop().create_future()
        self._queue.append(waiting)
        self._admit()
        try:
            await waiting
        except asyncio.CancelledError:
            if not waiting.cancelled():  # let in and cancelled in the same turn
                self.go()
            raise

    def go(self) -> None:
        """Give a place back."""
        self._inside -= 1
        self._admit()

    @property
    def free(self) -> bool:
        """Whether there is a place now."""
        return not self._queue and bool(self._left) and self._inside < self._window.places

    def _admit(self) -> None:
        """Let in whom there is room for in this turn of the loop."""
        loop = asyncio.get_running_loop()
        while self._queue and self._left and self._inside < self._window.places:
            if not (waiting := self._queue.popleft()).done():
                waiting.set_result(None)
                self._let_in()
        if self._queue and not self._measuring:
            self._measuring = True
            self._measure(loop)

    def _let_in(self) -> None:
        self._inside += 1
        self._left -= 1
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._turning = False
        self._left = AT_ONCE
        self._admit()

    def _measure(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + MEASURE_SECONDS
        loop.call_at(due, self._measured, due, thread_time())

    def _measured(self, due: float, spent: float) -> None:
        loop = asyncio.get_running_loop()
        self._window.measured(min(loop.time() - due, thread_time() - spent))  # other programs' time is not ours to give
        self._admit()
        self._measuring = bool(self._queue)
        if self._measuring:
            self._measure(loop)


class Place:
    """One place, for the length of a context, or until it is left."""

    __slots__ = ("_held", "_moment", "_seconds", "_turnstile")

    def __init__(self, turnstile: Turnstile, seconds: float, *, held: bool = False) -> None:
        self._turnstile = turnstile
        self._seconds = seconds
        self._held = held
        self._moment: float | None = None
        """Until when."""

    def hold(self) -> None:
        """Who has come keeps it for so many seconds at most, from when this is first said."""
        if self._moment is None:
            loop = asyncio.get_running_loop()
            self._held = True
            self._moment = deadlines_of(loop).add(loop.time() + self._seconds, self)

    def leave(self) -> None:
        """Give it back. Idempotent."""
        if self._held and self._moment is not None:
            deadlines_of(asyncio.get_running_loop()).remove(self._moment, self)
        self.ring()

    def ring(self) -> None:
        """It was held long enough: give it back, if that is not done."""
        if self._held:
            self._held = False
            self._turnstile.go()

    async def __aenter__(self) -> None:
        await self._turnstile.come()
        self.hold()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
