"""How `root.key` looks on disk: 32 bytes as they are, or the same under a passphrase.

    magic | salt (16) | nonce (12) | AES-256-GCM of the key (32 + 16), with the magic as associated data

The key that seals it comes from the passphrase (`stretch`). Whoever takes the disk without the passphrase has nothing.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from angarium.apps.stretch import SALT, Stretch, stretch

__all__ = ["KEY", "Damaged", "Locked", "WrongPassphrase", "is_locked", "lock", "unlock"]

KEY = 32
"""Bytes of a root key."""
MAGIC = b"angarium root key 1\n"
NONCE = 12
LENGTH = len(MAGIC) + SALT + NONCE + KEY + 16


class Damaged(Exception):
    """This is no root key."""


class Locked(Exception):
    """The root key is under a passphrase, and none was given."""


class WrongPassphrase(Exception):
    """The passphrase does not open it, or a byte of it has changed."""


def is_locked(content: bytes) -> bool:
    """Whether a passphrase is needed. Raises Damaged."""
    if content.startswith(MAGIC) and len(content) == LENGTH:
        return True
    if len(content) == KEY:
        return False
    raise Damaged


def lock(key: bytes, passphrase: str, *, stretch: Stretch = stretch) -> bytes:
    """The file's content for a key under a passphrase."""
    salt, nonce = secrets.token_bytes(SALT), secrets.token_bytes(NONCE)
    return MAGIC + salt + nonce + AESGCM(stretch(passphrase, salt)).encrypt(nonce, key, MAGIC)


def unlock(content: bytes, passphrase: str | None, *, stretch: Stretch = stretch) -> bytes:
    """The key. A passphrase for a key that has none is not looked at.

    Raises:
        Damaged, Locked, WrongPassphrase: see there.
    """
    if not is_locked(content):
        return content
    if passphrase is None:
        raise Locked
    salt, rest = content[len(MAGIC) :][:SALT], content[len(MAGIC) + SALT :]
    try:
        return AESGCM(stretch(passphrase, salt)).decrypt(rest[:NONCE], rest[NONCE:], MAGIC)
    except InvalidTag:
        raise WrongPassphrase from None
