"""Where in an MP4 what is seen and heard lies: the chunks of its tracks, from the tables that name them.

ISO/IEC 14496-12, 8.7 (stsz, stz2, stsc, stco, co64), and the QuickTime File Format, whose sound may count its octets
otherwise than in its table.
"""

import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import pairwise

from angarium.channel.recording.octets import BadRecording

__all__ = ["MOST_TABLES", "Kept", "Track", "kept"]

MOST_TABLES = 48 << 20
"""Octets of all tables of a file: a day of video at 60 pictures a second has less."""
FOREVER = 1 << 62


class Track:
    """A track: its kind, and the tables as they stand in the file, without their boxes' headers."""

    def __init__(self) -> None:
        self.handler = b""
        """`vide`, `soun`, or whatever is neither seen nor heard."""
        self.tables: dict[bytes, bytes] = {}

    @property
    def counted_otherwise(self) -> bool:
        """Whether its table may give frames of sound as if they were octets, as QuickTime's does."""
        return self.handler == b"soun" and self.tables.get(b"stsz", b"")[4:8] == b"\0\0\0\1"

    def starts(self) -> "array[int]":
        """Where its chunks begin, from the start of the file."""
        if b"co64" in self.tables:
            return _numbers("Q", self.tables[b"co64"])
        return _numbers("I", self.tables.get(b"stco", bytes(8)))

    def spans(self) -> Iterator[tuple[int, int]]:
        """Its chunks: where each begins and ends."""
        starts, sizes, runs, sample = self.starts(), self._sizes(), self._runs(), 0
        if starts and not runs:
            raise BadRecording("a track without its tables")
        for start, many in zip(starts, _many(runs), strict=False):
            length = sizes * many if isinstance(sizes, int) else sum(sizes[sample : sample + many])
            sample += many
            yield start, start + length

    def _sizes(self) -> int | Sequence[int]:
        """Octets of each sample, or of every one."""
        if b"stz2" in self.tables:
            table = self.tables[b"stz2"]
            (count,) = struct.unpack_from(">I", table, 8)
            if table[7] == 4:
                return [half for octet in table[12:] for half in (octet >> 4, octet & 15)][:count]
            return array("B", table[12 : 12 + count]) if table[7] == 8 else _numbers("H", table[4:])
        table = self.tables.get(b"stsz", bytes(12))
        (every,) = struct.unpack_from(">I", table, 4)
        return int(every) or _numbers("I", table[4:])

    def _runs(self) -> list[tuple[int, int]]:
        """From which chunk on there are how many samples in each."""
        table = self.tables.get(b"stsc", bytes(8))
        (count,) = struct.unpack_from(">I", table, 4)
        rows = table[8 : 8 + 12 * count]
        if len(rows) < 12 * count:
            raise BadRecording("a table is cut short")
        return [(first, many) for first, many, _ in struct.iter_unpack(">III", rows)]


class Kept:
    """Spans of a file that stay."""

    def __init__(self, spans: Iterator[tuple[int, int]]) -> None:
        """`spans`: in their order."""
        self._starts, self._ends = array("Q"), array("Q")
        for start, end in spans:
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            elif end > start:
                self._starts.append(start)
                self._ends.append(end)

    @property
    def until(self) -> int:
        """How long the file must be at least."""
        if not self._ends:
            return 0
        return self._ends[-1] if self._ends[-1] < FOREVER else self._starts[-1]

    def masked(self, octets: bytes, at: int) -> bytes:
        """Octets that stand at a place of the file, with zeros where nothing stays."""
        number, end = max(bisect_right(self._starts, at) - 1, 0), at + len(octets)
        if number < len(self._starts) and self._starts[number] <= at and self._ends[number] >= end:
            return octets
        masked = bytearray(len(octets))
        while number < len(self._starts) and self._starts[number] < end:
            low, high = max(self._starts[number] - at, 0), max(min(self._ends[number], end) - at, 0)
            masked[low:high] = octets[low:high]
            number += 1
        return bytes(masked)


def kept(tracks: Sequence[Track], shown: Sequence[bool]) -> Kept:
    """What stays, given which tracks are seen or heard."""
    staying = [track for track, stays in zip(tracks, shown, strict=True) if stays]
    every: list[int] = []
    if any(track.counted_otherwise for track in staying):
        every = sorted(start for track in tracks for start in track.starts())
    found = (_to_the_next(track, every) if track.counted_otherwise else track.spans() for track in staying)
    return Kept(merge(*(_in_order(spans) for spans in found)))


def _to_the_next(track: Track, every: list[int]) -> Iterator[tuple[int, int]]:
    """A track's chunks, each going on until any other begins."""
    for start in track.starts():
        following = bisect_right(every, start)
        yield start, every[following] if following < len(every) else FOREVER


def _in_order(spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The same spans by where they begin, held in little memory while they are put in order."""
    starts, ends = array("Q"), array("Q")
    for start, end in spans:
        starts.append(start)
        ends.append(min(end, FOREVER))
    order: Sequence[int] = range(len(starts))
    if any(one > other for one, other in pairwise(starts)):
        order = sorted(order, key=starts.__getitem__)
    return ((starts[at], ends[at]) for at in order)


def _many(runs: list[tuple[int, int]]) -> Iterator[int]:
    """How many samples each chunk has, without end."""
    for (first, many), (following, _) in pairwise([*runs, (FOREVER, 0)]):
        for _ in range(following - first):
            yield many


def _numbers(kind: str, table: bytes) -> "array[int]":
    """The numbers of a table, whose count stands before them."""
    (count,) = struct.unpack_from(">I", table, 4)
    found = array(kind)
    octets = table[8 : 8 + count * found.itemsize]
    if len(octets) < count * found.itemsize:
        raise BadRecording("a table is cut short")
    found.frombytes(octets)
    if sys.byteorder == "little":
        found.byteswap()
    return found
