"""The text after DATA: where it ends and where it does not, its dots, its limit, and what it costs."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.smtp.data import Data, stuff

PIECES = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"\r\n.\r\n", b"a", b"..", b"\0", b"text"]), max_size=12
)


def read(sent: bytes, size: int | None = None, limit: int = 1000) -> tuple[Data, bytes | None]:
    """Feed a reader in pieces; return it with what came after the end."""
    data = Data(limit)
    rest: bytes | None = None
    for at in range(0, len(sent), size or len(sent) or 1):
        piece = sent[at : at + (size or len(sent))]
        rest = data.receive(piece) if rest is None else rest + piece
    return data, rest


@pytest.mark.parametrize("size", [None, 1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"text\r\n.\r\n", b"text\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"..text\r\n..\r\n...\r\n.\r\n", b".text\r\n.\r\n..\r\n"),
        (b".text\r\n.text\r\n.\r\n", b"text\r\ntext\r\n"),
        (b"a.\r\n.\r\n", b"a.\r\n"),
        (b"a\r\n\r\n\r\n.\r\n", b"a\r\n\r\n\r\n"),
    ],
)
def test_messages(sent: bytes, message: bytes, size: int | None) -> None:
    data, rest = read(sent + b"QUIT\r\n", size)
    assert rest == b"QUIT\r\n"
    assert data.refusal is None
    assert data.message() == message


@pytest.mark.parametrize("size", [None, 1, 3])
@pytest.mark.parametrize(
    "end",
    [
        *(b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\r\n.\r\r\n", b"\n\n.\n\n"),
        *(b"\r\n.\r\r\n", b"\r\n\r.\r\n", b"\r\n.\0\r\n", b"\r\n\0.\r\n", b"\r\0\n.\r\n"),
    ],
)
def test_what_ends_a_message_elsewhere_does_not_here(end: bytes, size: int | None) -> None:
    smuggled = b"MAIL FROM:<a@b>\r\n"
    data, rest = read(b"text" + end + smuggled + b"\r\n.\r\nNOOP\r\n", size)
    assert rest == b"NOOP\r\n"
    assert data.refusal is not None
    assert (data.refusal.code, data.refusal.enhanced) == (554, "5.6.0")


def test_the_end_needs_all_of_its_bytes() -> None:
    for sent in (b"", b"text", b"\r\n", b"\r\n.", b"\r\n.\r", b".", b".\r", b"..\r\n"):
        assert read(sent)[1] is None


@pytest.mark.parametrize("size", [None, 1, 8])
def test_the_limit_counts_the_message_and_not_its_stuffing(size: int | None) -> None:
    message = b".\r\n" * 10
    data, rest = read(stuff(message), size, limit=30)
    assert rest == b""
    assert data.refusal is None
    assert data.message() == message
    data, rest = read(stuff(message + b"x"), size, limit=30)
    assert rest == b""
    assert data.refusal is not None
    assert data.refusal.code == 552


def test_what_is_too_big_is_dropped_as_it_comes() -> None:
    data = Data(1000)
    for _ in range(1000):
        assert data.receive(b"x" * 998 + b"\r\n") is None
    assert 990_000 < data.dropped <= 1_000_010
    assert len(data._message) == 0
    assert data.receive(b".\r\nQUIT\r\n") == b"QUIT\r\n"


def test_work_is_linear() -> None:
    """30 MB in the pieces the edge reads. Quadratic, it would take minutes; linear, a small part of a second."""
    piece = (b"x" * 76 + b"\r\n") * 210
    data = Data(31_457_280)
    begun = time.perf_counter()
    for _ in range(1900):
        data.receive(piece)
    assert data.receive(b".\r\n") == b""
    assert data.refusal is None
    assert len(data.message()) == 1900 * len(piece)
    assert time.perf_counter() - begun < 5


@given(PIECES)
def test_pieces_do_not_matter(parts: list[bytes]) -> None:
    sent = b"".join(parts)
    whole, rest = read(sent)
    for size in (1, 2, 3):
        data, other = read(sent, size)
        assert other == rest
        if rest is not None:
            assert data.refusal == whole.refusal
            assert data.message() == whole.message()


@given(PIECES)
def test_what_is_stuffed_arrives_and_nothing_else(parts: list[bytes]) -> None:
    message = b"".join(parts)
    try:
        sent = stuff(message)
    except ValueError:
        assert b"\0" in message or b"\r" in message.replace(b"\r\n", b"") or b"\n" in message.replace(b"\r\n", b"")
        return
    data, rest = read(sent)
    assert rest == b""
    assert data.refusal is None
    assert data.message() in (message, message + b"\r\n")
