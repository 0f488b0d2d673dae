"""Lets through so many at once; who dawdles inside is no longer counted.

For TLS handshakes: each costs a processor a millisecond or two and a hundred kilobytes meanwhile, so after an outage
the thousands who come back are let in one after the other rather than all being late together. A peer that stops in
the middle of its handshake must not keep the others out: it gives its place back after a moment and goes on without.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Turnstile"]


class Turnstile:
    """A semaphore whose places come back by themselves after `seconds`."""

    def __init__(self, places: int, seconds: float) -> None:
        self._free = asyncio.Semaphore(places)
        self._seconds = seconds

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
            yield
        finally:
            timer.cancel()
            give_back()
