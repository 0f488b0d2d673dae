"""A connection whose bytes are deflated both ways (RFC 4978, RFC 1951): raw, and flushed after every write.

zlib's own state is tens to hundreds of kilobytes, far more than an idle connection may cost. So none is kept:

* Outwards, every write is a run of blocks of its own that refer to nothing before them. A deflate stream may be cut
  and continued like that at any byte boundary, and a sync flush makes one.
* Inwards, the peer refers back up to 32 KiB. Where what came ends in its sync flush (the four octets 00 00 FF FF) the
  inflater is dropped and only the text it could be asked for is kept; the next bytes begin a new one from there.

Inflation is bounded by the `limit` of each read: of what a bomb would become, only so much exists at any moment.
"""

import asyncio
import zlib

from angarium.reach.transport import Connection

__all__ = ["Deflated"]

WINDOW = 32_768
FLUSHED = b"\x00\x00\xff\xff"
LEVEL = 1
PIECE = 65_536
READ = 16_384


class Deflated:
    """See `reach.transport.Connection`; the same, compressed."""

    __slots__ = ("_connection", "_ended", "_history", "_inflater", "_tail", "_waiting", "alpn", "secure")

    def __init__(self, connection: Connection, received: bytes = b"") -> None:
        """`received` is what was read of the connection already, deflated."""
        self.secure = connection.secure
        self.alpn = connection.alpn
        self._connection = connection
        self._waiting = received
        self._tail = received[-4:]
        self._inflater: zlib._Decompress | None = None
        self._history = b""
        self._ended = False

    def settle(self) -> None:
        """See `Connection.settle`."""
        self._connection.settle()

    async def read(self, limit: int = READ, *, timeout: float | None = None) -> bytes:
        """What the peer sent, inflated, at most `limit` bytes; nothing: it has ended.

        Raises:
            TimeoutError: nothing came in time.
            ConnectionError: the network failed, or this is not deflate.
        """
        while True:
            if text := self._inflate(limit):
                return text
            if self._ended:
                return b""
            self._waiting = await self._connection.read(READ, timeout=timeout)
            if not self._waiting:
                return b""
            self._tail = (self._tail + self._waiting)[-4:]

    async def take(self, limit: int = READ) -> bytes | None:
        """What is there now, as `read` gives it; None: nothing. Raises ConnectionError."""
        while True:
            if text := self._inflate(limit):
                return text
            if self._ended:
                return b""
            if not (taken := await self._connection.take(READ)):
                return taken
            self._waiting = taken
            self._tail = (self._tail + taken)[-4:]

    def readable(self, *, timeout: float | None = None) -> asyncio.Future[None]:
        """See `Connection.readable`."""
        return self._connection.readable(timeout=timeout)

    def rouse(self) -> None:
        """See `Connection.rouse`."""
        self._connection.rouse()

    async def write(self, data: bytes, *, timeout: float | None = None) -> None:
        """Deflate and send. Raises TimeoutError, ConnectionError."""
        deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        for at in range(0, len(data), PIECE):
            deflated = deflater.compress(memoryview(data)[at : at + PIECE]) + deflater.flush(zlib.Z_SYNC_FLUSH)
            await self._connection.write(deflated, timeout=timeout)

    async def close(self) -> None:
        """See `Connection.close`."""
        await self._connection.close()

    def abort(self) -> None:
        """See `Connection.abort`."""
        self._connection.abort()

    def _inflate(self, limit: int) -> bytes:
        if self._inflater is None:
            if not self._waiting:
                return b""
            self._inflater = zlib.decompressobj(-zlib.MAX_WBITS, zdict=self._history)
        try:
            text = self._inflater.decompress(self._waiting, limit)
        except zlib.error:
            raise ConnectionAbortedError("not deflated") from None
        self._waiting = self._inflater.unconsumed_tail
        self._history = (self._history + text)[-WINDOW:]
        self._ended = self._inflater.eof
        if not self._waiting and len(text) < limit and self._tail == FLUSHED:
            self._inflater = None
        return text
