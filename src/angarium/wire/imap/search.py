"""What a search key matches (RFC 3501, 6.4.4).

A key is turned into a test of one message. A test answers True, False, or None for "only the message itself can tell":
ask first without the message, and read it only where the answer is None. The logic between is Kleene's, so
`SEEN SUBJECT x` never reads a message that is unseen.

Days count, not hours (RFC 3501 says so too). Bodies are searched as they are stored, which here means ciphertext;
header fields also as a person reads them (RFC 2047).
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from angarium.wire.imap import header
from angarium.wire.imap.dates import day_of
from angarium.wire.imap.entry import Entry
from angarium.wire.imap.keys import And, Dated, Field, Flag, Key, ModSeq, Not, Numbers, Or, Sized, Text

__all__ = ["Candidate", "Test", "asks_modseq", "test_of"]

SENT = re.compile(r"(\d{1,2})\s+([A-Za-z]{3})[a-z]*\s+(\d{4})")


@dataclass(slots=True)
class Candidate:
    """A message that may match. `message` is None until somebody has read it."""

    number: int
    entry: Entry
    message: bytes | None = None


Test: TypeAlias = Callable[[Candidate], bool | None]


def test_of(key: Key, *, last_number: int, last_uid: int) -> Test:
    """The test that a key stands for, in a mailbox whose `*` is these numbers."""
    match key:
        case And(keys):
            return _all([test_of(each, last_number=last_number, last_uid=last_uid) for each in keys])
        case Or(one, other):
            return _either(
                test_of(one, last_number=last_number, last_uid=last_uid),
                test_of(other, last_number=last_number, last_uid=last_uid),
            )
        case Not(inner):
            return _opposite(test_of(inner, last_number=last_number, last_uid=last_uid))
        case Numbers(numbers, by_uid):
            return _among(numbers.resolve(last_uid if by_uid else last_number), by_uid=by_uid)
        case Flag(name):
            wanted = name.lower()
            return lambda one: any(flag.lower() == wanted for flag in one.entry.flags)
        case Sized(above, below):
            return lambda one: (above is None or one.entry.size > above) and (below is None or one.entry.size < below)
        case ModSeq(least):
            return lambda one: one.entry.modseq >= least
        case Dated():
            return _dated(key)
        case Field(name, text):
            return _field(name, text.casefold())
        case Text(text, in_header):
            return _text(text, in_header=in_header)


def asks_modseq(key: Key) -> bool:
    """Whether a mod-sequence is among the criteria, so that the answer has one too (RFC 7162, 3.1.5)."""
    match key:
        case ModSeq():
            return True
        case And(keys):
            return any(map(asks_modseq, keys))
        case Or(one, other):
            return asks_modseq(one) or asks_modseq(other)
        case Not(inner):
            return asks_modseq(inner)
        case _:
            return False


def _all(tests: list[Test]) -> Test:
    def test(one: Candidate) -> bool | None:
        answer: bool | None = True
        for each in tests:
            result = each(one)
            if result is False:
                return False
            if result is None:
                answer = None
        return answer

    return test


def _either(first: Test, second: Test) -> Test:
    return _opposite(_all([_opposite(first), _opposite(second)]))


def _opposite(inner: Test) -> Test:
    def test(one: Candidate) -> bool | None:
        result = inner(one)
        return None if result is None else not result

    return test


def _among(ranges: list[tuple[int, int]], *, by_uid: bool) -> Test:
    firsts = [first for first, _ in ranges]

    def test(one: Candidate) -> bool:
        number = one.entry.uid if by_uid else one.number
        at = bisect_right(firsts, number) - 1
        return at >= 0 and number <= ranges[at][1]

    return test


def _within(day: int, key: Dated) -> bool:
    return (key.first is None or day >= key.first) and (key.end is None or day < key.end)


def _dated(key: Dated) -> Test:
    if not key.sent:
        return lambda one: _within(one.entry.day, key)

    def test(one: Candidate) -> bool | None:
        if one.message is None:
            return None
        for value in header.values(one.message, b"date"):
            found = SENT.search(value.decode("ascii", "replace"))
            day = day_of(*found.groups()) if found else None
            if day is not None:
                return _within(day, key)
        return False

    return test


def _field(name: bytes, text: str) -> Test:
    def test(one: Candidate) -> bool | None:
        if one.message is None:
            return None
        return any(text in header.decoded(value).casefold() for value in header.values(one.message, name))

    return test


def _text(text: str, *, in_header: bool) -> Test:
    wanted = text.encode().lower()

    def test(one: Candidate) -> bool | None:
        if one.message is None:
            return None
        start = 0 if in_header else header.body_offset(one.message)
        return wanted in one.message[start:].lower()

    return test
