"""Lets through so many at once; who dawdles inside is no longer counted.

For TLS handshakes: each costs a processor a millisecond or two and a hundred kilobytes meanwhile, so after an outage
the thousands who come back are let in one after the other rather than all being late together. A peer that stops in
the middle of its handshake must not keep the others out: it gives its place back after a moment and goes on without.

A few at a time begin, `AT_ONCE` in each turn of the loop: hundreds in one turn would take the processor for as long as
all of them take, and who is inside already, talking, would wait for every one of them at each step of a message.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["AT_ONCE", "Turnstile"]

AT_ONCE = 4
"""How many are let in before the loop has looked after everybody else."""


class Turnstile:
    """A semaphore whose places come back by themselves after `seconds`."""

    def __init__(self, places: int, seconds: float) -> None:
        self._free = asyncio.Semaphore(places)
        self._seconds = seconds
        self._left = AT_ONCE
        self._queue: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, in turn, and hold it for the length of the context or for `seconds`."""
        await self._free.acquire()
        held = True

        def give_back() -> None:
            nonlocal held
            if held:
                held = False
                self._free.release()

        timer = asyncio.get_running_loop().call_later(self._seconds, give_back)
        try:
            await self._turn()
            yield
        finally:
            timer.cancel()
            give_back()

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        if self._left == AT_ONCE:
            loop.call_soon(self._next_turn)
        if self._left:
            self._left -= 1
        else:
            self._queue.append(waiting := loop.create_future())
            await waiting

    def _next_turn(self) -> None:
        self._left = AT_ONCE
        while self._queue and self._left:
            if not (waiting := self._queue.popleft()).done():
                waiting.set_result(None)
                self._left -= 1
        if self._left < AT_ONCE:
            asyncio.get_running_loop().call_soon(self._next_turn)
