"""Compressed streams, wherever they begin: gzip and zlib by their headers, bare deflate where it is told to look.

A stream may be cut off or damaged on the way: what it gave until then counts. Where it breaks within its first bytes it
was noise that looked like a header.

Bare deflate has no header, and half of all bytes could begin one: in small data it is looked for at every byte, in
large data at the places given (where files, values and entries of archives begin, and a few bytes after).
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["inflated"]

FIRST = 64
"""Bytes that must pass for a stream."""
PIECE = 4096
MOST = 64 << 20
"""Bytes taken from one stream."""
SHORTEST = 7
SMALL = 1 << 18
"""Data up to so many bytes are searched for bare deflate at every byte."""
AFTER = 64
"""Bytes after a place given at which bare deflate may begin: behind a nonce, a length, a header."""

GZIP, ZLIB, BARE = 31, 15, -15


def _header(method: int) -> bytes:
    """Pattern of the two bytes that begin a zlib stream of one window size: their number is a multiple of 31."""
    flags = [flag for flag in range(256) if (method << 8 | flag) % 31 == 0 and not flag & 0x20]
    some = b"".join(re.escape(bytes([flag])) for flag in flags)
    return re.escape(bytes([method])) + b"(?=[" + some + b"])"


_HEADERS = re.compile(b"|".join(_header(window << 4 | 8) for window in range(8)), re.DOTALL)
_ENTRY = re.compile(rb"PK\x03\x04.{22}(..)(..)", re.DOTALL)


def inflated(data: bytes, starts: Sequence[int] = (0,)) -> Iterator[bytes]:
    """What streams in the data give; `starts` are places at or shortly after which bare deflate may begin."""
    yield from _all(data, (found.start() for found in re.finditer(rb"\x1f\x8b\x08", data)), GZIP)
    yield from _all(data, (found.start() for found in _HEADERS.finditer(data)), ZLIB)
    yield from _all(data, _bare(data, starts), BARE)


def _bare(data: bytes, starts: Sequence[int]) -> Iterable[int]:
    if len(data) <= SMALL:
        places: Iterable[int] = range(len(data))
    else:
        entries = [
            found.end() + int.from_bytes(found[1], "little") + int.from_bytes(found[2], "little")
            for found in _ENTRY.finditer(data)
        ]
        places = sorted({place + after for place in (*starts, *entries) for after in range(AFTER)})
    # Kinds 1 and 2 of RFC 1951, 3.2.3; what kind 0 holds lies there in clear.
    return (place for place in places if place < len(data) and data[place] & 6 in (2, 4))


def _all(data: bytes, places: Iterable[int], form: int) -> Iterator[bytes]:
    end = 0
    for place in places:
        if place < end:
            continue  # inside a stream that was read
        taken, out = _inflate(data, place, form)
        if len(out) >= SHORTEST:
            yield out
            end = place + taken if taken > FIRST else end


def _inflate(data: bytes, start: int, form: int) -> tuple[int, bytes]:
    """Read a stream until it ends or breaks: bytes taken, bytes given."""
    stream = zlib.decompressobj(form)
    try:
        out = [stream.decompress(data[start : start + FIRST], MOST)]
    except zlib.error:
        return 0, b""
    at, given = start + FIRST, len(out[0])
    while not stream.eof and at < len(data) and given < MOST:
        before, piece = stream.copy(), data[at : at + PIECE]
        try:
            out.append(stream.decompress(piece, MOST))
        except zlib.error:
            out.extend(_until_broken(before, piece))
            break
        at += len(piece)
        given += len(out[-1])
    return at - start, b"".join(out)


def _until_broken(stream: "zlib._Decompress", piece: bytes) -> Iterator[bytes]:
    try:
        for at in range(len(piece)):
            yield stream.decompress(piece[at : at + 1])
    except zlib.error:
        return
