"""A keyed permutation of 64-bit numbers: where a row lies on the disk, so that the rows of one mailbox lie anywhere.

Eight rounds of Feistel over AES-256, which is more than Luby and Rackoff ask for (1988). It hides which numbers belong
together, not that there is one. Any thread may call any method.
"""

import struct
import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

__all__ = ["Permutation"]

_WORD = 0xFFFF_FFFF
_ROUNDS = tuple(number.to_bytes(12) for number in range(8))
"""What makes each round's function another: the rest of the block in which it is computed."""
_FEW = 16
"""Up to so many places are looked up; more are permuted all at once."""
_NEIGHBOURS = 8
"""Places that are permuted together and kept at hand together: a mailbox's messages come one after the other, and eight
cost little more than one."""
_PLACES = 16_384
"""Places kept at hand: a message's is asked for at each step of its life."""
_LANES = struct.Struct(">" + "q8x" * _NEIGHBOURS)
"""A place in each of so many blocks."""


def _in_each(words: Iterable[int]) -> int:
    """A number as wide as these many blocks, with one word at the head of each."""
    return int.from_bytes(b"".join(word.to_bytes(4) + bytes(12) for word in words))


_EACH = _in_each([1] * _NEIGHBOURS)
_COUNT = _in_each(range(_NEIGHBOURS))
_HEADS = _in_each([_WORD] * _NEIGHBOURS)
_LANE_ROUNDS = tuple(int.from_bytes((bytes(4) + number) * _NEIGHBOURS) for number in _ROUNDS)


class Permutation:
    """One permutation, and its inverse."""

    def __init__(self, key: bytes) -> None:
        """`key` is 32 bytes, used for nothing else."""
        self._rounds = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - a function of one block
        self._neighbours = lru_cache(_PLACES // _NEIGHBOURS)(self._crossed_neighbours)
        self._turn = threading.Lock()

    def scatter(self, places: Sequence[int]) -> list[int]:
        """Numbers below 2**64 as signed numbers of 64 bits."""
        if len(places) == 1:
            return [self._neighbours(places[0] // _NEIGHBOURS)[places[0] % _NEIGHBOURS]]
        if len(places) <= _FEW:
            find = self._neighbours
            return [find(place // _NEIGHBOURS)[place % _NEIGHBOURS] for place in places]
        return list(struct.unpack(f">{len(places)}q", self._crossed(struct.pack(f">{len(places)}Q", *places), 1)))

    def gather(self, scattered: Sequence[int]) -> list[int]:
        """Undo `scatter`."""
        count = len(scattered)
        return list(struct.unpack(f">{count}Q", self._crossed(struct.pack(f">{count}q", *scattered), -1)))

    def _crossed(self, places: bytes, step: int) -> bytes:
        """The Feistel network, over many places at once; backwards (`step` -1) it undoes itself."""
        count = len(places) // 8
        words = memoryview(places).cast("I")
        left, right = words[0::2].tobytes(), words[1::2].tobytes()
        for number in _ROUNDS[::step]:
            blocks = bytearray((bytes(4) + number) * count)
            memoryview(blocks).cast("I")[0::4] = memoryview(right).cast("I")
            with self._turn:
                mixed = memoryview(self._rounds.update(blocks)).cast("I")[0::4].tobytes()
            left, right = right, (int.from_bytes(left) ^ int.from_bytes(mixed)).to_bytes(4 * count)
        crossed = bytearray(8 * count)
        words = memoryview(crossed).cast("I")
        words[0::2], words[1::2] = memoryview(right).cast("I"), memoryview(left).cast("I")
        return bytes(crossed)

    def _crossed_neighbours(self, which: int) -> tuple[int, ...]:
        """The same for a place that is a multiple of `_NEIGHBOURS` and those behind it, with their signs."""
        first = which * _NEIGHBOURS
        left, right = (first >> 32) * _EACH, (first & _WORD) * _EACH + _COUNT
        mix, number_of = self._rounds.update, int.from_bytes
        with self._turn:
            for number in _LANE_ROUNDS:
                left, right = right, left ^ number_of(mix((right | number).to_bytes(_LANES.size))) & _HEADS
        return _LANES.unpack((right | left >> 32).to_bytes(_LANES.size))
