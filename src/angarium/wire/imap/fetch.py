"""Answers to FETCH: from a message and what was asked of it to the pieces of one response (RFC 3501, 7.4.2).

The hot path is the app's: the prefetch of a few header fields, and the whole body, which is never copied.
"""

from collections.abc import Iterator

from angarium.wire.imap import header
from angarium.wire.imap.dates import internal_date
from angarium.wire.imap.entry import Entry
from angarium.wire.imap.envelope import envelope
from angarium.wire.imap.flags import flags_text
from angarium.wire.imap.items import Attribute, Item, Part, Section
from angarium.wire.imap.parts import embedded, locate, whole
from angarium.wire.imap.responses import literal
from angarium.wire.imap.structure import structure

__all__ = ["extract", "gives_whole", "needs_message", "pieces"]

LISTED = frozenset({Attribute.UID, Attribute.FLAGS, Attribute.DATE, Attribute.SIZE, Attribute.MODSEQ})


def needs_message(items: tuple[Item, ...]) -> bool:
    """Whether the message itself is needed for the answer, or its entry in the mailbox will do."""
    return not LISTED.issuperset(items)


def gives_whole(items: tuple[Item, ...]) -> bool:
    """Whether the whole message is in the answer."""
    return any(
        isinstance(item, Section) and item.part is Part.ALL and not item.path and item.partial is None for item in items
    )


def pieces(number: int, entry: Entry, items: tuple[Item, ...], message: bytes) -> Iterator[bytes]:
    """One FETCH response. `message` may be empty where it is not needed."""
    yield b"%d FETCH (" % number
    for at, item in enumerate(items):
        if at:
            yield b" "
        if isinstance(item, Section):
            yield from _section(item, message)
        else:
            yield b"%s %s" % (item.value, _attribute(item, entry, message))
    yield b")"


def extract(message: bytes, section: Section) -> bytes | None:
    """The bytes of a section, or None where the message has no such part."""
    found = _part(message, section) if section.path else _top(message, section)
    if found is None or section.partial is None:
        return found
    first, count = section.partial
    return found[first : first + count]


def _section(section: Section, message: bytes) -> Iterator[bytes]:
    found = extract(message, section)
    yield section.label
    if found is None:
        yield b" NIL"
    else:
        yield b" "
        yield from literal(found)


def _top(message: bytes, section: Section) -> bytes | None:
    if section.part is Part.ALL:
        return message
    return _half(message, header.body_offset(message), section)


def _part(message: bytes, section: Section) -> bytes | None:
    entity = locate(whole(message), section.path)
    if entity is None:
        return None
    if section.part is Part.ALL:
        return message[entity.body : entity.end]
    if section.part is Part.MIME:
        return message[entity.start : entity.body]
    inside = embedded(entity)
    if inside is None:
        return None
    return _half(message[inside.start : inside.end], inside.body - inside.start, section)


def _half(message: bytes, body: int, section: Section) -> bytes | None:
    match section.part:
        case Part.HEADER:
            return message[:body]
        case Part.TEXT:
            return message[body:]
        case Part.FIELDS:
            return header.select(message, body, section.fields)
        case Part.NOT_FIELDS:
            return header.select(message, body, section.fields, others=True)
        case _:
            return None


def _attribute(item: Attribute, entry: Entry, message: bytes) -> bytes:
    match item:
        case Attribute.UID:
            return b"%d" % entry.uid
        case Attribute.FLAGS:
            return flags_text(entry.flags)
        case Attribute.DATE:
            return internal_date(entry.day)
        case Attribute.SIZE:
            return b"%d" % entry.size
        case Attribute.MODSEQ:
            return b"(%d)" % entry.modseq
        case Attribute.ENVELOPE:
            return envelope(whole(message))
        case Attribute.BODY:
            return structure(message, extended=False)
        case Attribute.STRUCTURE:
            return structure(message, extended=True)
