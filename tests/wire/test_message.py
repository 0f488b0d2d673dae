"""Header fields: what is found, what is refused, and that what is not changed stays to the byte."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire import message
from angarium.wire.message import (
    HEADER_BYTES,
    HEADER_FIELDS,
    Malformed,
    has_bare_newlines,
    parse,
    rewrite,
)

MAIL = (
    b"From: Alice <alice1234@relay.example>\r\n"
    b"Subject: a long\r\n\tstory\r\n"
    b"X-Same: one\r\n"
    b"x-same:two \r\n"
    b"Empty:\r\n"
    b"\r\n"
    b"Body: no field\r\n"
)


def test_values_are_unfolded_stripped_and_found_in_any_case() -> None:
    mail = parse(MAIL)
    assert mail.first(b"subject") == b"a long\tstory"
    assert mail.all(b"x-same") == [b"one", b"two"]
    assert mail.first(b"x-same") == b"one"
    assert mail.only(b"empty") == b""
    assert mail.first(b"body") is None
    assert mail.all(b"body") == []
    assert mail.only(b"body") is None
    assert MAIL[mail.body : mail.end] == b"Body: no field\r\n"


@given(
    st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"a", b"\x0b\x0c\x85", b"\r\n" * 3]), max_size=12).map(b"".join),
    st.integers(1, 7),
)
def test_a_bare_newline_is_found_wherever_a_large_message_is_cut(raw: bytes, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(message, "_PIECE", piece)
        assert has_bare_newlines(raw) is bool(re.search(rb"\r(?!\n)|(?<!\r)\n", raw))
        assert has_bare_newlines(bytearray(raw)) is has_bare_newlines(raw)


def test_a_field_that_may_be_there_once_is_refused_twice() -> None:
    with pytest.raises(Malformed):
        parse(MAIL).only(b"x-same")


def test_a_part_is_read_in_place() -> None:
    padded = b"junk" + MAIL + b"junk"
    part = parse(padded, 4, 4 + len(MAIL))
    assert part.first(b"empty") == b""
    assert padded[part.body : part.end] == b"Body: no field\r\n"
    assert rewrite(part) == MAIL


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"A: b\r\n", b"A: b\r\n\r\n"])
def test_header_or_body_may_be_missing(raw: bytes) -> None:
    mail = parse(raw)
    assert mail.body == mail.end == len(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"no colon\r\n\r\n",
        b" folded from nothing\r\n\r\n",
        b"A : b\r\n\r\n",
        b": b\r\n\r\n",
        b"A: b\n\r\n",
        b"A: b\rC: d\r\n\r\n",
        b"A: b\0\r\n\r\n",
        b"A: b",
        b"A: b\r\nC: d",
        "Größe: b\r\n\r\n".encode(),
        b"A: b\r\n" * (HEADER_FIELDS + 1) + b"\r\n",
        b"A: " + b"b" * HEADER_BYTES + b"\r\n\r\n",
        b"A" * (2 * HEADER_BYTES),
    ],
)
def test_doubtful_headers_are_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse(raw)


def test_the_limits_themselves_pass() -> None:
    assert len(parse(b"A: b\r\n" * HEADER_FIELDS + b"\r\nbody").fields) == HEADER_FIELDS
    value = b"b" * (HEADER_BYTES - len(b"A: \r\n\r\n"))
    assert parse(b"A: " + value + b"\r\n\r\nbody").first(b"a") == value


def test_eight_bit_values_are_kept() -> None:
    assert parse("Subject: سلام\r\n\r\n".encode()).first(b"subject") == "سلام".encode()


def test_dropped_and_replaced_fields_leave_the_rest_alone() -> None:
    mail = parse(MAIL)
    assert rewrite(mail, drop={b"x-same"}, replace={b"subject": b"[...]"}) == (
        b"From: Alice <alice1234@relay.example>\r\nSubject: [...]\r\nEmpty:\r\n\r\nBody: no field\r\n"
    )
    assert rewrite(mail, drop={b"from", b"subject", b"x-same", b"empty"}) == b"\r\nBody: no field\r\n"
    assert rewrite(mail) == MAIL


def test_bare_newlines_are_seen() -> None:
    assert not has_bare_newlines(MAIL)
    assert not has_bare_newlines(b"")
    for bad in (b"\n", b"\r", b"a\r\n\n", b"\r\r\n", b"\n\r", b"a\rb\nc"):
        assert has_bare_newlines(bad)


@given(
    st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"a", b"\r\n\r\n"]), max_size=12).map(b"".join), st.integers(1, 7)
)
def test_bare_newlines_are_seen_across_pieces(raw: bytes, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(message, "_PIECE", piece)
        assert has_bare_newlines(raw) == bool(re.search(rb"(?<!\r)\n|\r(?!\n)", raw))


names = st.from_regex(rb"[!-9;-~]{1,20}", fullmatch=True)
values = st.from_regex(rb" [ -~\x80-\xff]{0,30}(?:\r\n[ \t][ -~]{0,30}){0,2}", fullmatch=True)


@given(st.lists(st.tuples(names, values), max_size=8), st.binary(max_size=60), st.data())
def test_any_header_is_read_back_and_edited_exactly(
    fields: list[tuple[bytes, bytes]], body: bytes, data: st.DataObject
) -> None:
    raw = b"".join(name + b":" + value + b"\r\n" for name, value in fields) + b"\r\n" + body
    mail = parse(raw)
    assert [raw[field.start : field.end] for field in mail.fields] == [n + b":" + v + b"\r\n" for n, v in fields]
    assert raw[mail.body : mail.end] == body
    drop = data.draw(st.sets(st.sampled_from([name.lower() for name, _ in fields])) if fields else st.just(set()))
    kept = b"".join(n + b":" + v + b"\r\n" for n, v in fields if n.lower() not in drop)
    assert rewrite(mail, drop=drop) == kept + b"\r\n" + body


@given(st.lists(st.sampled_from([b"A", b":", b" ", b"\r\n", b"\r", b"\n", b"\0", b"\t", b"\xff"]), max_size=30))
def test_only_malformed_escapes(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    try:
        mail = parse(raw)
    except Malformed:
        return
    assert rewrite(mail) == raw
    assert all(mail.first(field.name) is not None for field in mail.fields)


@pytest.mark.parametrize("piece", [b"a", b":", b"a:", b" ", b"\r\n ", b"a: b\r\n ", b"\r", b"-"])
def test_hostile_repetitions_take_linear_time(piece: bytes) -> None:
    for start in (b"", b"A: "):
        with pytest.raises(Malformed):
            parse(start + b"A" + piece * 80_000 + b"\0")
