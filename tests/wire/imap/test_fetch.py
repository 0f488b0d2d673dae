"""Sections of messages, and whole FETCH responses."""

from pathlib import Path

import pytest

from angarium.wire.imap.entry import Entry
from angarium.wire.imap.fetch import extract, gives_whole, needs_message, pieces
from angarium.wire.imap.items import Attribute, Part, Section

SIMPLE = b"From: a@b\r\nSubject: one\r\n two\r\nX-Empty:\r\nsubject: three\r\n\r\nbody\r\n"
INNER = (
    b'Subject: inner\r\nContent-Type: multipart/mixed; boundary="i"\r\n\r\n--i\r\n\r\nI1\r\n--i\r\n\r\nI2\r\n--i--\r\n'
)
NESTED = (
    b'Subject: outer\r\nContent-Type: multipart/mixed; boundary="o"\r\n\r\npreamble\r\n'
    b"--o\r\nContent-Type: text/plain\r\n\r\nO1\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\nX: y\r\n\r\nSubject: leaf\r\n\r\nL\r\n"
    b"--o--\r\nepilogue\r\n"
)
MAILS = sorted((Path(__file__).parents[2] / "mails").rglob("*.eml"))


def section(path: tuple[int, ...] = (), part: Part = Part.ALL, *fields: bytes) -> Section:
    return Section(b"BODY[]", path, part, frozenset(fields))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (section(), SIMPLE),
        (section(part=Part.HEADER), SIMPLE[:-6]),
        (section(part=Part.TEXT), b"body\r\n"),
        (section((1,)), b"body\r\n"),
        (section((1,), Part.MIME), SIMPLE[:-6]),
        (section((2,)), None),
        (section((1, 1)), None),
        (section((1,), Part.TEXT), None),
        (section((), Part.FIELDS, b"subject"), b"Subject: one\r\n two\r\nsubject: three\r\n\r\n"),
        (section((), Part.FIELDS, b"nothing"), b"\r\n"),
        (section((), Part.NOT_FIELDS, b"subject"), b"From: a@b\r\nX-Empty:\r\n\r\n"),
    ],
)
def test_sections_of_a_simple_message(wanted: Section, found: bytes | None) -> None:
    assert extract(SIMPLE, wanted) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (section((1,)), b"O1"),
        (section((1,), Part.MIME), b"Content-Type: text/plain\r\n\r\n"),
        (section((2,)), INNER),
        (section((2,), Part.HEADER), INNER[: INNER.index(b"--i")]),
        (section((2,), Part.TEXT), INNER[INNER.index(b"--i") :]),
        (section((2,), Part.FIELDS, b"subject"), b"Subject: inner\r\n\r\n"),
        (section((2, 1)), b"I1"),
        (section((2, 2)), b"I2"),
        (section((2, 3)), None),
        (section((3, 1)), b"L"),
        (section((3, 1), Part.MIME), b"Subject: leaf\r\n\r\n"),
        (section((3,), Part.MIME), b"Content-Type: message/rfc822\r\nX: y\r\n\r\n"),
        (section((4,)), None),
    ],
)
def test_sections_of_a_nested_message(wanted: Section, found: bytes | None) -> None:
    assert extract(NESTED, wanted) == found


@pytest.mark.parametrize(
    ("first", "count", "found"), [(0, 4, b"From"), (5, 3, b" a@"), (len(SIMPLE) - 1, 9, b"\n"), (9999, 1, b"")]
)
def test_partials(first: int, count: int, found: bytes) -> None:
    assert extract(SIMPLE, Section(b"", partial=(first, count))) == found


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\r\nbody", b"no header at all", b"A: b\nC: d\n\nbare", b"A: b\r\n"])
def test_what_is_hardly_a_message_has_sections_too(raw: bytes) -> None:
    head, text = extract(raw, section(part=Part.HEADER)), extract(raw, section(part=Part.TEXT))
    assert head is not None
    assert text is not None
    assert head + text == raw
    assert extract(raw, section((1,))) is not None
    assert list(pieces(1, ENTRY, (Attribute.ENVELOPE, Attribute.STRUCTURE, Attribute.BODY), raw))


ENTRY = Entry(5, 1234, frozenset({"\\Seen", "b", "a", "\\Answered"}), 19_723, 77)


def test_a_response() -> None:
    items = (
        *(Attribute.UID, Attribute.FLAGS, Attribute.DATE, Attribute.SIZE, Attribute.MODSEQ),
        Section(b"BODY[TEXT]", part=Part.TEXT),
        Section(b"BODY[9]", path=(9,)),
    )
    assert b"".join(pieces(3, ENTRY, items, SIMPLE)) == (
        b'3 FETCH (UID 5 FLAGS (\\Answered \\Seen a b) INTERNALDATE "01-Jan-2024 00:00:00 +0000" RFC822.SIZE 1234 '
        b"MODSEQ (77) BODY[TEXT] {6}\r\nbody\r\n BODY[9] NIL)"
    )


def test_a_whole_body_is_not_copied() -> None:
    body = b"A: b\r\n\r\n" + b"x" * 100_000
    assert any(piece is body for piece in pieces(1, ENTRY, (Section(b"BODY[]"),), body))


def test_only_what_is_in_the_message_needs_it() -> None:
    assert not needs_message((Attribute.UID, Attribute.FLAGS, Attribute.DATE, Attribute.SIZE, Attribute.MODSEQ))
    assert needs_message((Attribute.UID, Section(b"BODY[]")))
    assert needs_message((Attribute.ENVELOPE,))


def test_what_gives_the_whole_message() -> None:
    assert gives_whole((Attribute.UID, Section(b"BODY[]")))
    assert gives_whole((Section(b"RFC822"),))
    assert not gives_whole((Attribute.UID, Attribute.ENVELOPE))
    assert not gives_whole((Section(b"BODY[HEADER]", part=Part.HEADER), Section(b"BODY[1]", path=(1,))))
    assert not gives_whole((Section(b"BODY[]<0>", partial=(0, 100)),))


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_real_mails_have_every_section(path: Path) -> None:
    raw = path.read_bytes()
    items = (Attribute.ENVELOPE, Attribute.STRUCTURE, Attribute.BODY)
    assert b"".join(pieces(1, ENTRY, items, raw)).count(b"BODYSTRUCTURE (") == 1
    for number in (1, 2, 3):
        part = extract(raw, section((number,)))
        assert part is None or part in raw
