"""Which UIDs a mailbox holds, as runs: rows that lie anywhere are found only by who knows what to look for.

A mailbox that is emptied as it is read, or from its old end, is one run whatever it holds. One of ten thousand messages
of which every second was expunged is ten thousand runs of eight bytes, and these are written at every change of it.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

__all__ = ["Uids"]


class Uids:
    """A set of UIDs (1 to 2**32 - 1) that does not change."""

    __slots__ = ("_edges",)

    def __init__(self, edges: Iterable[int] = ()) -> None:
        """`edges` are the first and the last UID of each run, in order; runs do not touch."""
        self._edges = array("I", edges)

    def __contains__(self, uid: int) -> bool:
        at = bisect_left(self._edges, uid)
        return bool(at & 1) or (at < len(self._edges) and self._edges[at] == uid)

    def __iter__(self) -> Iterator[int]:
        """All of them, in order."""
        edges = iter(self._edges)
        for first, last in zip(edges, edges, strict=True):
            yield from range(first, last + 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Uids) and self._edges == other._edges

    def __hash__(self) -> int:
        return hash(self.pack())

    def extended(self, first: int, count: int) -> "Uids":
        """With `count` more from `first` on, which is above all that are in it."""
        if count < 1:
            return self
        edges = self._edges[:]
        if edges and edges[-1] == first - 1:
            edges[-1] += count
        else:
            edges.extend((first, first + count - 1))
        return Uids(edges)

    def without(self, uids: Iterable[int]) -> "Uids":
        """Without these; those that are not in it are passed over."""
        edges = self._edges[:]
        for uid in uids:
            at = bisect_left(edges, uid) & ~1
            if at == len(edges) or edges[at] > uid:
                continue
            first, last = edges[at], edges[at + 1]
            left = (first, uid - 1) if first < uid else ()
            right = (uid + 1, last) if uid < last else ()
            edges[at : at + 2] = array("I", left + right)
        return Uids(edges)

    def pack(self) -> bytes:
        """The bytes to keep."""
        return _ordered(self._edges[:]).tobytes()

    @classmethod
    def unpack(cls, packed: bytes) -> "Uids":
        """Undo `pack`. Raises ValueError where it is something else."""
        edges = array("I")
        edges.frombytes(packed)
        if len(edges) & 1:
            raise ValueError("not runs of UIDs")
        return cls(_ordered(edges))


def _ordered(edges: "array[int]") -> "array[int]":
    """Least significant byte first, on every machine."""
    if sys.byteorder == "big":
        edges.byteswap()
    return edges
