"""A stream of bytes under a passphrase, as a backup is kept: written once, read in order, in bounded memory.

    magic | salt (16) | chunk | chunk | …

The key comes from the passphrase and the salt (`stretch`), so no two files share one. Each chunk is AES-256-GCM of up
to 64 KiB, with its number and whether it is the last in the nonce, and the magic as associated data: no chunk can be
changed, left out, exchanged, repeated, or come from another file, and none can be missing at the end. Chunks are full
but for the last. Nothing is handed out before its chunk has been found whole; that the *end* is whole is known only
once `read` has given b"" (the construction is STREAM, by Hoang, Reyhanitabar, Rogaway and Vizár, 2015).
"""

import secrets
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from angarium.apps.stretch import SALT, Stretch, stretch

__all__ = ["CHUNK", "Foreign", "Shut", "Spoilt", "StrongReader", "StrongWriter"]

MAGIC = b"angarium backup 1\n"
CHUNK = 1 << 16
TAG = 16


class Foreign(Exception):
    """This is no such file."""


class Shut(Exception):
    """The passphrase does not open it, or its beginning is damaged."""


class Spoilt(Exception):
    """The passphrase is right, and a byte has changed or is missing. The text says about where."""


class StrongWriter:
    """Writes one."""

    def __init__(self, file: BinaryIO, passphrase: str, *, stretch: Stretch = stretch) -> None:
        salt = secrets.token_bytes(SALT)
        self._file = file
        self._cipher = AESGCM(stretch(passphrase, salt))
        self._held = bytearray()
        self._number = 0
        file.write(MAGIC + salt)

    def write(self, data: bytes) -> int:
        """Add bytes. Raises OSError."""
        self._held += data
        while len(self._held) > CHUNK:  # a full chunk is held back: it may be the last
            self._chunk(bytes(self._held[:CHUNK]), last=False)
            del self._held[:CHUNK]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk; without it the file is refused. Raises OSError."""
        self._chunk(bytes(self._held), last=True)
        self._held.clear()

    def _chunk(self, data: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last=last), data, MAGIC))
        self._number += 1


class StrongReader:
    """Reads one.

    Raises:
        Foreign, Shut: see there; at once.
        OSError: the file cannot be read.
    """

    def __init__(self, file: BinaryIO, passphrase: str, *, stretch: Stretch = stretch) -> None:
        head = file.read(len(MAGIC) + SALT)
        if len(head) < len(MAGIC) + SALT or not head.startswith(MAGIC):
            raise Foreign
        self._file = file
        self._cipher = AESGCM(stretch(passphrase, head[len(MAGIC) :]))
        self._ahead = file.read(CHUNK + TAG)
        self._number = 0
        self._ended = False
        try:
            self._held = self._next()
        except Spoilt:
            raise Shut from None

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; b"" when all were read and the file is whole. Raises Spoilt."""
        while not self._held and not self._ended:
            self._held = self._next()
        data, self._held = self._held[:size], self._held[size:]
        return data

    def _next(self) -> bytes:
        sealed, self._ahead = self._ahead, self._file.read(CHUNK + TAG)
        self._ended = not self._ahead
        try:
            data = self._cipher.decrypt(_nonce(self._number, last=self._ended), sealed, MAGIC)
        except (InvalidTag, ValueError):
            where = len(MAGIC) + SALT + self._number * (CHUNK + TAG)
            raise Spoilt(f"damaged or cut off after byte {where}") from None
        self._number += 1
        return data


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
