"""Answers to FETCH: from a message and what was asked of it to the pieces of one response (RFC 3501, 7.4.2).

The hot path is the app's: the prefetch of a few header fields, and the whole body, which is never copied.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import TypeAlias

from angarium.wire.imap import header
from angarium.wire.imap.dates import internal_date
from angarium.wire.imap.entry import Entry
from angarium.wire.imap.envelope import envelope
from angarium.wire.imap.flags import flags_text
from angarium.wire.imap.items import Attribute, Item, Part, Section
from angarium.wire.imap.parts import embedded, locate, whole
from angarium.wire.imap.responses import literal
from angarium.wire.imap.structure import structure

__all__ = ["extract", "gives_whole", "needs_message", "pieces", "without_body"]

Writer: TypeAlias = Callable[[Entry, bytes], tuple[bytes, ...]]

LISTED = frozenset({Attribute.UID, Attribute.FLAGS, Attribute.DATE, Attribute.SIZE, Attribute.MODSEQ})


def needs_message(items: tuple[Item, ...]) -> bool:
    """Whether the message itself is needed for the answer, or its entry in the mailbox will do."""
    return not LISTED.issuperset(items)


def gives_whole(items: tuple[Item, ...]) -> bool:
    """Whether the whole message is in the answer."""
    return any(
        isinstance(item, Section) and item.part is Part.ALL and not item.path and item.partial is None for item in items
    )


def pieces(number: int, entry: Entry, items: tuple[Item, ...], message: bytes) -> list[bytes]:
    """One FETCH response. `message` may be empty where it is not needed."""
    found = [b"%d FETCH (" % number]
    for write in _writers(items):
        found += write(entry, message)
    found.append(b")")
    return found


def without_body(number: int, entry: Entry, items: tuple[Item, ...]) -> list[bytes]:
    """One FETCH response for a message that is not given: NIL stands for what is in it."""
    listed = [
        _ATTRIBUTES[item](entry, b"") if isinstance(item, Attribute) and item in LISTED else b"NIL" for item in items
    ]
    names = [item.label if isinstance(item, Section) else item.value for item in items]
    return [b"%d FETCH (" % number, b" ".join(b"%b %b" % pair for pair in zip(names, listed, strict=True)), b")"]


def extract(message: bytes, section: Section) -> bytes | None:
    """The bytes of a section, or None where the message has no such part."""
    found = _part(message, section) if section.path else _top(message, section)
    if found is None or section.partial is None:
        return found
    first, count = section.partial
    return found[first : first + count]


@lru_cache(maxsize=64)
def _writers(items: tuple[Item, ...]) -> tuple[Writer, ...]:
    """What writes each of the items, with the space before it."""
    return tuple(
        partial(_section, b" " * bool(at) + item.label + b" ", item)
        if isinstance(item, Section)
        else partial(_named, b" " * bool(at) + item.value + b" ", _ATTRIBUTES[item])
        for at, item in enumerate(items)
    )


def _named(name: bytes, value: Callable[[Entry, bytes], bytes], entry: Entry, message: bytes) -> tuple[bytes, ...]:
    return (name, value(entry, message))


def _section(name: bytes, section: Section, _entry: Entry, message: bytes) -> tuple[bytes, ...]:
    found = extract(message, section)
    return (name, b"NIL") if found is None else (name, *literal(found))


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


_ATTRIBUTES: dict[Attribute, Callable[[Entry, bytes], bytes]] = {
    Attribute.UID: lambda entry, _: b"%d" % entry.uid,
    Attribute.FLAGS: lambda entry, _: flags_text(entry.flags),
    Attribute.DATE: lambda entry, _: internal_date(entry.day),
    Attribute.SIZE: lambda entry, _: b"%d" % entry.size,
    Attribute.MODSEQ: lambda entry, _: b"(%d)" % entry.modseq,
    Attribute.ENVELOPE: lambda _, message: envelope(whole(message)),
    Attribute.BODY: lambda _, message: structure(message, extended=False),
    Attribute.STRUCTURE: lambda _, message: structure(message, extended=True),
}
