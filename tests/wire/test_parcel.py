"""Parcels: their classes, and that nothing but what was written is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire import parcel
from angarium.wire.parcel import (
    HEAD,
    TAG,
    Contents,
    ParcelError,
    read_contents,
    read_parcel,
    size_class,
    write_contents,
)

ONE = Contents("alice@far.example", ("bob@near.example", "zoë@near.example"), b"From: a\r\n\r\nhello\r\n")


def test_classes_are_powers_of_two_and_then_four_for_each_doubling() -> None:
    sizes = sorted({size_class(octets) for octets in range(0, 300_000, 50)})
    assert [size + 256 for size in sizes] == [
        *(4_096, 8_192, 16_384, 32_768, 65_536),
        *(81_920, 98_304, 114_688, 131_072, 163_840, 196_608, 229_376, 262_144, 327_680),
    ]


@given(st.integers(0, 1 << 26))
def test_a_class_holds_what_it_is_for_and_is_its_own(octets: int) -> None:
    found = size_class(octets)
    assert found >= octets
    assert size_class(found) == found
    assert found <= max(3_840, octets * 2 + 256)
    assert octets < 65_536 or found + 256 <= (octets + 256) * 1.25 + 1


@given(st.text(max_size=90), st.lists(st.text(max_size=90), min_size=1, max_size=50), st.binary(max_size=9_000))
def test_what_was_written_is_read(sender: str, recipients: list[str], message: bytes) -> None:
    contents = Contents(sender, tuple(recipients), message)
    plain = write_contents(contents)
    assert size_class(HEAD + len(plain) + TAG) == HEAD + len(plain) + TAG
    assert read_contents(plain) == contents


def test_messages_of_one_class_are_of_one_length() -> None:
    found = {len(write_contents(Contents("", ("b@near.example",), bytes(octets)))) for octets in range(0, 3_600, 90)}
    assert found == {3_840 - HEAD - TAG}


def test_cut_at_every_octet() -> None:
    plain = write_contents(ONE)
    for end in range(len(plain)):
        with pytest.raises(ParcelError):
            read_contents(plain[:end])


def test_one_octet_more_or_other_than_zero_behind_it() -> None:
    plain = write_contents(ONE)
    with pytest.raises(ParcelError, match="filled up"):
        read_contents(plain + b"\0")
    with pytest.raises(ParcelError, match="filled up"):
        read_contents(plain[:-1] + b"\1")
    with pytest.raises(ParcelError, match="filled up"):
        read_contents(plain + bytes(size_class(4_000) - size_class(1)))  # of a class, but not of its own


@pytest.mark.parametrize(
    ("plain", "why"),
    [
        (b"\0\0\0\0" + bytes(3_739), "no recipients"),
        (b"\0\0\x27\x11" + bytes(3_739), "no recipients, or too many"),
        (b"\x04\x01" + b"a" * 3_741, "too long"),
        (b"\0\1\xff" + bytes(3_740), "no text"),
        (b"\0\0\0\1\0\1b\xff\xff\xff\xff" + bytes(3_732), "cut off"),
    ],
)
def test_what_is_not_contents(plain: bytes, why: str) -> None:
    assert len(plain) == 3_743
    with pytest.raises(ParcelError, match=why):
        read_contents(plain)


def test_what_cannot_be_written() -> None:
    for contents in (
        Contents("", (), b""),
        Contents("", ("a",) * 10_001, b""),
        Contents("a" * 1_025, ("b",), b""),
        Contents("", ("ö" * 513,), b""),
    ):
        with pytest.raises(ParcelError):
            write_contents(contents)


def test_what_is_not_a_parcel() -> None:
    whole = parcel.VERSION + bytes(3_839)
    assert len(read_parcel(whole).sealed) == 3_840 - HEAD
    for raw in (b"", b"\x01", whole[:-1], whole + b"\0", bytes(3_840), b"\2" + whole[1:]):
        with pytest.raises(ParcelError):
            read_parcel(raw)
