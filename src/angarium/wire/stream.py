"""A byte stream that parsers read as generators.

A parser is a generator that says ``line = yield from stream.line(limit)``; where the bytes are not there yet it yields,
and whoever feeds the stream resumes it with ``next()``. So a recursive grammar may wait in the middle of a literal
without beginning again, and the events are the same whether bytes come whole or one by one.

Every read carries its own limit: a peer cannot make us hold more than the caller of the read agreed to.
"""

from collections.abc import Generator
from typing import TypeVar

__all__ = ["CR", "NUL", "LineTooLong", "Parser", "Stream"]

T = TypeVar("T")
Parser = Generator[None, None, T]

NUL, CR = b"\0\r"
"""Octets as numbers: `NUL in line` is ten times as fast as `b"\\0" in line`, which fails as a number first."""


class LineTooLong(Exception):
    """The peer sent more than `limit` bytes without an end of line; the line's length so far is unknown."""


class Stream:
    """Bytes received and not yet parsed."""

    __slots__ = ("_buffer", "_scanned")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0

    def __len__(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Append what the peer sent."""
        self._buffer += data

    def line(self, limit: int) -> Parser[bytes]:
        """Read up to and including the next LF, at most `limit` bytes.

        The end of line is returned as it was sent (CRLF, or a bare LF that the caller must judge).

        Raises:
            LineTooLong: no LF within `limit` bytes. Nothing is consumed; `drop_line` skips the rest.
        """
        while (line := self.line_at_hand(limit)) is None:
            yield
        return line

    def line_at_hand(self, limit: int) -> bytes | None:
        """The same for whoever is not to wait: None where the line has not ended yet."""
        at = self._buffer.find(b"\n", self._scanned)
        if at >= 0:
            if at + 1 > limit:
                raise LineTooLong
            return self._take(at + 1)
        self._scanned = len(self._buffer)
        if self._scanned >= limit:
            raise LineTooLong
        return None

    def drop_line(self) -> Parser[None]:
        """Throw away everything up to and including the next LF, in constant memory."""
        while True:
            at = self._buffer.find(b"\n")
            if at >= 0:
                self._take(at + 1)
                return
            self._take(len(self._buffer))
            yield

    def exactly(self, size: int) -> Parser[bytes]:
        """Read exactly `size` bytes. The caller has checked `size` against its limit."""
        while len(self._buffer) < size:
            yield
        return self._take(size)

    def some(self, limit: int) -> Parser[bytes]:
        """Read whatever is there, at least one byte and at most `limit`."""
        while not self._buffer:
            yield
        return self._take(min(limit, len(self._buffer)))

    def clear(self) -> bytes:
        """Take everything that is left, parsed by nobody (before STARTTLS it must be thrown away: RFC 3207, 6)."""
        return self._take(len(self._buffer))

    def _take(self, size: int) -> bytes:
        if size == len(self._buffer):
            taken = bytes(self._buffer)
            self._buffer.clear()
        else:
            taken = bytes(memoryview(self._buffer)[:size])
            del self._buffer[:size]
        self._scanned = 0
        return taken
