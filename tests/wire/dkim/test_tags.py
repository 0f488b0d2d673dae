"""tag=value lists: read as RFC 6376, 3.2 has them, and void where readers could differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.dkim.tags import Unverified, base64_value, colon_list, domain_name, read_tags, squeezed


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (b"foo=bar", {b"foo": b"bar"}),
        (b"foo=bar;", {b"foo": b"bar"}),
        (b"foo=bar; \r\n", {b"foo": b"bar"}),
        (b" foo = bar=1 ;\r\n\tbaz\r\n =\r\n f oo\r\n", {b"foo": b"bar=1", b"baz": b"f oo"}),
        (b"p=", {b"p": b""}),
        (b"p=;k=rsa", {b"p": b"", b"k": b"rsa"}),
        (b"a=1; A=2; a_1=3", {b"a": b"1", b"A": b"2", b"a_1": b"3"}),
    ],
)
def test_a_list(text: bytes, tags: dict[bytes, bytes]) -> None:
    assert read_tags(text) == tags
    assert list(read_tags(text)) == list(tags)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b";",
        b"foo",
        b"foo=bar;baz",
        b"foo=1;;bar=2",
        b"=1",
        b"1=1",
        b"_a=1",
        b"a-b=1",
        b"a=\x01",
        b"a=\x7f",
        b"\xffa=1",
    ],
)
def test_no_list(text: bytes) -> None:
    with pytest.raises(Unverified, match="not a list of tags"):
        read_tags(text)


def test_a_tag_may_not_be_repeated() -> None:
    with pytest.raises(Unverified, match="twice"):
        read_tags(b"a=1; b=2; a=1")


def test_values() -> None:
    assert colon_list(b"from : to\r\n\t:\r\n subject") == (b"from", b"to", b"subject")
    assert squeezed(b" a\r\n\tb ") == b"ab"
    assert base64_value(b"aGVs\r\n\tbG8=") == b"hello"


@pytest.mark.parametrize("text", [b"", b"=", b"a", b"aGVsbG8", b"aGVs=bG8", b"aGV-", b"aGVsbG8=\xff", b"====="])
def test_what_is_not_base64(text: bytes) -> None:
    with pytest.raises(Unverified, match="base64"):
        base64_value(text)


def test_domains() -> None:
    assert domain_name(b"Relay.EXAMPLE") == "relay.example"
    assert domain_name(b"s1-2_x._y") == "s1-2_x._y"
    assert domain_name(b"a" * 63 + b".b") == "a" * 63 + ".b"
    for bad in (
        b"",
        b".",
        b"a.",
        b".a",
        b"a..b",
        b"-a.b",
        b"a-.b",
        b"a" * 64,
        b"a b",
        b"a(b",
        b"\xc3\xa9.b",
        b"a.b\n",
        b"a." * 130,
    ):
        with pytest.raises(Unverified, match="domain"):
            domain_name(bad)


@given(st.binary(max_size=60) | st.from_regex(rb"(\s*[a-z]{1,2}\s*=\s*[^;]{0,6}\s*;?){0,6}", fullmatch=True))
def test_whatever_comes_only_the_documented_error_escapes(text: bytes) -> None:
    try:
        tags = read_tags(text)
    except Unverified:
        return
    again = b";".join(name + b"=" + value for name, value in tags.items())
    assert read_tags(again) == tags
