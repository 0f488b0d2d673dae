"""Sequence sets: `1:4,7,9:*` (RFC 3501, 9, sequence-set).

The same text means sequence numbers or UIDs; which, only the command knows. `*` is whatever the largest number in use
is when the command runs, so a set is resolved late.
"""

import re
from collections.abc import Iterable

from msgspec import Struct

from angarium.wire.imap.reader import LARGEST, Malformed, Reader

__all__ = ["SequenceSet", "compact", "sequence_set"]

TEXT = re.compile(rb"[0-9:,*]+")
USUAL = re.compile(rb"([1-9][0-9]{0,8})(?::([1-9][0-9]{0,8}))?")
"""One number or one range, of so few digits that they are below the largest number."""
RANGE = re.compile(rb"(\*|[1-9][0-9]{0,9})(?::(\*|[1-9][0-9]{0,9}))?")


class SequenceSet(Struct, frozen=True):
    """Pairs of (first, last) as sent, in either order; None stands for `*`."""

    ranges: tuple[tuple[int | None, int | None], ...]

    def resolve(self, largest: int) -> list[tuple[int, int]]:
        """The set as ascending ranges that neither overlap nor touch, with `largest` in place of `*`."""
        if len(self.ranges) == 1:
            ((first, last),) = self.ranges
            first, last = largest if first is None else first, largest if last is None else last
            return [(first, last) if first <= last else (last, first)]
        given = sorted(
            (min(pair), max(pair))
            for pair in ((largest if a is None else a, largest if b is None else b) for a, b in self.ranges)
        )
        merged: list[tuple[int, int]] = []
        for first, last in given:
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return merged

    @property
    def largest(self) -> int:
        """The largest number named, but for ranges up to `*`, which have their end wherever the mailbox has."""
        return max((max(a, b) for a, b in self.ranges if a is not None and b is not None), default=0)


def sequence_set(reader: Reader) -> SequenceSet:
    """Parse a sequence set. Raises Malformed."""
    text = reader.match(TEXT, "a sequence set")[0]
    usual = USUAL.fullmatch(text)
    if usual is not None:
        first = int(usual[1])
        return SequenceSet(((first, first if usual[2] is None else int(usual[2])),))
    return SequenceSet(tuple(_range(part) for part in text.split(b",")))


def compact(numbers: Iterable[int]) -> str:
    """Write numbers as a sequence set, in the order given, so that parallel sets stay parallel (RFC 4315, 3)."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)


def _range(text: bytes) -> tuple[int | None, int | None]:
    found = RANGE.fullmatch(text)
    if found is None:
        raise Malformed("Bad sequence set")
    first = _number(found[1])
    return first, first if found[2] is None else _number(found[2])


def _number(text: bytes) -> int | None:
    if text == b"*":
        return None
    number = int(text)
    if number > LARGEST:
        raise Malformed("Number too large")
    return number
