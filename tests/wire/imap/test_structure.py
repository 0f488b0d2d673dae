"""ENVELOPE and BODYSTRUCTURE, also as Python's email package and imapclient understand them."""

import pytest

from angarium.wire.imap.envelope import Address, addresses, envelope
from angarium.wire.imap.parts import whole
from angarium.wire.imap.responses import nstring, string
from angarium.wire.imap.structure import structure


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"a@b", [Address(None, b"a", b"b")]),
        (b"<a@b>", [Address(None, b"a", b"b")]),
        (b'"A, B" <a@b>, c@d (comment)', [Address(b"A, B", b"a", b"b"), Address(None, b"c", b"d")]),
        (b"A  B <@x,@y:a@b>", [Address(b"A B", b"a", b"b")]),
        (b'"a b"@c', [Address(None, b"a b", b"c")]),
        (b'"hidden-recipients": ;', [Address(mailbox=b"hidden-recipients"), Address()]),
        (
            b"g: a@b, c@d;, e@f",
            [
                Address(mailbox=b"g"),
                Address(None, b"a", b"b"),
                Address(None, b"c", b"d"),
                Address(),
                Address(None, b"e", b"f"),
            ],
        ),
        (b"unfinished: a@b", [Address(mailbox=b"unfinished"), Address(None, b"a", b"b"), Address()]),
        (b"nobody", [Address(None, b"nobody", b"")]),
        (b"a@[127.0.0.1]", [Address(None, b"a", b"[127.0.0.1]")]),
        (b"", []),
        (b",,;", []),
        (b"(never ends", []),
    ],
)
def test_addresses(value: bytes, found: list[Address]) -> None:
    assert addresses(value) == found


def test_envelope() -> None:
    raw = (
        b"From: =?utf-8?q?A?= <a@b>\r\nTo: c@d\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
        b'Subject: a "b" \\\r\n c\r\nMessage-ID: <x@y>\r\nReply-To: e@f\r\n\r\n'
    )
    assert envelope(whole(raw)) == (
        b'("Mon, 1 Jan 2024 00:00:00 +0000" "a \\"b\\" \\\\ c" (("=?utf-8?q?A?=" NIL "a" "b")) '
        b'(("=?utf-8?q?A?=" NIL "a" "b")) ((NIL NIL "e" "f")) ((NIL NIL "c" "d")) NIL NIL NIL "<x@y>")'
    )


def test_envelope_of_nothing() -> None:
    assert envelope(whole(b"\r\n")) == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


PLAIN = b'("text" "plain" NIL NIL NIL "7bit" 2 0'
OPAQUE = b'("application" "octet-stream" NIL NIL NIL "7bit" 2 NIL NIL NIL NIL)'
ATTACHED = (
    b"Content-Type: text/HTML; charset=x\r\nContent-Transfer-Encoding: BASE64\r\nContent-ID: <i>\r\n"
    b'Content-Disposition: attachment; filename="a\\"b"; size=3\r\n\r\nYQ==\r\n'
)
ATTACHED_STRUCTURE = (
    b'("text" "html" ("charset" "x") "<i>" NIL "base64" 6 1 NIL ("attachment" ("filename" "a\\"b" "size" "3")) NIL NIL)'
)
FORWARDED = (
    b"Content-Type: multipart/x; boundary=o\r\n\r\n--o\r\n\r\nab\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\nab\r\n--o--\r\n"
)
FORWARDED_STRUCTURE = (
    b"(%b NIL NIL NIL NIL)"
    b'("message" "rfc822" NIL NIL NIL "7bit" 16 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) '
    b"%b NIL NIL NIL NIL) 2 NIL NIL NIL NIL) "
    b'"x" ("boundary" "o") NIL NIL NIL)'
) % (PLAIN, PLAIN)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"\r\nab", PLAIN + b" NIL NIL NIL NIL)"),
        (ATTACHED, ATTACHED_STRUCTURE),
        (FORWARDED, FORWARDED_STRUCTURE),
        (b"Content-Type: multipart/x\r\n\r\nab", OPAQUE),
        (b"Content-Type: !!\r\n\r\nab", OPAQUE),
    ],
    ids=["plain", "attached", "forwarded", "multipart of nothing", "unreadable"],
)
def test_structure(raw: bytes, found: bytes) -> None:
    assert structure(raw, extended=True) == found


def test_body_is_the_structure_without_its_extension() -> None:
    assert structure(b"\r\nab", extended=False) == PLAIN + b")"
    raw = b"Content-Type: multipart/x; boundary=o\r\n\r\n--o\r\n\r\nab\r\n--o--\r\n"
    assert structure(raw, extended=False) == b"(" + PLAIN + b') "x")'


def test_nested_without_end() -> None:
    raw = b"\r\nab"
    for depth in range(100):
        raw = b"Content-Type: multipart/x; boundary=b%d\r\n\r\n--b%d\r\n%s\r\n--b%d--\r\n" % (depth, depth, raw, depth)
    found = structure(raw, extended=True)
    assert found.startswith(b"(" * 32 + b'"application"')
    assert found.count(b"(") == found.count(b")")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"", b'""'),
        (b'a "b"\\', b'"a \\"b\\"\\\\"'),
        (b"a\r\nb", b"{4}\r\na\r\nb"),
        ("\u043f".encode(), b"{2}\r\n\xd0\xbf"),
        (b"x" * 2000, b"{2000}\r\n" + b"x" * 2000),
    ],
)
def test_strings(value: bytes, text: bytes) -> None:
    assert string(value) == nstring(value) == text
    assert nstring(None) == b"NIL"
