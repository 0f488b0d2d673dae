"""Two connections in clear made into one: what comes in by either goes out by the other, and is not looked at.

For whoever stands between a person and the relay, and is to see nothing: TLS begins and ends elsewhere. Nothing is kept
but the piece in hand (at most 16 KiB each way), and who does not take what is for him is not read for.

Each end is passed on as it was. Who says that nothing follows from him (FIN) still hears the other; who is cut off
(reset) cuts off the other, because the app takes an orderly end in the middle of an answer for the end of it
(docs/quirks.md).

RFC 9293, 3.6 (half-closed connections).
"""

import asyncio

from angarium.reach.splice import Ways, broken, joined
from angarium.reach.transport import Connection

__all__ = ["Patience", "passage"]


class Patience:
    """How long, in seconds, a passage waits for somebody who says nothing."""

    unread = 120.0
    """Bytes that lie before somebody who does not take them."""
    silent = 2100.0
    """Nothing from one side: an app in IDLE renews it every five minutes, a relay ends silence after half an hour."""
    parting = 60.0
    """Nothing more from one side, after the other has said its last word."""


async def passage(one: Connection, other: Connection, patience: type[Patience] = Patience) -> None:
    """Pass bytes both ways until both sides have ended, or one was cut off; both are closed then.

    Raises nothing but CancelledError.
    """

    async def ended(ways: Ways) -> bool:
        done, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        if left and not broken(done):
            done, left = await asyncio.wait(ways, timeout=patience.parting)
        return not left and not broken(done)

    await joined(one, other, (_one_way(one, other, patience), _one_way(other, one, patience)), ended)


async def _one_way(source: Connection, sink: Connection, patience: type[Patience]) -> None:
    while data := await source.read(timeout=patience.silent):
        await sink.write(data, timeout=patience.unread)
    await sink.finish()
