"""SQLite's files as an examiner reads them: which row lies on which page, and which rows each write touched.

The pages of a table say in which order room was taken, whatever order its rows are in; the log says which rows were
written together. Format: <https://www.sqlite.org/fileformat2.html>, sections 1.5, 1.6 and 4.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Cell", "Pages", "cells", "writes"]

LEAF, INTERIOR = 0x0D, 0x05
LOG = {0x377F0682, 0x377F0683}


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
        yield Cell(rowid, number, payload, first, page[at : at + here])


def writes(log: Path) -> Iterator[dict[int, bytes]]:
    """The transactions in a log in the order they were written, each as page number to page; old ones too that a
    later beginning of the log has not yet overwritten."""
    data = log.read_bytes() if log.exists() else b""
    if len(data) < 32 or int.from_bytes(data[:4], "big") not in LOG:
        return
    size = int.from_bytes(data[8:12], "big")
    pages: dict[int, bytes] = {}
    salts = b""
    for at in range(32, len(data) - size - 23, size + 24):
        number, committed = struct.unpack_from(">II", data, at)
        if data[at + 8 : at + 16] != salts:
            pages, salts = {}, data[at + 8 : at + 16]
        pages[number] = data[at + 24 : at + 24 + size]
        if committed:
            yield pages
            pages = {}


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
