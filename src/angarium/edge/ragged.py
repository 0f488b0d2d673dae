"""An end of a tunnel whose first words are cut at random places, each piece a write and so a TLS record of its own.

What the relay says first inside a tunnel is the inner handshake, as long for everybody. Python's TLS cannot pad the
records of one connection. A record more costs 22 octets, so cutting at random makes the records unlike each other and
the whole of some different length. That hides little, and nothing from whoever adds up what passes one way before the
other side answers and is patient: figures in docs/decisions/one-port.md, `bench/records.py`.
"""

import secrets

from angarium.reach.splice import End

__all__ = ["Ragged"]

BEGINNING = 4096
"""Octets that are cut up."""
CUTS = 12
"""Fewer than so many in each piece that comes."""


class Ragged:
    """An end for `splice`."""

    __slots__ = ("_end", "_left", "abort", "close", "read")

    def __init__(self, end: End) -> None:
        self._end = end
        self._left = BEGINNING
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
                await self._end.write(data[begin:at], timeout=timeout)
                begin = at
