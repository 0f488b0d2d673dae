"""Commands about the messages of the selected mailbox.

RFC 3501, 6.4; RFC 2177 (IDLE); RFC 3691 (UNSELECT); RFC 4315 (UIDPLUS); RFC 6851 (MOVE); RFC 7162, 3.1 (CONDSTORE).
"""

import re
from collections.abc import Callable
from enum import Enum

from angarium.wire.imap.commands.rule import Command, Rule, State, bare
from angarium.wire.imap.flags import flag_list
from angarium.wire.imap.items import Item, fetch_items
from angarium.wire.imap.keys import And, search_keys
from angarium.wire.imap.mailbox import mailbox
from angarium.wire.imap.reader import Malformed, Reader
from angarium.wire.imap.remembered import remembered
from angarium.wire.imap.sequence import SequenceSet, sequence_set
from angarium.wire.members import direct
from angarium.wire.stream import Parser

__all__ = ["RULES", "Change", "Check", "Close", "Copy", "Expunge", "Fetch", "Idle", "Search", "Store", "Unselect"]

MODSEQ = (1 << 63) - 1
STORE_ITEM = re.compile(rb"([+-]?)FLAGS(\.SILENT)?", re.IGNORECASE)
CHARSETS = frozenset({b"US-ASCII", b"UTF-8"})


class Check(Command, frozen=True):
    """CHECK."""


class Close(Command, frozen=True):
    """CLOSE."""


class Unselect(Command, frozen=True):
    """UNSELECT."""


class Idle(Command, frozen=True):
    """IDLE."""


class Expunge(Command, frozen=True):
    """EXPUNGE, or UID EXPUNGE if `numbers` are given."""

    numbers: SequenceSet | None = None


class Search(Command, frozen=True):
    """SEARCH. There is no `key` where it would be in a charset we do not know."""

    key: And | None
    by_uid: bool


class Fetch(Command, frozen=True):
    """FETCH."""

    numbers: SequenceSet
    items: tuple[Item, ...]
    by_uid: bool
    changed_since: int | None = None


@direct
class Change(Enum):
    """What STORE does with its flags."""

    SET = b""
    ADD = b"+"
    REMOVE = b"-"


class Store(Command, frozen=True):
    """STORE."""

    numbers: SequenceSet
    change: Change
    flags: frozenset[str]
    silent: bool
    by_uid: bool
    unchanged_since: int | None = None

    @property
    def destroys(self) -> bool:
        """Whether it marks messages for the next EXPUNGE or CLOSE."""
        return self.change is Change.ADD and "\\Deleted" in self.flags


class Copy(Command, frozen=True):
    """COPY, or MOVE if `move`."""

    numbers: SequenceSet
    mailbox: str
    move: bool
    by_uid: bool


def _search(reader: Reader, by_uid: bool) -> Parser[Search]:
    reader.space()
    if reader.accept(b"CHARSET "):
        charset = yield from reader.astring()
        if charset.upper() not in CHARSETS:
            reader.rest()
            return Search(None, by_uid)
        reader.space()
    return Search((yield from search_keys(reader)), by_uid)


def _fetch(reader: Reader, by_uid: bool) -> Parser[Fetch]:
    reader.space()
    numbers = sequence_set(reader)
    reader.space()
    items = yield from fetch_items(reader)
    since = None
    if reader.accept(b" (CHANGEDSINCE "):
        since = reader.number(MODSEQ)
        reader.expect(b")")
    return Fetch(numbers, items, by_uid, since)


def _store(reader: Reader, by_uid: bool) -> Parser[Store]:
    reader.space()
    numbers = sequence_set(reader)
    since = None
    if reader.accept(b" (UNCHANGEDSINCE "):
        since = reader.number(MODSEQ)
        reader.expect(b")")
    reader.space()
    change, flags, silent = yield from _change(reader)
    return Store(numbers, change, flags, silent, by_uid, since)


@remembered
def _change(reader: Reader) -> Parser[tuple[Change, frozenset[str], bool]]:
    yield from ()
    item = reader.match(STORE_ITEM, "FLAGS")
    reader.space()
    return Change(item[1]), flag_list(reader), item[2] is not None


def _copy(*, move: bool) -> Callable[[Reader, bool], Parser[Copy]]:
    def parse(reader: Reader, by_uid: bool) -> Parser[Copy]:
        reader.space()
        numbers = sequence_set(reader)
        reader.space()
        return Copy(numbers, (yield from mailbox(reader)), move, by_uid)

    return parse


def _uid_expunge(reader: Reader) -> Parser[Expunge]:
    yield from ()
    reader.space()
    return Expunge(sequence_set(reader))


BY_NUMBER: dict[str, Callable[[Reader, bool], Parser[Command]]] = {
    "SEARCH": _search,
    "FETCH": _fetch,
    "STORE": _store,
    "COPY": _copy(move=False),
    "MOVE": _copy(move=True),
}


def _numbered(parse: Callable[[Reader, bool], Parser[Command]]) -> Callable[[Reader], Parser[Command]]:
    return lambda reader: parse(reader, False)


def _uid(reader: Reader) -> Parser[Command]:
    reader.space()
    name = reader.word()
    if name == "EXPUNGE":
        return (yield from _uid_expunge(reader))
    if name not in BY_NUMBER:
        raise Malformed("Unknown UID command")
    return (yield from BY_NUMBER[name](reader, True))


RULES = {
    "CHECK": Rule(bare(Check()), State.SELECTED),
    "CLOSE": Rule(bare(Close()), State.SELECTED),
    "UNSELECT": Rule(bare(Unselect()), State.SELECTED),
    "EXPUNGE": Rule(bare(Expunge()), State.SELECTED),
    "IDLE": Rule(bare(Idle()), State.INSIDE),
    "UID": Rule(_uid, State.SELECTED),
    **{name: Rule(_numbered(parse), State.SELECTED) for name, parse in BY_NUMBER.items()},
}
