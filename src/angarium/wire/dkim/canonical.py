"""Canonical forms (RFC 6376, 3.4): "simple", where almost nothing may change on the way, and "relaxed" white space.

Takes messages whose lines end in CRLF, as `mail.checks.form` lets them in; a CR or LF alone is a character like others,
but for the end of the body, where white space does not count whatever it is.

A body is hashed in pieces, and those that are canonical as they are, such as encrypted mail, are not copied again.
"""

import re
from enum import Enum
from hashlib import sha256

from angarium.wire.message import Entity, Field

__all__ = ["Canonical", "body_hash", "header_field", "relaxed_value"]

PIECE = 1 << 18
"""Octets of a body looked at in one go, or up to the end of a line behind them."""
_RUN = re.compile(rb"[ \t]+")
_LINE_END = re.compile(rb"[ \t]+\r\n")
_SPACE = b" \t\r\n"


class Canonical(Enum):
    """The two forms, by the names they have in a signature."""

    SIMPLE = b"simple"
    RELAXED = b"relaxed"


def header_field(entity: Entity, field: Field, form: Canonical) -> bytes:
    """One field in its canonical form, CRLF included (3.4.1, 3.4.2)."""
    if form is Canonical.SIMPLE:
        return entity.raw[field.start : field.end]
    return b"%b:%b\r\n" % (field.name, relaxed_value(entity.raw[field.value : field.end]))


def relaxed_value(value: bytes) -> bytes:
    """Unfolded, runs of white space made one space, none at either end."""
    return _RUN.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


def body_hash(entity: Entity, form: Canonical) -> bytes:
    """SHA-256 of the canonical body (3.4.3, 3.4.4): empty lines at its end do not count, a missing end of line does."""
    raw, start, end = entity.raw, entity.body, entity.end
    hashed = sha256()
    if form is Canonical.SIMPLE:
        stop = _stripped(raw, start, end, b"\r\n")
        hashed.update(memoryview(raw)[start:stop])
    elif (stop := _stripped(raw, start, end, _SPACE)) == start:
        return hashed.digest()
    else:
        at = start
        while at < stop:
            cut = raw.find(b"\r\n", at + PIECE, stop)
            following = stop if cut < 0 else cut + 2
            hashed.update(_relaxed(raw[at:following]))
            at = following
    hashed.update(b"\r\n")
    return hashed.digest()


def _stripped(raw: bytes, start: int, end: int, characters: bytes) -> int:
    """Where the text ends if these characters are taken off its end; the usual few at no cost."""
    tail = max(start, end - 64)
    while True:
        kept = len(raw[tail:end].rstrip(characters))
        if kept or tail == start:
            return tail + kept
        tail = max(start, end - 16 * (end - tail))


def _relaxed(piece: bytes) -> bytes:
    if b" \r\n" not in piece and b"\t" not in piece and b"  " not in piece:
        return piece
    return _RUN.sub(b" ", _LINE_END.sub(b"\r\n", piece))
