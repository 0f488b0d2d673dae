"""BODYSTRUCTURE and BODY: how a message is built (RFC 3501, 7.4.2). Correct before quick, like `envelope`."""

import re
from collections.abc import Iterable

from angarium.wire.imap.envelope import envelope
from angarium.wire.imap.parts import OPAQUE, children, embedded, kind, whole
from angarium.wire.imap.responses import nstring, string
from angarium.wire.message import Entity, Malformed
from angarium.wire.structured import without_comments

__all__ = ["structure"]

DEEPEST = 32
DISPOSITION = re.compile(rb"[A-Za-z0-9-]+")
PARAMETER = re.compile(rb';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))', re.DOTALL)
ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def structure(raw: bytes, *, extended: bool) -> bytes:
    """The structure of a message; `extended` is what tells BODYSTRUCTURE from BODY."""
    return _structure(whole(raw), extended, 1)


def _structure(entity: Entity, extended: bool, depth: int) -> bytes:
    content = kind(entity)
    inside = children(entity) if depth < DEEPEST else None
    if inside:
        parts = b"".join(_structure(part, extended, depth + 1) for part in inside)
        subtype = string(content.type.partition(b"/")[2])
        more = b" %s %s NIL NIL" % (_pairs(content.parameters.items()), _disposition(entity)) if extended else b""
        return b"(%s %s%s)" % (parts, subtype, more)
    if content.type.startswith(b"multipart/"):
        content = OPAQUE
    return b"(%s)" % b" ".join(_leaf(entity, content.type, content.parameters, extended, depth))


def _leaf(
    entity: Entity, content: bytes, parameters: dict[bytes, bytes], extended: bool, depth: int
) -> Iterable[bytes]:
    kind_, _, subtype = content.partition(b"/")
    message = embedded(entity) if depth < DEEPEST else None
    if content == b"message/rfc822" and message is None:
        kind_, _, subtype = OPAQUE.type.partition(b"/")
    yield string(kind_)
    yield string(subtype)
    yield _pairs(parameters.items())
    yield nstring(entity.first(b"content-id"))
    yield nstring(entity.first(b"content-description"))
    yield string((entity.first(b"content-transfer-encoding") or b"7bit").lower())
    yield b"%d" % (entity.end - entity.body)
    if message is not None:
        yield envelope(message)
        yield _structure(message, extended, depth + 1)
    if message is not None or kind_ == b"text":
        yield b"%d" % entity.raw.count(b"\n", entity.body, entity.end)
    if extended:
        yield nstring(entity.first(b"content-md5"))
        yield _disposition(entity)
        yield b"NIL NIL"


def _pairs(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    text = b" ".join(b"%s %s" % (string(name), string(value)) for name, value in pairs)
    return b"(%s)" % text if text else b"NIL"


def _disposition(entity: Entity) -> bytes:
    value = entity.first(b"content-disposition")
    try:
        value = without_comments(value) if value else b""
    except Malformed:
        return b"NIL"
    name = DISPOSITION.match(value)
    if name is None:
        return b"NIL"
    pairs = [(p[1], ESCAPED.sub(rb"\1", p[2]) if p[3] is None else p[3]) for p in PARAMETER.finditer(value)]
    return b"(%s %s)" % (string(name[0]), _pairs(pairs))
