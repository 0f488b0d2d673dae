"""What a part says about itself, and how a message falls into parts (RFC 2045, RFC 2046).

Stricter than the RFCs in one direction only: where readers of the real world differ (a repeated parameter, a line that
only begins like a delimiter, something behind the last delimiter that looks like one), the message is `Malformed`, so
that what the relay judged is what the app will show.

Doubts: RFC 2231 continuations (``name*0=``) are carried as parameters of that odd name and never joined; no client
splits a boundary, and one that did would be refused for want of a boundary.
"""

import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

from angarium.wire.base64_lines import NotBase64, decode_lines
from angarium.wire.message import Entity, Malformed, parse
from angarium.wire.structured import without_comments

__all__ = ["ContentType", "content_type", "decoded", "parts"]

BACKSLASH = ord("\\")
_SHORT = 128
"""Octets of a value worth keeping."""
_IDENTITY = frozenset({b"7bit", b"8bit", b"binary"})
_TOKEN = rb"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+"
_QUOTED = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_PARAMETER = rb"(" + _TOKEN + rb")[ \t]*=[ \t]*(" + _TOKEN + rb"|" + _QUOTED + rb")"
_PARAMETERS = re.compile(_PARAMETER, re.DOTALL)
_WHOLE = re.compile(
    rb"[ \t]*(" + _TOKEN + rb"/" + _TOKEN + rb")[ \t]*((?:;[ \t]*(?:" + _PARAMETER + rb"[ \t]*)?)*)", re.DOTALL
)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")


class ContentType(Struct, frozen=True):
    """A media type and its parameters; type and names are in lower case."""

    type: bytes
    parameters: dict[bytes, bytes]


_PLAIN = ContentType(b"text/plain", {})


def content_type(entity: Entity) -> ContentType:
    """The Content-Type of a part; text/plain where it has none (RFC 2045, 5.2).

    Raises:
        Malformed: it is repeated, does not follow RFC 2045, 5.1, or gives a parameter twice.
    """
    value = entity.only(b"content-type")
    if value is None:
        return _PLAIN
    return _usual(value) if value.find(b"boundary") < 0 and len(value) <= _SHORT else _parsed(value)


def _parsed(value: bytes) -> ContentType:
    match = _WHOLE.fullmatch(without_comments(value))
    if match is None:
        raise Malformed("the Content-Type cannot be read")
    found = _PARAMETERS.findall(match[2])
    parameters = {name.lower(): _unquoted(text) for name, text in found}
    if len(parameters) != len(found):
        raise Malformed("a parameter of the Content-Type is repeated")
    return ContentType(match[1].lower(), parameters)


_usual = lru_cache(maxsize=64)(_parsed)
"""The parts of a message say the same in every message; what holds a boundary is another each time."""


def parts(entity: Entity, kind: ContentType, *, limit: int, around: int) -> list[Entity]:
    """The children, in order, of an entity whose Content-Type is `kind` (RFC 2046, 5.1.1).

    Preamble and epilogue are passed over; each may have `around` octets, white space at their ends not counted.

    Raises:
        Malformed: it is no multipart, its boundary is missing or malformed, its last delimiter is missing, it has more
            than `limit` children or more than `around` octets around them, or a line could be taken for a delimiter by
            some and not by others.
    """
    if not kind.type.startswith(b"multipart/"):
        raise Malformed("the message has no parts")
    if _encoding(entity) not in _IDENTITY:
        raise Malformed("a multipart may not be encoded (RFC 2045, 6.4)")
    return [parse(entity.raw, start, end) for start, end in _split(entity, _boundary(kind), limit, around)]


def decoded(entity: Entity) -> bytes:
    """The body with its Content-Transfer-Encoding undone (RFC 2045, 6).

    Raises:
        Malformed: the encoding is unknown or repeated, or base64 holds anything but base64.
    """
    encoding = _encoding(entity)
    body = entity.raw[entity.body : entity.end]
    if encoding in _IDENTITY:
        return body
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == b"base64":
        try:
            return bytes(decode_lines(body, 0, len(body)))
        except NotBase64:
            raise Malformed("a body is not the base64 it says it is") from None
    raise Malformed("the Content-Transfer-Encoding is unknown")


def _unquoted(text: bytes) -> bytes:
    if not text.startswith(b'"'):
        return text
    return text[1:-1] if BACKSLASH not in text else _ESCAPED.sub(rb"\1", text[1:-1])


def _encoding(entity: Entity) -> bytes:
    value = entity.only(b"content-transfer-encoding")
    return b"7bit" if value is None else without_comments(value).strip(b" \t").lower()


def _boundary(kind: ContentType) -> bytes:
    boundary = kind.parameters.get(b"boundary")
    if boundary is None or _BOUNDARY.fullmatch(boundary) is None:
        raise Malformed("the boundary is missing or malformed")
    if any(name.startswith(b"boundary*") for name in kind.parameters):
        raise Malformed("the boundary is given twice")
    return boundary


def _split(entity: Entity, boundary: bytes, limit: int, around: int) -> list[tuple[int, int]]:
    """Where each part begins and ends. The line break before a delimiter belongs to the delimiter."""
    raw = entity.raw
    lines: list[tuple[int, int]] = []
    closed = False
    for start, end, closed_by_this in _delimiters(entity, b"\r\n--" + boundary):
        if closed:
            raise Malformed("there is a delimiter behind the last one")
        if len(lines) > limit:
            raise Malformed("too many parts")
        lines.append((start, end))
        closed = closed_by_this
    if not closed:
        raise Malformed("the last delimiter is missing")
    if len(lines) == 1:
        raise Malformed("there are no parts before the last delimiter")
    preamble, epilogue = raw[entity.body : lines[0][0]], raw[lines[-1][1] : entity.end]
    if len(preamble.strip()) > around or len(epilogue.strip()) > around:
        raise Malformed("there are too many words around the parts")
    return [(end + 2, max(end + 2, start)) for (_, end), (start, _) in pairwise(lines)]


def _delimiters(entity: Entity, delimiter: bytes) -> Iterator[tuple[int, int, bool]]:
    """Where each delimiter line begins (with the line break before it) and ends, and whether it is the last."""
    raw, end = entity.raw, entity.end
    at = entity.body - 2  # the empty line behind the header may be the first delimiter's line break
    while (at := raw.find(delimiter, at, end)) >= 0:
        behind = at + len(delimiter)
        closing = raw.startswith(b"--", behind, end)
        line_end = raw.find(b"\r\n", behind, end)
        if line_end < 0:
            line_end = end
        if raw[behind + 2 * closing : line_end].strip(b" \t"):
            raise Malformed("a line begins like a delimiter and is none")
        yield at, line_end, closing
        at = line_end
