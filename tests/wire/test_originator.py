"""The From field: the one address that counts, and every doubt refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.message import Malformed, parse
from angarium.wire.originator import first_address, from_address

ME = "alice1234@relay.example"


@pytest.mark.parametrize(
    "value",
    [
        "alice1234@relay.example",
        "<alice1234@relay.example>",
        "Alice <alice1234@relay.example>",
        '"Alice" <alice1234@relay.example>',
        '"eve@evil.example" <alice1234@relay.example>',
        '"<eve@evil.example>, " <alice1234@relay.example>',
        r'"\"<eve@evil.example>" <alice1234@relay.example>',
        "=?utf-8?q?eve=40evil=2Eexample?= <alice1234@relay.example>",
        "(eve@evil.example) alice1234@relay.example (eve (at) evil)",
        "Alice A. (a (b)) Doe <alice1234@relay.example> (work)",
        "alice1234@relay.example, eve@evil.example",
        "<alice1234@relay.example>, <eve@evil.example>",
        ", alice1234@relay.example",
        "Friends: Alice <alice1234@relay.example>, <eve@evil.example>;",
        "eve@evil.example <alice1234@relay.example>",
        "علی <alice1234@relay.example>",
        "< alice1234@relay.example >",
    ],
)
def test_the_first_address_is_found(value: str) -> None:
    assert first_address(value.encode()) == ME


@pytest.mark.parametrize(
    "address",
    [
        "u@127.0.0.2",
        "u@[127.0.0.2]",
        "u@[IPv6:::1]",
        "علی@مثال.example",
        '"a b"@relay.example',
        "a..b@x",
        "u@_relay.localhost",
    ],
)
def test_addresses_of_every_kind(address: str) -> None:
    assert first_address(f"<{address}>".encode()) == address
    assert first_address(f"Name <{address}>".encode()) == address
    assert first_address(address.encode()) == address


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Alice",
        "<>",
        "<alice>",
        "<alice@>",
        "<@relay.example>",
        "<a@b@c>",
        "<a@b",
        "a@b>",
        "<@x,@y:a@b>",
        "<a@b> eve",
        "<a@b> <c@d>",
        "<<a@b>>",
        "Alice a@b",
        "a@b eve",
        "a @b",
        "a@(c)b",
        '"a@b',
        "(a@b",
        "a@b)",
        "A: B: <a@b>;",
        ": a@b;",
        "a\\@b",
        "a@b\x01",
        "<a\x7f@b>",
        "a" * 5000 + " <a@b>",
        "Friends: ;",
    ],
)
def test_doubtful_fields_are_refused(value: str) -> None:
    with pytest.raises(Malformed):
        first_address(value.encode())


def test_an_address_must_be_utf8() -> None:
    with pytest.raises(Malformed):
        first_address(b"<a\xff@b>")
    assert first_address(b"\xff <a@b>") == "a@b"


@pytest.mark.parametrize("header", ["", "From: a@b\r\nFrom: a@b\r\n", "from: a@b\r\nFROM: c@d\r\n", "From:\r\n"])
def test_there_is_exactly_one_field(header: str) -> None:
    with pytest.raises(Malformed):
        from_address(parse(f"{header}\r\n".encode()))


def test_a_folded_field() -> None:
    assert from_address(parse(b"From: Alice\r\n <alice1234@relay.example>\r\n\r\n")) == ME


words = st.sampled_from(["a", "@", "<", ">", '"', "(", ")", ",", ":", ";", " ", "\\", "[", "]", ".", "a@b", "<a@b>"])


@given(st.lists(words, max_size=14))
def test_only_malformed_escapes(pieces: list[str]) -> None:
    try:
        address = first_address("".join(pieces).encode())
    except Malformed:
        return
    assert "@" in address.strip("@")


@pytest.mark.parametrize("piece", ['"', '""', "<", "(", "a@", "a ", ",", ":", "\\", "[", '"a" '])
def test_hostile_repetitions_take_linear_time(piece: str) -> None:
    for count in (1000, 100_000):
        with pytest.raises(Malformed):
            first_address((piece * count).encode())
