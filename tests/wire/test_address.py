"""Addresses: what is read, what is refused, that equal ones are equal, and that what is written can be read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire import address
from angarium.wire.address import Address, AddressError


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("anna@relay.example", "anna", "relay.example"),
        ("Anna@Relay.EXAMPLE", "Anna", "relay.example"),
        ("a.b_c-d+e@x", "a.b_c-d+e", "x"),
        ("u@_relay.localhost", "u", "_relay.localhost"),
        ("u@a--b.example", "u", "a--b.example"),
        ("u@1and1.example", "u", "1and1.example"),
        ("..dots..@relay.example", "..dots..", "relay.example"),
        ('"a b"@relay.example', "a b", "relay.example"),
        (r'"a\"b\\c"@relay.example', r'a"b\c', "relay.example"),
        ('"a@b>"@relay.example', "a@b>", "relay.example"),
        ('""@relay.example', "", "relay.example"),
        ("آنا@نامه.example", "آنا", "نامه.example"),
        ("u@127.0.0.2", "u", "127.0.0.2"),
        ("u@[127.0.0.2]", "u", "127.0.0.2"),
        ("u@[IPv6:2001:DB8:0:0::1]", "u", "2001:db8::1"),
        ("u@[ipv6:2001:db8::1]", "u", "2001:db8::1"),
        ("u@[2001:0db8:85a3:0000:0000:8a2e:0370:7334]", "u", "2001:db8:85a3::8a2e:370:7334"),
        ("u@2001:db8::1", "u", "2001:db8::1"),
        ("l" * 63 + ".@x", "l" * 63 + ".", "x"),
        ('"' + r"\l" * 64 + '"@x', "l" * 64, "x"),
        ("l" * 64 + "@" + ".".join(["d" * 63] * 3), "l" * 64, ".".join(["d" * 63] * 3)),
    ],
)
def test_read(text: str, local: str, domain: str) -> None:
    address = Address.parse(text)
    assert (address.local, address.domain) == (local, domain)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "anna", "@", "anna@", "@relay.example", "a b@relay.example", "a@b@c", "<a@b>", "a@b ", " a@b", "a@b\r\n"),
        *("a@-b", "a@b-", "a@.b", "a@b.", "a@b..c", "a@b c", "a@b/c", "a@" + "b" * 64, "a" * 65 + "@b", "a@b\0"),
        *('"a@b', 'a"b@c', '"a"b"@c', '"a\\"@b', "a,b@c", "a;b@c", "a(b)@c", "\u202ea@b", "a@b\u0085", "\ud800@b"),
        *("u@127.1", "u@1.2.3.4.5", "u@256.1.1.1", "u@127.0.0.02", "u@relay.7", "u@[127.0.0.1", "u@127.0.0.1]", "u@[]"),
        *("u@[IPv6:127.0.0.1]", "u@[fe80::1%eth0]", "u@[relay.example]", "u@[::1", "u@:", "u@[x400:c=de]", "u@x:y"),
        "a@" + ".".join(["d" * 63] * 4) + ".d",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(AddressError):
        Address.parse(text)


def test_the_spellings_of_a_literal_are_one_address() -> None:
    assert Address.parse("u@127.0.0.2") == Address.parse("u@[127.0.0.2]")
    assert str(Address.parse("u@127.0.0.2")) == "u@[127.0.0.2]"
    assert len({Address.parse(text) for text in ("u@[IPv6:::1]", "u@[::1]", "u@::1", "u@[0:0:0:0:0:0:0:1]")}) == 1
    assert str(Address.parse("u@::1")) == "u@[IPv6:::1]"
    assert Address.parse("u@::1").literal
    assert Address.parse("u@127.0.0.2").literal
    assert not Address.parse("u@relay.example").literal


def test_names_are_lower_case() -> None:
    address = Address.parse("ANNA@relay.example")
    assert address.name == "anna"
    assert address != Address.parse("anna@relay.example")
    assert address.canonical == Address.parse("anna@relay.example")


def test_an_error_does_not_repeat_the_address() -> None:
    for text in ("anna.secret", "anna secret@x", "x@secret..y", "secret@127.1"):
        with pytest.raises(AddressError) as raised:
            Address.parse(text)
        assert "secret" not in str(raised.value)


@given(st.text(max_size=100) | st.from_regex(r"\A[a-zA-Z.\"\\ @\[\]:0-9-]{0,40}@[a-zA-Z.\[\]:0-9-]{0,40}\Z"))
def test_only_the_documented_error_escapes(text: str) -> None:
    try:
        address = Address.parse(text)
    except AddressError:
        return
    assert Address.parse(str(address)) == address
    assert Address.parse(text.upper()).domain == address.domain or not text.isascii()


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=64))
def test_every_printable_local_part_can_be_written(local: str) -> None:
    address = Address(local, "relay.example")
    assert Address.parse(str(address)) == address


@given(st.from_regex(r"[A-Za-z0-9._-]{1,66}@[a-zA-Z0-9_.-]{1,80}", fullmatch=True))
def test_the_short_way_for_usual_addresses_leads_where_the_long_one_does(text: str) -> None:
    def read() -> Address | str:
        try:
            return Address.parse(text)
        except AddressError as error:
            return str(error)

    short = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(address, "_USUAL", re.compile("(?!)"))
        assert read() == short
