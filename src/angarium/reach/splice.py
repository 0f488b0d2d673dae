"""Two connections made into one: what comes in by either goes out by the other, and neither is read into.

Nothing is kept but the piece in hand: who does not take what is for him is not read for. The first end is the end of
both: in order where it was in order, and by a reset where it was not, so that nobody takes half of something for all.
"""

import asyncio

from angarium.reach.transport import Connection

__all__ = ["splice"]


async def splice(one: Connection, other: Connection, *, timeout: float) -> None:
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


async def _pass_on(source: Connection, sink: Connection, timeout: float) -> None:
    while data := await source.read():
        await sink.write(data, timeout=timeout)
