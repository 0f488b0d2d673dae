"""SQLite's files as an examiner reads them: which row lies on which page, and which pages each write touched.

The pages of a table say in which order room was taken, whatever order its rows are in; the log says which pages were
written together, and its index (the file whose name ends in `-shm`) still lists pages of a log that was cut. Formats:
<https://www.sqlite.org/fileformat2.html>, sections 1.5, 1.6 and 4, and <https://www.sqlite.org/walformat.html>.
"""

import struct
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

__all__ = ["Cell", "Pages", "Write", "cells", "listed", "writes"]

LEAF, INTERIOR = 0x0D, 0x05
LOG_HEAD, FRAME_HEAD = 32, 24
INDEX_HEAD, INDEX_BLOCK, INDEX_PAGES = 136, 32_768, 4096
"""Bytes of the index's head and of a block; frames that a block lists (the first, fewer: the head takes their room)."""


class Cell(NamedTuple):
    """A row of a table, where it lies."""

    rowid: int
    page: int
    payload: int
    """Bytes of its values."""
    overflow: int
    """First page of what did not fit; 0: all did."""
    raw: bytes
    """What lies on the page itself."""


class Pages:
    """A database file in memory."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        size = int.from_bytes(self._data[16:18], "big")
        self.size = 65536 if size == 1 else size
        self.usable = self.size - self._data[20]

    def page(self, number: int) -> bytes:
        """One page, counted from 1; empty where there is none."""
        return self._data[(number - 1) * self.size : number * self.size]

    def table(self, root: int) -> Iterator[Cell]:
        """The rows of a table, in order. What is damaged is passed over."""
        waiting, seen = [root], set[int]()
        while waiting:
            number = waiting.pop()
            page = self.page(number)
            if number in seen or not page:
                continue
            seen.add(number)
            start = 100 if number == 1 else 0
            if page[start] == LEAF:
                yield from cells(page, number, self.usable)
            elif page[start] == INTERIOR:
                places = _places(page, start, 12)
                children = [int.from_bytes(page[place : place + 4], "big") for place in places]
                waiting += [int.from_bytes(page[start + 8 : start + 12], "big"), *reversed(children)]


def cells(page: bytes, number: int, usable: int) -> Iterator[Cell]:
    """The rows on a leaf page of a table; nothing if it is another kind of page."""
    start = 100 if number == 1 else 0
    if len(page) < start + 8 or page[start] != LEAF:
        return
    for place in _places(page, start, 8):
        payload, at = _varint(page, place)
        rowid, at = _varint(page, at)
        here = _local(payload, usable)
        first = int.from_bytes(page[at + here : at + here + 4], "big") if here < payload else 0
        yield Cell(rowid - (rowid >> 63 << 64), number, payload, first, page[at : at + here])


class Write(NamedTuple):
    """One transaction in a log, committed or not, or as much of it as is left."""

    pages: dict[int, bytes]
    """Page number to page, as it was afterwards."""
    present: bool
    """Of the log as it is; otherwise of an earlier one, whose end a later beginning has not yet overwritten."""


def writes(log: Path, size: int) -> list[Write]:
    """The transactions in a log, in the order they were written; `size` is that of a page.

    Every frame counts, whether SQLite would still read it or not: its head may be zeroed, or be of a later log.
    """
    data = log.read_bytes() if log.exists() else b""
    places = range(LOG_HEAD, len(data) - size - FRAME_HEAD + 1, size + FRAME_HEAD)
    frames = [at for at in places if any(data[at : at + 4])]
    logs = [list(group) for _, group in groupby(frames, lambda at: data[at + 8 : at + 16])]
    found: list[Write] = []
    for one in reversed(logs):
        present = data[16:24] == data[one[0] + 8 : one[0] + 16]
        pages: dict[int, bytes] = {}
        for at in one:
            number, committed = struct.unpack_from(">II", data, at)
            pages[number] = data[at + FRAME_HEAD : at + FRAME_HEAD + size]
            if committed:
                found.append(Write(pages, present))
                pages = {}
        if pages:
            found.append(Write(pages, present))
    return found


def listed(index: Path) -> list[tuple[int, ...]]:
    """The page numbers that the index of a log lists, each transaction's together as far as can be told.

    A transaction's pages go into the log in ascending order, so where the numbers descend another begins. The index
    keeps the list of a log that was cut until the next is begun.
    """
    data = index.read_bytes() if index.exists() else b""
    numbers: list[int] = []
    for start in range(0, len(data), INDEX_BLOCK):
        head = INDEX_HEAD if start == 0 else 0
        entries = data[start + head : start + 4 * INDEX_PAGES]
        numbers += [number for (number,) in struct.iter_unpack("=I", entries[: len(entries) & ~3]) if number]
    ends = [at for at, (one, after) in enumerate(pairwise(numbers), 1) if after <= one]
    return [tuple(numbers[start:end]) for start, end in pairwise([0, *ends, len(numbers)]) if start < end]


def _places(page: bytes, start: int, header: int) -> tuple[int, ...]:
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    end = start + header + 2 * count
    return struct.unpack(f">{count}H", page[start + header : end]) if end <= len(page) else ()


def _varint(page: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for octet in page[at : at + 8]:
        at += 1
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            return value, at
    return value << 8 | int.from_bytes(page[at : at + 1], "big"), at + 1


def _local(payload: int, usable: int) -> int:
    """How many bytes of a row lie on its leaf page."""
    most, least = usable - 35, (usable - 12) * 32 // 255 - 23
    if payload <= most:
        return payload
    fitting = least + (payload - least) % (usable - 4)
    return fitting if fitting <= most else least
