"""Shadowsocks over TCP with AEAD ciphers: what is sent through it, and which of several passwords it was sent with.

Each direction is a random salt and chunks behind it: a length of two octets, sealed, and so many octets of content,
sealed. The key of a direction is made of the password and the salt. The first content from the client begins with the
address it wants (`wire.socks.read_goal`). There is no handshake, and a recording that is sent again opens like the
first time: who serves this has to remember salts.

Refuses to know sockets and clocks, where salts come from, and who is let through.

https://shadowsocks.org/doc/aead.html (SIP004), https://shadowsocks.org/doc/sip002.html (links); RFC 5869 (HKDF).
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

__all__ = ["MOST", "Cipher", "Damaged", "Opener", "Sealer", "cipher", "link", "master"]

MOST = 0x3FFF
"""Octets of content in one chunk at most."""
LENGTH, TAG, NONCE = 2, 16, 12
INFO = b"ss-subkey"


class Damaged(ValueError):
    """What came was not sealed with this key, or was changed on the way. Nothing behind it can be read."""


@dataclass(frozen=True, slots=True)
class Cipher:
    """One of the ciphers that the apps speak."""

    name: str
    octets: int
    """Of a key, and of a salt."""
    aead: Callable[[bytes], AESGCM | ChaCha20Poly1305]

    @property
    def begins(self) -> int:
        """Octets from the client by which it is seen whose password it is: a salt, and the first length."""
        return self.octets + LENGTH + TAG


CIPHERS = (
    Cipher("chacha20-ietf-poly1305", 32, ChaCha20Poly1305),
    Cipher("aes-256-gcm", 32, AESGCM),
    Cipher("aes-128-gcm", 16, AESGCM),
)


def cipher(name: str) -> Cipher:
    """The cipher of that name. Raises KeyError: there is none."""
    return {each.name: each for each in CIPHERS}[name]


def master(cipher: Cipher, password: str) -> bytes:
    """The key of a password, as OpenSSL's EVP_BytesToKey makes one (MD5, no salt): for long random passwords only."""
    key = last = b""
    while len(key) < cipher.octets:
        last = hashlib.md5(last + password.encode(), usedforsecurity=False).digest()
        key += last
    return key[: cipher.octets]


def link(cipher: Cipher, password: str, host: str, port: int) -> str:
    """What an app scans to use a server."""
    user = base64.urlsafe_b64encode(f"{cipher.name}:{password}".encode()).decode().rstrip("=")
    return f"ss://{user}@{host}:{port}"


class _Direction:
    """One key, and the nonces it is used with: 0, 1, 2, …"""

    def __init__(self, cipher: Cipher, key: bytes, salt: bytes) -> None:
        self._aead = cipher.aead(_subkey(key, salt, cipher.octets))
        self._used = 0

    def _next(self) -> bytes:
        nonce = self._used.to_bytes(NONCE, "little")
        self._used += 1
        return nonce


class Sealer(_Direction):
    """Seals what goes one way."""

    def __init__(self, cipher: Cipher, key: bytes, salt: bytes) -> None:
        super().__init__(cipher, key, salt)
        self._first = salt

    def seal(self, data: bytes) -> bytes:
        """Chunks with this content, behind the salt where they are the first."""
        sealed, self._first = bytearray(self._first), b""
        for at in range(0, len(data), MOST):
            piece = data[at : at + MOST]
            sealed += self._aead.encrypt(self._next(), len(piece).to_bytes(LENGTH), None)
            sealed += self._aead.encrypt(self._next(), piece, None)
        return bytes(sealed)


class Opener(_Direction):
    """Opens what comes one way. Holds one chunk at most, and what was received with it."""

    def __init__(self, cipher: Cipher, key: bytes, salt: bytes) -> None:
        super().__init__(cipher, key, salt)
        self._received = bytearray()
        self._length: int | None = None
        self._damaged = False

    @classmethod
    def begin(cls, cipher: Cipher, key: bytes, said: bytes) -> "Opener | None":
        """An opener for what begins so (`Cipher.begins` octets or more), without the salt, which `receive` is not given
        again; None: it was not sealed with this key."""
        opener = cls(cipher, key, said[: cipher.octets])
        try:
            opener.receive(said[cipher.octets : cipher.begins])
        except Damaged:
            return None
        return opener

    def receive(self, data: bytes) -> bytes:
        """The content of all chunks that are whole now.

        Raises:
            Damaged: see there; also whenever it is called again.
        """
        received, content = self._received, bytearray()
        received += data
        while not self._damaged and (wanted := (LENGTH if self._length is None else self._length) + TAG) <= len(
            received
        ):
            opened = self._open(bytes(received[:wanted]))
            del received[:wanted]
            if self._length is None:
                self._length = int.from_bytes(opened)
                self._damaged |= not 0 < self._length <= MOST
            else:
                content += opened
                self._length = None
        if self._damaged:
            received.clear()
            if not content:  # else that was good, and the next call raises
                raise Damaged("not sealed with this key, or no length of a chunk")
        return bytes(content)

    def _open(self, sealed: bytes) -> bytes:
        """Nothing where it is damaged."""
        try:
            return self._aead.decrypt(self._next(), sealed, None)
        except InvalidTag:
            self._damaged = True
            return b""


def _subkey(key: bytes, salt: bytes, octets: int) -> bytes:
    """HKDF with SHA-1, in three calls of C rather than by the library: many passwords are tried at each beginning."""
    extracted = hmac.digest(salt, key, "sha1")
    made = block = b""
    for number in range(1, -(-octets // hashlib.sha1(usedforsecurity=False).digest_size) + 1):
        block = hmac.digest(extracted, block + INFO + bytes((number,)), "sha1")
        made += block
    return made[:octets]
