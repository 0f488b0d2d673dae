"""A message, or one part of it: its header fields, and where its body begins (RFC 5322, 2; RFC 2045, 2.4).

Nothing is copied: an `Entity` is offsets into the bytes that arrived, so what is not changed leaves as it came, to the
byte. It does not know what a field means; `wire.mime` and `wire.originator` do.

Invariants:
* `parse` refuses what two readers could read in two ways (bare CR or LF and NUL in a header, space before the colon, a
  line that is no field), since the relay judges with this parser and the app shows with another.
* Time is linear in the header and constant in the body.
"""

import re
from collections.abc import Container, Mapping

from msgspec import Struct

__all__ = ["HEADER_BYTES", "HEADER_FIELDS", "Entity", "Field", "Malformed", "has_bare_newlines", "parse", "rewrite"]

HEADER_BYTES = 262_144
"""Longest header read. The longest honest one lists a thousand recipients."""
HEADER_FIELDS = 1000
"""Most fields of one header."""
_PIECE = 1 << 20
"""A large message is searched in pieces, so that other threads get their turn in between."""

# field-name ":" unstructured, folded lines included (RFC 5322, 2.2 and 2.2.3); 8-bit bytes as RFC 6532 has them.
_FIELD = re.compile(rb"([!-9;-~]+):[^\r\n\0]*(?:\r\n[ \t][^\r\n\0]*)*\r\n")


class Malformed(Exception):
    """The message breaks the grammar, or could be read in two ways. The text says how and quotes nothing of it."""


class Field(Struct, frozen=True, gc=False):
    """Where one header field is: ``raw[start:end]`` is all of it, its end of line too."""

    name: bytes
    """In lower case."""
    start: int
    value: int
    """Where the value begins: after the colon."""
    end: int


class Entity(Struct, frozen=True):
    """A header and a body: ``raw[body:end]``. Names are given in lower case, values returned unfolded and stripped."""

    raw: bytes
    start: int
    fields: tuple[Field, ...]
    body: int
    end: int

    def all(self, name: bytes) -> list[bytes]:
        """The values of every field of that name, in order."""
        return [self._unfold(field) for field in self.fields if field.name == name]

    def first(self, name: bytes) -> bytes | None:
        """The value of the first field of that name."""
        for field in self.fields:
            if field.name == name:
                return self._unfold(field)
        return None

    def only(self, name: bytes) -> bytes | None:
        """The value of a field that may be there once.

        Raises:
            Malformed: it is there twice, and readers differ on which one counts.
        """
        found = [field for field in self.fields if field.name == name]
        if len(found) > 1:
            raise Malformed("a header field that may occur once is repeated")
        return self._unfold(found[0]) if found else None

    def _unfold(self, field: Field) -> bytes:
        value = self.raw[field.value : field.end]
        return value.replace(b"\r\n", b"").strip(b" \t")


def parse(raw: bytes, start: int = 0, end: int | None = None) -> Entity:
    """Read the header of ``raw[start:end]``. A header without the empty line behind it has an empty body.

    Raises:
        Malformed: see the invariants of this module, or the header is beyond HEADER_BYTES or HEADER_FIELDS.
    """
    end = len(raw) if end is None else end
    horizon = min(end, start + HEADER_BYTES)
    fields: list[Field] = []
    at, match = start, _FIELD.match
    while (found := match(raw, at, horizon)) is not None:
        if len(fields) == HEADER_FIELDS:
            raise Malformed("too many header fields")
        name, end_of_field = found[1], found.end()
        fields.append(Field(name.lower(), at, at + len(name) + 1, end_of_field))
        at = end_of_field
    if raw.startswith(b"\r\n", at, end):
        return Entity(raw, start, tuple(fields), at + 2, end)
    if at == end:
        return Entity(raw, start, tuple(fields), end, end)
    raise Malformed("the header is too long" if horizon < end else "a line of the header is no field")


def rewrite(entity: Entity, *, drop: Container[bytes] = (), replace: Mapping[bytes, bytes] | None = None) -> bytes:
    """The entity without the fields named in `drop`, and with new values for those in `replace`.

    Every other byte stays; so do the order of the fields and the spelling of their names.
    """
    replace = replace or {}
    pieces: list[bytes] = []
    raw, kept = entity.raw, entity.start
    for field in entity.fields:
        if field.name in drop:
            pieces.append(raw[kept : field.start])
            kept = field.end
        elif field.name in replace:
            pieces += (raw[kept : field.value], b" ", replace[field.name], b"\r\n")
            kept = field.end
    pieces.append(raw[kept : entity.end])
    return b"".join(pieces)


def has_bare_newlines(raw: bytes | bytearray) -> bool:
    """Whether a CR or an LF stands alone anywhere (RFC 5321, 2.3.8 forbids it).

    Readers that take a bare LF for an end of line see other parts than those that do not.
    """
    at = 0
    while at < len(raw):
        end = at + _PIECE
        end += raw[end - 1 : end] == b"\r"  # a CRLF is not parted
        piece = raw if not at and end >= len(raw) else raw[at:end]
        # A CR and an LF are one end of a line of two octets if they are together, and two of one if they are not.
        lines = piece.splitlines()
        ends = len(lines) - (not piece.endswith((b"\r", b"\n")))
        if len(piece) - sum(map(len, lines)) != 2 * ends:
            return True
        at = end
    return False
