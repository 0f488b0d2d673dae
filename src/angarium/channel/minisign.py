"""Keys and signatures as minisign writes them, so that nobody needs this program to check them.

Pure: text in, values out, and the reverse. Signatures are made over the BLAKE2b-512 hash of a file and cover a line of
text of their own besides, the trusted comment. Those over the file itself, as minisign made them long ago, are
refused. The same key over the same file makes the same signature, so that a file that did not change has one that did
not. A secret key may lie behind a passphrase (`locked`).

minisign's own description of its formats, "Minisign: signature format" and the two after it; RFC 8032 (Ed25519);
RFC 7693 (BLAKE2).
"""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from angarium.channel.locked import FUNCTION, HEAD, TooMuch, lay, opened

__all__ = ["BadKey", "BadSignature", "Locked", "PublicKey", "SecretKey", "WrongPassphrase"]

KEY, PREHASHED, CHECKSUM = b"Ed", b"ED", b"B2"
NO_PASSPHRASE = b"\0\0"
NO_CHECKSUM = bytes(32)
"""What minisign writes where there is no passphrase to be told wrong by it."""
UNTRUSTED, TRUSTED = "untrusted comment: ", "trusted comment: "
LONGEST = 8192
"""Octets of a signature's text that are looked at, and of a key's."""


class BadKey(Exception):
    """This is no key of minisign's, or none that can be used here; the text says why."""


class Locked(BadKey):
    """The key is behind a passphrase, and none was given."""


class WrongPassphrase(BadKey):
    """The passphrase does not open it, or an octet of it has changed."""


class BadSignature(Exception):
    """The signature is missing, malformed, by another key, or not of this file; the text says which."""


@dataclass(frozen=True)
class PublicKey:
    """What checks signatures."""

    name: bytes
    """Eight octets, drawn with the key, by which signatures say whose they are."""
    raw: bytes

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """The key of a line such as `RWQf6LRC…`, or of a file that ends in one.

        Raises:
            BadKey: it holds none.
        """
        lines = text[:LONGEST].strip().splitlines()
        octets = decoded(lines[-1]) if lines else b""
        if len(octets) != 42 or octets[:2] != KEY:
            raise BadKey("this is no public key of minisign's: it is one line that begins with RW")
        return cls(octets[2:10], octets[10:])

    def __str__(self) -> str:
        """The line, as `minisign -P` takes it."""
        return base64.b64encode(KEY + self.name + self.raw).decode()

    def file(self) -> str:
        """The key as a file, as `minisign -p` takes it."""
        return f"{UNTRUSTED}minisign public key {shown(self.name)}\n{self}\n"

    @cached_property
    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)

    def verify(self, content: bytes, signature: str) -> str:
        """Check that `signature` is this key's, of `content`.

        Returns:
            The trusted comment, which the signature covers.

        Raises:
            BadSignature: it is not.
        """
        signed, comment, whole = parsed(signature)
        if signed[2:10] != self.name:
            raise BadSignature(f"it is by the key {shown(signed[2:10])}, and not by {shown(self.name)}")
        try:
            self._key.verify(signed[10:], hashlib.blake2b(content).digest())
            self._key.verify(whole, signed[10:] + comment.encode())
        except (InvalidSignature, ValueError):
            raise BadSignature("it is not of this file") from None
        return comment


