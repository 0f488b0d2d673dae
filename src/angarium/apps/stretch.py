"""From a passphrase that people remember to a key: argon2id (RFC 9106), slow and large on purpose.

The parameters are fixed: they belong to the version of whatever file names them, so that nobody who changes a file can
make us spend more, or less, than this.
"""

import unicodedata
from collections.abc import Callable
from typing import TypeAlias

from argon2.low_level import Type, hash_secret_raw

__all__ = ["SALT", "Stretch", "stretch"]

SALT = 16
"""Bytes of salt."""
PASSES = 8
MEMORY = 64 * 1024
"""In KiB: little enough for the smallest machine, taken once."""
LANES = 4

Stretch: TypeAlias = Callable[[str, bytes], bytes]
"""Passphrase and salt to 32 bytes."""


def stretch(passphrase: str, salt: bytes) -> bytes:
    """32 bytes; half a second on a slow server. However the passphrase was typed, equal text gives equal keys."""
    text = unicodedata.normalize("NFC", passphrase).encode()
    return hash_secret_raw(text, salt, PASSES, MEMORY, LANES, 32, Type.ID)
