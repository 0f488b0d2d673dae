"""A stream under a passphrase: what goes in comes out, and nothing that was touched comes out at all."""

import hashlib
import io
import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.apps.strongbox import CHUNK, Foreign, Shut, Spoilt, StrongReader, StrongWriter

HEAD = 18 + 16
SEALED = CHUNK + 16


def quick(passphrase: str, salt: bytes) -> bytes:
    """Instead of argon2, where a test opens many files."""
    return hashlib.sha256(salt + passphrase.encode()).digest()


def written(data: bytes, *, pieces: int = 1 << 20) -> bytes:
    file = io.BytesIO()
    box = StrongWriter(file, "right words", stretch=quick)
    for at in range(0, len(data), pieces):
        box.write(data[at : at + pieces])
    box.finish()
    return file.getvalue()


def read(content: bytes, passphrase: str = "right words", *, size: int = 1 << 20) -> bytes:
    box = StrongReader(io.BytesIO(content), passphrase, stretch=quick)
    return b"".join(iter(lambda: box.read(size), b""))


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
def test_what_goes_in_comes_out(length: int) -> None:
    data = os.urandom(length)
    content = written(data)
    assert read(content) == data
    assert len(content) == HEAD + length + 16 * max(1, -(-length // CHUNK))


@given(st.binary(max_size=300), st.integers(1, 50), st.integers(1, 50))
def test_however_it_is_cut_into_pieces(data: bytes, pieces: int, size: int) -> None:
    assert read(written(data * 500, pieces=pieces * 1000), size=size * 1000) == data * 500


def test_two_files_of_the_same_share_nothing() -> None:
    one, other = written(b"a" * 100_000), written(b"a" * 100_000)
    assert not any(one[at : at + 16] in other for at in range(HEAD, len(one), 997))


def test_another_passphrase() -> None:
    with pytest.raises(Shut):
        read(written(b"secret"), "wrong words")


def test_a_change_anywhere_is_noticed() -> None:
    content = written(os.urandom(3 * CHUNK + 100))
    places = {*range(HEAD + 40), *range(HEAD, len(content), 1009), *range(len(content) - 40, len(content))}
    places |= {HEAD + n * SEALED + d for n in (1, 2, 3) for d in range(-20, 20)}
    for at in places:
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        with pytest.raises((Foreign, Shut, Spoilt)):
            read(bytes(changed))


def test_a_file_that_is_cut_off_or_longer_is_noticed() -> None:
    content = written(os.urandom(3 * CHUNK))
    lengths = {
        0,
        1,
        HEAD - 1,
        HEAD,
        HEAD + 1,
        HEAD + SEALED,
        HEAD + 2 * SEALED,
        len(content) - SEALED,
        len(content) - 1,
    }
    for length in (*lengths, *range(0, len(content), 4001)):
        with pytest.raises((Foreign, Shut, Spoilt)):
            read(content[:length])
    for more in (b"\0", content[HEAD:], content[-SEALED:]):
        with pytest.raises(Spoilt, match="after byte"):
            read(content + more)


def test_chunks_that_change_places_are_noticed() -> None:
    content, other = written(os.urandom(4 * CHUNK)), written(os.urandom(4 * CHUNK))
    chunks = [content[at : at + SEALED] for at in range(HEAD, len(content), SEALED)]
    swapped = [chunks[0], chunks[2], chunks[1], chunks[3]]
    for order in (swapped, chunks[1:], [chunks[0], *chunks], [chunks[0], chunks[3]]):
        with pytest.raises((Shut, Spoilt)):
            read(content[:HEAD] + b"".join(order))
    with pytest.raises(Spoilt):
        read(content[: HEAD + SEALED] + other[HEAD + SEALED :])


class Nowhere(io.RawIOBase):
    """Takes everything and keeps nothing."""

    def write(self, data: object) -> int:
        return 0


def test_memory_is_bounded() -> None:
    piece = os.urandom(1 << 20)
    tracemalloc.start()
    try:
        box = StrongWriter(Nowhere(), "right words", stretch=quick)  # type: ignore[arg-type]
        for _ in range(64):
            box.write(piece)
        box.finish()
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
