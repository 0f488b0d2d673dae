"""Search keys (RFC 3501, 6.4.4; RFC 7162, 3.1.5): plain values and their grammar. What they match is in `search.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from angarium.wire.imap.dates import search_day
from angarium.wire.imap.flags import keyword
from angarium.wire.imap.reader import Malformed, Reader
from angarium.wire.imap.sequence import SequenceSet, sequence_set
from angarium.wire.stream import Parser

__all__ = ["And", "Dated", "Field", "Flag", "Key", "ModSeq", "Not", "Numbers", "Or", "Sized", "Text", "search_keys"]


@dataclass(frozen=True, slots=True)
class And:
    """All of them; none at all is ALL."""

    keys: tuple["Key", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One or the other."""

    one: "Key"
    other: "Key"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    key: "Key"


@dataclass(frozen=True, slots=True)
class Flag:
    """The message has this flag."""

    name: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """The message is in a set of sequence numbers or UIDs."""

    numbers: SequenceSet
    by_uid: bool


@dataclass(frozen=True, slots=True)
class Sized:
    """The message has more than `above` and fewer than `below` octets, where given."""

    above: int | None = None
    below: int | None = None


@dataclass(frozen=True, slots=True)
class Dated:
    """The day the message came (or, if `sent`, of its Date header) is from `first` up to and without `end`."""

    first: int | None
    end: int | None
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A header field has this text in it, in any case; the empty text: the field is there."""

    name: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """The body, or if `header` the whole message, has this text in it, in any case."""

    text: str
    header: bool


@dataclass(frozen=True, slots=True)
class ModSeq:
    """The message last changed at or after this mod-sequence."""

    at_least: int


Key: TypeAlias = And | Or | Not | Flag | Numbers | Sized | Dated | Field | Text | ModSeq

ALL = And(())
NONE = Not(ALL)
PLAIN: dict[str, Key] = {
    "ALL": ALL,
    "NEW": NONE,  # \Recent is never set here, as in RFC 9051
    "OLD": ALL,
    "RECENT": NONE,
    **{flag.upper(): Flag(f"\\{flag}") for flag in ("Answered", "Deleted", "Draft", "Flagged", "Seen")},
    **{f"UN{flag.upper()}": Not(Flag(f"\\{flag}")) for flag in ("Answered", "Deleted", "Draft", "Flagged", "Seen")},
}
FIELDS = frozenset({"BCC", "CC", "FROM", "SUBJECT", "TO"})
DAYS: dict[str, Callable[[int], Dated]] = {
    "BEFORE": lambda day: Dated(None, day),
    "ON": lambda day: Dated(day, day + 1),
    "SINCE": lambda day: Dated(day, None),
    "SENTBEFORE": lambda day: Dated(None, day, sent=True),
    "SENTON": lambda day: Dated(day, day + 1, sent=True),
    "SENTSINCE": lambda day: Dated(day, None, sent=True),
}
MOST = 4096


def search_keys(reader: Reader, depth: int = 1) -> Parser[And]:
    """Parse one key or more, all of which must hold. Raises Malformed."""
    keys = [(yield from _key(reader, depth))]
    while not reader.at_end and reader.accept(b" "):
        if reader.at_end:
            break
        keys.append((yield from _key(reader, depth)))
        if len(keys) > MOST:
            raise Malformed("Too many search keys")
    return And(tuple(keys))


def _key(reader: Reader, depth: int) -> Parser[Key]:
    if depth > reader.limits.depth:
        raise Malformed("Nested too deeply")
    if reader.accept(b"("):
        key = yield from search_keys(reader, depth + 1)
        reader.expect(b")")
        return key
    if any(reader.sees(start) for start in (b"*", *DIGITS)):
        return Numbers(sequence_set(reader), by_uid=False)
    name = reader.word()
    if name in PLAIN:
        return PLAIN[name]
    reader.space()
    if name == "NOT":
        return Not((yield from _key(reader, depth + 1)))
    if name == "OR":
        one = yield from _key(reader, depth + 1)
        reader.space()
        return Or(one, (yield from _key(reader, depth + 1)))
    return (yield from _argument(reader, name))


DIGITS = tuple(b"%d" % digit for digit in range(1, 10))


def _argument(reader: Reader, name: str) -> Parser[Key]:
    """A key that has one argument, or two."""
    if name in FIELDS:
        return Field(name.lower().encode("ascii"), (yield from _text(reader)))
    if name in DAYS:
        return DAYS[name](search_day(reader))
    match name:
        case "BODY" | "TEXT":
            return Text((yield from _text(reader)), header=name == "TEXT")
        case "HEADER":
            field = (yield from reader.astring()).lower()
            reader.space()
            return Field(field, (yield from _text(reader)))
        case "KEYWORD":
            return Flag(keyword(reader))
        case "UNKEYWORD":
            return Not(Flag(keyword(reader)))
        case "LARGER":
            return Sized(above=reader.number())
        case "SMALLER":
            return Sized(below=reader.number())
        case "UID":
            return Numbers(sequence_set(reader), by_uid=True)
        case "MODSEQ":
            return (yield from _modseq(reader))
        case _:
            raise Malformed("Unknown search key")


def _text(reader: Reader) -> Parser[str]:
    try:
        return (yield from reader.astring()).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("Text is not UTF-8") from None


def _modseq(reader: Reader) -> Parser[ModSeq]:
    """The mod-sequence, after the entry it may be restricted to: there is one for all flags here."""
    if reader.sees(b'"'):
        yield from reader.string()
        reader.space()
        if reader.word() not in ("PRIV", "SHARED", "ALL"):
            raise Malformed("Expected priv, shared or all")
        reader.space()
    return ModSeq(reader.number((1 << 63) - 1))
