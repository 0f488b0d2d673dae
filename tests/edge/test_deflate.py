"""A deflated connection against zlib as others use it: every cut, every history, and no more than was asked for."""

import zlib
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.edge.deflate import Deflated

if TYPE_CHECKING:
    from angarium.reach.transport import Connection


class Wire:
    """A connection that gives what it was given, in pieces, and keeps what is written."""

    secure = True
    alpn = "imap"

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.written: list[bytes] = []
        self.ended: list[str] = []

    async def read(self, limit: int, *, timeout: float | None = None) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    async def take(self, limit: int) -> bytes | None:
        """Nothing is there where a piece is empty."""
        return (self.pieces.pop(0) or None) if self.pieces else b""

    async def write(self, data: bytes, *, timeout: float | None = None) -> None:
        self.written.append(data)

    async def close(self) -> None:
        self.ended.append("close")

    def abort(self) -> None:
        self.ended.append("abort")


def over(wire: Wire, received: bytes = b"") -> Deflated:
    return Deflated(cast("Connection", wire), received)


async def everything(deflated: Deflated, limit: int = 16_384) -> bytes:
    text = b""
    while piece := await deflated.read(limit):
        assert len(piece) <= limit
        text += piece
    return text


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    pieces = []
    for size in cuts:
        pieces.append(data[:size])
        data = data[size:]
    return [piece for piece in [*pieces, data] if piece]


TEXTS = st.lists(st.binary(max_size=40) | st.sampled_from([b"a1 UID FETCH 1:500 (UID)\r\n", b"x" * 5000]), max_size=8)


@given(TEXTS, st.lists(st.integers(1, 50), max_size=30), st.integers(1, 100))
async def test_what_another_zlib_deflated_is_read(texts: list[bytes], cuts: list[int], limit: int) -> None:
    deflate = zlib.compressobj(wbits=-15)
    sent = b"".join(deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH) for text in texts)
    assert await everything(over(Wire(cut(sent, cuts))), limit) == b"".join(texts)
    assert await everything(over(Wire([]), sent), limit) == b"".join(texts)


@given(TEXTS, st.lists(st.integers(0, 50), max_size=30), st.integers(1, 100))
async def test_what_is_there_is_taken_without_waiting(texts: list[bytes], cuts: list[int], limit: int) -> None:
    deflate = zlib.compressobj(wbits=-15)
    sent = b"".join(deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH) for text in texts)
    pieces = [piece for whole in cut(sent, [size for size in cuts if size]) for piece in (whole, b"")]
    deflated, text = over(Wire(pieces)), b""
    while (taken := await deflated.take(limit)) != b"":
        assert taken is None or len(taken) <= limit
        text += taken or b""
    assert text == b"".join(texts)


@given(TEXTS)
async def test_what_is_written_another_zlib_reads(texts: list[bytes]) -> None:
    wire = Wire([])
    deflated, inflate = over(wire), zlib.decompressobj(-15)
    for text in texts:
        await deflated.write(text)
        assert inflate.decompress(b"".join(wire.written)) == text
        wire.written.clear()


async def test_references_reach_back_over_what_was_forgotten() -> None:
    deflate = zlib.compressobj(9, wbits=-15)
    noise = bytes((n * n * 31 + n * 7) % 251 for n in range(30_000))
    first = deflate.compress(noise) + deflate.flush(zlib.Z_SYNC_FLUSH)
    again = deflate.compress(noise[:5000]) + deflate.flush(zlib.Z_SYNC_FLUSH)
    assert len(again) < 200
    deflated = over(Wire([first, again]))
    assert await everything(deflated) == noise + noise[:5000]


async def test_between_commands_there_is_no_inflater() -> None:
    deflate = zlib.compressobj(wbits=-15)
    wire = Wire([])
    deflated = over(wire)
    for number in range(50):
        wire.pieces.append(deflate.compress(b"a%d NOOP\r\n" % number) + deflate.flush(zlib.Z_SYNC_FLUSH))
        assert await deflated.read() == b"a%d NOOP\r\n" % number
        assert deflated._inflater is None


async def test_a_bomb_becomes_no_more_than_was_asked_for() -> None:
    deflate = zlib.compressobj(9, wbits=-15)
    bomb = deflate.compress(bytes(10_000_000)) + deflate.flush(zlib.Z_SYNC_FLUSH)
    deflated = over(Wire([bomb]))
    for _ in range(10):
        assert len(await deflated.read(1000)) == 1000
    assert len(deflated._history) <= 32_768


async def test_the_end_of_the_stream_is_the_end() -> None:
    deflate = zlib.compressobj(wbits=-15)
    deflated = over(Wire([deflate.compress(b"last") + deflate.flush() + b"and more"]))
    assert await everything(deflated) == b"last"


async def test_a_stream_that_is_none() -> None:
    with pytest.raises(ConnectionError):
        await over(Wire([b"\xff" * 10])).read()


async def test_the_rest_is_the_connection_underneath() -> None:
    wire = Wire([])
    deflated = over(wire)
    assert (deflated.secure, deflated.alpn) == (True, "imap")
    await deflated.close()
    deflated.abort()
    assert wire.ended == ["close", "abort"]
