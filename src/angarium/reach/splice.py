"""Two connections made into one: what comes in by either goes out by the other, and neither is read into.

Nothing is kept but the piece in hand: who does not take what is for him is not read for. The first end is the end of
both: in order where it was in order, and by a reset where it was not, so that nobody takes half of something for all.
(Where each side ends for itself: `passage`.)
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeAlias

__all__ = ["End", "Ways", "broken", "joined", "splice"]

Ways: TypeAlias = set[asyncio.Task[None]]
"""What passes bytes, one task for each direction."""


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

    async def ended(ways: Ways) -> bool:
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        return not broken(done)

    await joined(one, other, (_pass_on(one, other, timeout), _pass_on(other, one, timeout)), ended)


async def joined(
    one: End,
    other: End,
    ways: tuple[Coroutine[Any, Any, None], Coroutine[Any, Any, None]],
    ended: Callable[[Ways], Awaitable[bool]],
) -> None:
    """Pass bytes both ways as long as `ended` waits, which says whether it was in order; close both connections.

    Where it was not in order, or this is cancelled, they are reset. Raises nothing but CancelledError.
    """
    tasks = {asyncio.create_task(way) for way in ways}
    orderly = False
    try:
        orderly = await ended(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not orderly:
            one.abort()
            other.abort()
        await asyncio.gather(one.close(), other.close())


def broken(done: Ways) -> bool:
    """Whether a direction has ended by an error."""
    return any(way.exception() is not None for way in done)


async def _pass_on(source: End, sink: End, timeout: float) -> None:
    while data := await source.read():
        await sink.write(data, timeout=timeout)
