"""First words cut at random: the same words, in other pieces each time, and later ones as they are."""

import secrets

from angarium.edge.ragged import BEGINNING, CUTS, Ragged


class Notes:
    """An end that notes what is written."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def read(self) -> bytes:
        return b"read"

    async def write(self, data: bytes, *, timeout: float) -> None:
        assert timeout == 5
        self.pieces.append(data)

    def abort(self) -> None:
        self.pieces.append(b"aborted")

    async def close(self) -> None:
        self.pieces.append(b"closed")


async def test_the_beginning_is_cut_and_nothing_is_lost() -> None:
    sizes = set()
    for length in (1, 2, 800, BEGINNING):
        for _ in range(50):
            end, said = Notes(), secrets.token_bytes(length)
            await Ragged(end).write(said, timeout=5)
            assert b"".join(end.pieces) == said
            assert all(end.pieces)
            assert len(end.pieces) <= CUTS
            sizes.add(tuple(map(len, end.pieces)))
    assert len(sizes) > 80


async def test_what_comes_later_is_left_as_it_is() -> None:
    end = Notes()
    ragged = Ragged(end)
    await ragged.write(bytes(BEGINNING), timeout=5)
    end.pieces.clear()
    await ragged.write(bytes(10_000), timeout=5)
    assert end.pieces == [bytes(10_000)]
    assert await ragged.read() == b"read"
    ragged.abort()
    await ragged.close()
    assert end.pieces[1:] == [b"aborted", b"closed"]
