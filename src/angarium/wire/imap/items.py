"""What FETCH is asked for (RFC 3501, 6.4.5; RFC 7162, 3.1.4): plain values and their grammar."""

import re
from enum import Enum, unique

from msgspec import Struct

from angarium.wire.imap.reader import LARGEST, Malformed, Reader
from angarium.wire.imap.remembered import remembered
from angarium.wire.members import direct
from angarium.wire.stream import Parser

__all__ = ["Attribute", "Item", "Part", "Section", "fetch_items"]


@direct
@unique
class Attribute(Enum):
    """A data item that has a name and nothing more."""

    UID = b"UID"
    FLAGS = b"FLAGS"
    DATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    STRUCTURE = b"BODYSTRUCTURE"
    MODSEQ = b"MODSEQ"

    __hash__ = object.__hash__


@direct
@unique
class Part(Enum):
    """Which half of a message or body part is meant."""

    ALL = ""
    HEADER = "HEADER"
    FIELDS = "HEADER.FIELDS"
    NOT_FIELDS = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"

    __hash__ = object.__hash__


class Section(Struct, frozen=True):
    """Some of a message's bytes, and the name they are answered under."""

    label: bytes
    """As in the response: `BODY[1.TEXT]<0>`."""
    path: tuple[int, ...] = ()
    part: Part = Part.ALL
    fields: frozenset[bytes] = frozenset()
    """Names of header fields in lower case."""
    partial: tuple[int, int] | None = None
    """First octet and number of octets."""
    peek: bool = False
    """Whether reading it leaves \\Seen alone."""


Item = Attribute | Section

MACROS = {
    "FAST": (Attribute.FLAGS, Attribute.DATE, Attribute.SIZE),
    "ALL": (Attribute.FLAGS, Attribute.DATE, Attribute.SIZE, Attribute.ENVELOPE),
    "FULL": (Attribute.FLAGS, Attribute.DATE, Attribute.SIZE, Attribute.ENVELOPE, Attribute.BODY),
}
NAMED: dict[str, Item] = {
    **{item.value.decode("ascii"): item for item in Attribute},
    "RFC822": Section(b"RFC822"),
    "RFC822.HEADER": Section(b"RFC822.HEADER", part=Part.HEADER, peek=True),
    "RFC822.TEXT": Section(b"RFC822.TEXT", part=Part.TEXT),
}
NAME = re.compile(rb"[A-Za-z0-9.]+")
SPEC = re.compile(rb"((?:[1-9][0-9]{0,5}\.)*[1-9][0-9]{0,5})?(\.?)([A-Za-z.]*)")
PARTIAL = re.compile(rb"<([0-9]{1,10})\.([0-9]{1,10})>")
DEEPEST = 64
MOST = 256


@remembered
def fetch_items(reader: Reader) -> Parser[tuple[Item, ...]]:
    """Parse FETCH's second argument: a macro, an item, or items in parentheses. Raises Malformed."""
    if not reader.accept(b"("):
        for name, macro in MACROS.items():
            if reader.accept(name.encode("ascii")):
                return macro
        return ((yield from _item(reader)),)
    items = [(yield from _item(reader))]
    while reader.accept(b" "):
        items.append((yield from _item(reader)))
        if len(items) > MOST:
            raise Malformed("Too many items")
    reader.expect(b")")
    return tuple(dict.fromkeys(items))


def _item(reader: Reader) -> Parser[Item]:
    name = reader.match(NAME, "a data item")[0].decode("ascii").upper()
    if name in ("BODY", "BODY.PEEK") and reader.accept(b"["):
        return (yield from _section(reader, peek=name == "BODY.PEEK"))
    if name not in NAMED:
        raise Malformed("Unknown data item")
    return NAMED[name]


def _section(reader: Reader, *, peek: bool) -> Parser[Section]:
    found = reader.match(SPEC, "a section")
    path = tuple(int(number) for number in found[1].split(b".")) if found[1] else ()
    if bool(found[2]) != bool(path and found[3]) or len(path) > DEEPEST:
        raise Malformed("Bad section")
    name = found[3].decode("ascii").upper()
    if name not in {part.value for part in Part} or (name == "MIME" and not path):
        raise Malformed("Unknown section")
    part = Part(name)
    label = b"BODY[" + b".".join(b"%d" % number for number in path) + found[2] + name.encode("ascii")
    fields: tuple[bytes, ...] = ()
    if part in (Part.FIELDS, Part.NOT_FIELDS):
        fields = yield from _fields(reader)
        label += b" (" + b" ".join(fields) + b")"
    reader.expect(b"]")
    partial = _partial(reader)
    label += b"]" + (b"<%d>" % partial[0] if partial else b"")
    return Section(label, path, part, frozenset(name.lower() for name in fields), partial, peek)


def _fields(reader: Reader) -> Parser[tuple[bytes, ...]]:
    reader.expect(b" (")
    fields = [(yield from _field(reader))]
    while reader.accept(b" "):
        fields.append((yield from _field(reader)))
    reader.expect(b")")
    return tuple(fields)


def _field(reader: Reader) -> Parser[bytes]:
    name = yield from reader.astring()
    if not name or not all(0x21 <= octet <= 0x7E and octet not in b':()"[]{\\' for octet in name):
        raise Malformed("Bad name of a header field")
    return name.upper()


def _partial(reader: Reader) -> tuple[int, int] | None:
    if not reader.sees(b"<"):
        return None
    found = reader.match(PARTIAL, "<offset.count>")
    first, count = int(found[1]), int(found[2])
    if not count or max(first, count) > LARGEST:
        raise Malformed("Bad partial")
    return first, count
