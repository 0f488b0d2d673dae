"""Names of mailboxes on the wire, and the wildcards of LIST."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.imap.mailbox import decode, encode, matches, parents
from angarium.wire.imap.reader import Malformed

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"inbox", "INBOX"),
        (b"Archive", "Archive"),
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e"),  # RFC 3501, 5.1.3
        (b"a&-b", "a&b"),
        (b"&2D3eAA-", "\U0001f600"),
    ],
)
def test_names(raw: bytes, name: str) -> None:
    assert decode(raw) == name
    assert name == "INBOX" or encode(name) == raw


@pytest.mark.parametrize(
    "raw", [b"&", b"a&b", b"&Jjo", b"&AGE-", b"&Jjo-&Jjo-", b"\xd0\xbf", b"&A-", b"&2D0-", b"&J!-", b"x" * 256]
)
def test_one_name_has_one_spelling(raw: bytes) -> None:
    with pytest.raises(Malformed):
        decode(raw)


@given(TEXT)
def test_there_and_back(name: str) -> None:
    raw = encode(name)
    assert raw.isascii()
    if len(raw) <= 255:
        assert decode(raw) == ("INBOX" if name.upper() == "INBOX" else name)


@given(st.binary(max_size=40))
def test_anything_is_a_name_or_malformed(raw: bytes) -> None:
    try:
        name = decode(raw)
    except Malformed:
        return
    assert encode(name) == raw or name == "INBOX"


@given(st.text("ab/*%.", max_size=12), st.text("ab/.", max_size=12))
def test_wildcards_mean_what_the_rfc_says(pattern: str, name: str) -> None:
    parts = {"*": ".*", "%": "[^/]*"}
    expected = re.fullmatch("".join(parts.get(sign, re.escape(sign)) for sign in pattern), name, re.DOTALL)
    assert matches(pattern, name) is (expected is not None)


def test_a_nasty_pattern_takes_no_time() -> None:
    assert not matches("a*" * 127 + "b", "a" * 255)
    assert not matches("%a" * 127 + "b", "a" * 255)
    assert matches("*a" * 127, "a" * 255)


def test_parents() -> None:
    assert parents("a/b/c") == ["a", "a/b"]
    assert parents("a") == []
