"""The parts of a stored message, numbered as FETCH numbers them (RFC 3501, 6.4.5).

Splitting is `wire.mime`'s, which is strict; what it refuses is one part here, never an error.
"""

from angarium.wire import message, mime
from angarium.wire.imap.header import body_offset
from angarium.wire.message import Entity
from angarium.wire.mime import ContentType

__all__ = ["children", "embedded", "kind", "locate", "whole"]

MOST = 1000
OPAQUE = ContentType(b"application/octet-stream", {})


def whole(raw: bytes) -> Entity:
    """A message as an entity; one whose header cannot be read has no fields."""
    try:
        return message.parse(raw)
    except message.Malformed:
        return Entity(raw, 0, (), body_offset(raw), len(raw))


def kind(entity: Entity) -> ContentType:
    """The content type of a part; of one that cannot be read, the one that promises nothing."""
    try:
        return mime.content_type(entity)
    except message.Malformed:
        return OPAQUE


def children(entity: Entity) -> list[Entity] | None:
    """The parts of a multipart, or None where it is none or cannot be split."""
    content = kind(entity)
    if not content.type.startswith(b"multipart/"):
        return None
    try:
        return mime.parts(entity, content, limit=MOST, around=entity.end - entity.body)
    except message.Malformed:
        return None


def embedded(entity: Entity) -> Entity | None:
    """The message inside a part of type message/rfc822."""
    if kind(entity).type != b"message/rfc822":
        return None
    try:
        return message.parse(entity.raw, entity.body, entity.end)
    except message.Malformed:
        return None


def locate(entity: Entity, path: tuple[int, ...]) -> Entity | None:
    """The part that a section's numbers lead to; a message that is no multipart is its own part 1."""
    for depth, number in enumerate(path):
        if depth and (inside := embedded(entity)) is not None:
            entity = inside
        elif depth and children(entity) is None:
            return None
        parts = children(entity) or [entity]
        if number > len(parts):
            return None
        entity = parts[number - 1]
    return entity
