"""Two connections made into one: what comes in by either goes out by the other, and neither is read into.

Nothing is kept but the piece in hand: who does not take what is for him is not read for. The first end is the end of
both: in order where it was in order, and by a reset where it was not, so that nobody takes half of something for all.
"""

import asyncio
from typing import Protocol

__all__ = ["End", "splice"]


class End(Protocol):
    """A connection, or what is spoken inside one. As `reach.transport.Connection` says."""

    async def read(self) -> bytes:
        """What came, at least one byte; nothing: it has ended."""

    async def write(self, data: bytes, *, timeout: float) -> None:
        """Send all of it."""

    def abort(self) -> None:
        """End now."""

    async def close(self) -> None:
        """End in order."""


async def splice(one: End, other: End, *, timeout: float) -> None:
    """Pass bytes both ways until one side has ended; both connections are closed then.

    `timeout` is how long, in seconds, a side may leave our bytes unread. Raises nothing but CancelledError.
    """
    ways = [asyncio.create_task(_pass_on(one, other, timeout)), asyncio.create_task(_pass_on(other, one, timeout))]
    try:
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        orderly = all(way.exception() is None for way in done)
    except BaseException:
        orderly = False
        raise
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        if not orderly:
            one.abort()
            other.abort()
        await asyncio.gather(one.close(), other.close())


async def _pass_on(source: End, sink: End, timeout: float) -> None:
    while data := await source.read():
        await sink.write(data, timeout=timeout)
