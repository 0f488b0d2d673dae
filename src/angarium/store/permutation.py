"""A keyed permutation of 64-bit numbers: where a row lies on the disk, so that the rows of one mailbox lie anywhere.

Eight rounds of Feistel over AES-256, which is more than Luby and Rackoff ask for (1988). It hides which numbers belong
together, not that there is one. Any thread may call any method.
"""

import struct
import threading
from collections.abc import Sequence
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

__all__ = ["Permutation"]

_WORD = 0xFFFF_FFFF
_ROUNDS = tuple(number.to_bytes(12) for number in range(8))
"""What makes each round's function another: the rest of the block in which it is computed."""
_FEW = 16
"""Places that are permuted faster one by one than together."""
_PLACES = 16_384
"""Places kept at hand: a message's is asked for at each step of its life."""


class Permutation:
    """One permutation, and its inverse."""

    def __init__(self, key: bytes) -> None:
        """`key` is 32 bytes, used for nothing else."""
        self._rounds = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - a function of one block
        self._scattered = lru_cache(_PLACES)(self._crossed_alone)
        self._turn = threading.Lock()

    def scatter(self, places: Sequence[int]) -> list[int]:
        """Numbers below 2**64 as signed numbers of 64 bits."""
        if len(places) == 1:
            return [self._scattered(places[0])]
        if len(places) <= _FEW:
            return [self._scattered(place) for place in places]
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

    def _crossed_alone(self, place: int) -> int:
        """The same for one place, with its sign."""
        left, right = place >> 32, place & _WORD
        mix, number_of = self._rounds.update, int.from_bytes
        with self._turn:
            for number in _ROUNDS:
                left, right = right, left ^ number_of(mix(right.to_bytes(4) + number)[:4])
        return (right << 32 | left) - ((right & 1 << 31) << 33)
