"""An end of a tunnel whose first words are cut at random places, and each piece, a TLS record of its own, filled up.

What the relay says first inside a tunnel is the inner handshake, as long for everybody. So its pieces are others each
time, and their padding makes the whole of some different length. A record more costs 22 octets. That hides nothing of
what the app says, nor the order of questions and answers: figures in docs/decisions/one-port.md, `bench/records.py`.

Who has no pass never sees it: the padding is of this one connection (`reach.transport.Connection.fill`), where Python
lets us reach it, and in TLS 1.3; elsewhere there are the cuts alone.
"""

import secrets

from angarium.reach.splice import End
from angarium.reach.transport import PIECE, Connection

__all__ = ["Ragged"]

BEGINNING = 4096
"""Octets that are cut up."""
CUTS = 12
"""Fewer than so many in each piece that comes."""
PADDING, MOST = 256, 2048
"""Octets of it in a record at most, and fewer than so many in a tunnel: else each short answer cost a kilobyte."""


class Ragged:
    """An end for `splice`."""

    __slots__ = ("_end", "_left", "_outside", "_padding", "abort", "close", "read")

    def __init__(self, end: End) -> None:
        self._end = end
        self._left = BEGINNING
        self._outside = end if isinstance(end, Connection) else None
        """What may be padded."""
        self._padding = secrets.randbelow(MOST)
        self.read = end.read
        self.abort = end.abort
        self.close = end.close

    async def write(self, data: bytes, *, timeout: float) -> None:
        """As the end's own."""
        cuts = {secrets.randbelow(len(data)) for _ in range(secrets.randbelow(CUTS))} if self._left > 0 and data else ()
        self._left -= len(data)
        begin = 0
        for at in (*sorted(cuts), len(data)):
            if at > begin:
                self._fill(at - begin)
                await self._end.write(data[begin:at], timeout=timeout)
                begin = at
        if self._left <= 0:
            self._padding = 0
            self._fill(0)

    def _fill(self, octets: int) -> None:
        """Fill up the next record, which holds so many octets, as long as there is padding left."""
        if self._outside is None:
            return
        padding = secrets.randbelow(min(PADDING, self._padding) + 1)
        wanted = min(octets + 1 + padding, PIECE) if self._padding else 0
        self._padding -= padding
        if not self._outside.fill(wanted) or not wanted:
            self._outside = None
