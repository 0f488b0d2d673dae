"""JSON read as it comes: the same as all at once, however it is cut, and its breaks found where they are."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.channel.intake.refusal import Refused
from angarium.channel.intake.scan import READ, Scan

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 40), 1 << 40) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\{}[]é', max_size=4), inner, max_size=4),
    max_leaves=20,
)


def scan(octets: bytes, size: int = 1 << 20, most: int = 1 << 20) -> Scan:
    file = io.BytesIO(octets)
    return Scan(lambda asked: file.read(min(asked, size)), "result.json", most=most)


def read(scanned: Scan) -> Any:
    first = scanned.peek()
    if first == b"{":
        return {name: read(scanned) for name in scanned.members()}
    if first == b"[":
        return [read(scanned) for _ in scanned.elements()]
    return scanned.value()


@given(VALUES, st.integers(1, 9), st.sampled_from([None, 1]))
def test_all_is_read_however_it_is_cut(value: object, size: int, indent: int | None) -> None:
    octets = json.dumps(value, indent=indent, ensure_ascii=False).encode()
    for take in (read, Scan.value):
        scanned = scan(octets, size)
        assert take(scanned) == value
        scanned.end()
    scanned = scan(octets, size)
    scanned.skip()
    scanned.end()


@pytest.mark.parametrize(
    ("octets", "line", "column", "why"),
    [
        (b"", 1, 1, "too early"),
        (b'{"a": 1', 1, 8, "too early"),
        (b'{"a": 1\n "b": 2}', 2, 2, "a comma"),
        ('{"é": 1\n,\n "ü" 2}'.encode(), 3, 6, "colon"),
        (b'{"a": [1, 2}', 1, 12, "a comma or ]"),
        (b'{"a": "x', 1, 9, "too early"),
        (b'{"a": tru}', 1, 7, "no JSON"),
        (b'{"a": "\xff"}', 1, 7, "no JSON"),
        (b"{} {}", 1, 4, "goes on"),
        (b"[1, 2,]", 1, 7, "value must stand"),
        (b"{1: 2}", 1, 2, "name in quotes"),
    ],
)
def test_it_breaks_where_it_breaks(octets: bytes, line: int, column: int, why: str) -> None:
    with pytest.raises(Refused, match=rf"result.json, line {line}, column {column}: .*{why}"):
        read_all(octets)


def read_all(octets: bytes) -> None:
    scanned = scan(octets, 3)
    read(scanned)
    scanned.end()


@pytest.mark.parametrize("octets", [b'[{"a": [}]]', b"[" * 1000, b'{"a":' * 1000])
def test_brackets_that_do_not_match_or_are_too_many(octets: bytes) -> None:
    with pytest.raises(Refused):
        scan(octets).piece()
    with pytest.raises(Refused):
        scan(octets).skip()


def test_a_piece_is_only_so_long() -> None:
    with pytest.raises(Refused, match="more than 1000"):
        scan(b'"' + b"x" * 10 * READ + b'"', most=1000).piece()


def test_a_mark_of_the_order_of_octets_is_no_part_of_it() -> None:
    assert scan(b"\xef\xbb\xbf[1]").value() == [1]