@dataclass(frozen=True)
class SecretKey:
    """What makes signatures."""

    name: bytes
    seed: bytes = field(repr=False)

    @classmethod
    def draw(cls) -> "SecretKey":
        """A new one."""
        return cls(secrets.token_bytes(8), secrets.token_bytes(32))

    @classmethod
    def parse(cls, text: str, passphrase: str | None = None) -> "SecretKey":
        """The key of a file that minisign made, or `file` did. A passphrase for a key that has none is not looked at.

        Raises:
            Locked, WrongPassphrase: see there.
            BadKey: it holds none, or one that this machine cannot open.
        """
        lines = text[:LONGEST].strip().splitlines()
        octets = decoded(lines[-1]) if lines else b""
        if len(octets) != 158 or octets[:2] != KEY or octets[4:6] != CHECKSUM:
            raise BadKey("this is no secret key of minisign's")
        head, inner, locked = octets[6 : 6 + HEAD], octets[6 + HEAD :], octets[2:4] == FUNCTION
        if not locked and octets[2:4] != NO_PASSPHRASE:
            raise BadKey("this key is put under a passphrase in a way that is not known here")
        if locked and passphrase is None:
            raise Locked("this key is behind a passphrase")
        if locked and passphrase is not None:
            try:
                inner = opened(head, inner, passphrase)
            except TooMuch as error:
                raise BadKey(str(error)) from None
        key, raw, check = cls(inner[:8], inner[8:40]), inner[40:72], inner[72:]
        if raw != key.public.raw or (check != key._checksum() and (locked or check != NO_CHECKSUM)):
            if locked:
                raise WrongPassphrase("this is not its passphrase, or the key is damaged")
            raise BadKey("this secret key is damaged")
        return key

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @cached_property
    def public(self) -> PublicKey:
        """Its public half."""
        return PublicKey(self.name, self._key.public_key().public_bytes_raw())

    def _checksum(self) -> bytes:
        return hashlib.blake2b(KEY + self.name + self.seed + self.public.raw, digest_size=32).digest()

    def file(self, passphrase: str | None = None) -> str:
        """The key as a file, as `minisign -s` takes it. Whoever has it signs, if there is no passphrase.

        Raises:
            BadKey: this machine has not the memory that a passphrase takes.
        """
        inner = self.name + self.seed + self.public.raw + self._checksum()
        if passphrase is None:
            octets = KEY + NO_PASSPHRASE + CHECKSUM + bytes(HEAD) + inner
        else:
            try:
                octets = KEY + FUNCTION + CHECKSUM + lay(inner, passphrase)
            except TooMuch as error:
                raise BadKey(str(error)) from None
        kind = "secret key" if passphrase is None else "encrypted secret key"
        return f"{UNTRUSTED}minisign {kind}\n{base64.b64encode(octets).decode()}\n"

    def sign(self, content: bytes, comment: str) -> str:
        """The signature of `content` as a file, as `minisign -x` takes it, with a trusted comment of one line.

        Raises:
            ValueError: the comment is longer than a line.
        """
        if not comment.isprintable() or len(comment.encode()) > LONGEST // 4:
            raise ValueError("a trusted comment is one short line")
        signed = self._key.sign(hashlib.blake2b(content).digest())
        whole = self._key.sign(signed + comment.encode())
        return (
            f"{UNTRUSTED}signature from minisign secret key {shown(self.name)}\n"
            f"{base64.b64encode(PREHASHED + self.name + signed).decode()}\n"
            f"{TRUSTED}{comment}\n{base64.b64encode(whole).decode()}\n"
        )


def shown(name: bytes) -> str:
    """A key's name as minisign shows it."""
    return f"{int.from_bytes(name, 'little'):X}"


def parsed(text: str) -> tuple[bytes, str, bytes]:
    """The parts of a signature that matter: what names the key and signs the file, the comment, what signs both."""
    lines = text[:LONGEST].splitlines()
    if len(lines) < 4 or not lines[0].startswith(UNTRUSTED) or not lines[2].startswith(TRUSTED):
        raise BadSignature("it is none of minisign's")
    signed, whole = decoded(lines[1]), decoded(lines[3])
    if len(signed) != 74 or len(whole) != 64:
        raise BadSignature("it is none of minisign's")
    if signed[:2] != PREHASHED:
        raise BadSignature("it is of an old kind, which is not made any more")
    return signed, lines[2].removeprefix(TRUSTED), whole


def decoded(line: str) -> bytes:
    """The octets of a line of base64; none if it is not one."""
    try:
        return base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        return b""
