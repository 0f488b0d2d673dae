"""Octets that are read once, from the first to the last, and looked at before they are taken.

What is held is what was looked at, so a file of any size takes little memory.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

__all__ = ["PIECE", "BadRecording", "Octets", "blank"]

PIECE = 1 << 16
MOST = 1 << 60
"""Octets that a file may say it has."""


class BadRecording(Exception):
    """The octets are no whole video or sound of that type, or cannot be rid of what they say besides."""


class Octets:
    """A file from where it stands.

    Attributes:
        at: how many octets were taken.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._buffer, self._start = b"", 0
        self.at = 0

    def peek(self, count: int) -> bytes:
        """So many octets, which stay; fewer where the file ends."""
        held = len(self._buffer) - self._start
        if held < count:
            pieces = [self._buffer[self._start :]]
            while held < count and (piece := self._file.read(max(PIECE, count - held))):
                pieces.append(piece)
                held += len(piece)
            self._buffer, self._start = b"".join(pieces), 0
        return self._buffer[self._start : self._start + count]

    def take(self, count: int) -> bytes:
        """So many octets. Raises BadRecording where the file ends before."""
        octets = self.peek(count)
        if len(octets) < count:
            raise BadRecording("cut short")
        self._start += count
        self.at += count
        return octets

    def copy(self, count: int) -> Iterator[bytes]:
        """So many octets, in pieces. Raises BadRecording where the file ends before."""
        while count > 0:
            piece = self.take(min(count, PIECE))
            count -= len(piece)
            yield piece

    def rest(self) -> Iterator[bytes]:
        """All that is left, in pieces."""
        while piece := self.peek(PIECE):
            yield self.take(len(piece))

    def skip(self, count: int) -> None:
        """Go on behind so many octets, without reading them where that can be done: the file may end before."""
        held = len(self._buffer) - self._start
        if self.at + count > MOST:
            raise BadRecording("longer than any file")
        if count > held and self._file.seekable():
            self._file.seek(count - held, os.SEEK_CUR)
            self._buffer, self._start = b"", 0
            self.at += count
        else:
            for _ in self.copy(count):
                pass


def blank(count: int) -> Iterator[bytes]:
    """So many zeros, in pieces."""
    while count > 0:
        yield bytes(min(count, PIECE))
        count -= PIECE
