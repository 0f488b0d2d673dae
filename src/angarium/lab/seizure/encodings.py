"""The forms in which an identifier may lie on a disk, as bytes to look for.

Case is folded wherever the form keeps letters apart from their neighbours; base64 does not, so there the spelling as
known and the one in lower case are both looked for. Compressed forms are `streams`, which gives back what these find.
"""

import base64
from collections.abc import Iterator
from urllib.parse import quote

import msgspec

__all__ = ["SHORTEST", "Known", "exact", "folded"]

SHORTEST = 7
"""Bytes of the shortest form looked for: a shorter one would be found in noise."""


class Known(msgspec.Struct, frozen=True):
    """An identifier that the examiner knows, or would like to."""

    kind: str
    """What it is: address, password, Message-ID…; hits are counted by it."""
    value: str


def folded(value: str) -> Iterator[tuple[str, bytes]]:
    """Forms to look for in bytes whose ASCII letters were made small: (encoding, form)."""
    raw = value.encode()
    yield "raw", raw.lower()
    yield "reversed", raw[::-1].lower()
    yield "utf-16-le", value.encode("utf-16-le").lower()
    yield "utf-16-be", value.encode("utf-16-be").lower()
    for name, form in (("percent", quote(value, safe="").encode()), ("escaped", value.encode("unicode_escape"))):
        if form != raw:
            yield name, form.lower()
    for spelling in _spellings(value):
        yield "hex", spelling.encode().hex().encode()


def exact(value: str) -> Iterator[tuple[str, bytes]]:
    """Forms to look for in bytes as they are: (encoding, form)."""
    for spelling in _spellings(value):
        for shift in range(3):
            form = _aligned(spelling.encode(), shift)
            yield "base64", form
            yield "base64url", form.translate(bytes.maketrans(b"+/", b"-_"))


def _spellings(value: str) -> set[str]:
    return {value, value.lower()}


def _aligned(value: bytes, shift: int) -> bytes:
    """The characters of base64 that depend on the value alone where `shift` other bytes begin its group of three."""
    encoded = base64.b64encode(bytes(shift) + value)
    return encoded[-(-shift * 8 // 6) : (shift + len(value)) * 8 // 6]
