"""The form of root.key on disk: whatever is changed in it, or in the passphrase, opens nothing."""

import hashlib
import secrets

import pytest

from angarium.apps.rootkey import Damaged, Locked, WrongPassphrase, is_locked, lock, unlock
from angarium.apps.stretch import SALT, stretch

KEY = bytes(range(32))


def quick(passphrase: str, salt: bytes) -> bytes:
    """Instead of argon2, where a test opens a file a hundred times."""
    return hashlib.sha256(salt + passphrase.encode()).digest()


def test_under_a_passphrase_and_back() -> None:
    content = lock(KEY, "five random words")
    assert is_locked(content)
    assert KEY not in content
    assert unlock(content, "five random words") == KEY
    with pytest.raises(WrongPassphrase):
        unlock(content, "five random word")
    with pytest.raises(Locked):
        unlock(content, None)
    assert content != lock(KEY, "five random words"), "every time another salt"


def test_without_a_passphrase() -> None:
    assert not is_locked(KEY)
    assert unlock(KEY, None) == KEY


def test_a_change_anywhere_is_noticed() -> None:
    content = lock(KEY, "five random words", stretch=quick)
    assert unlock(content, "five random words", stretch=quick) == KEY
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << secrets.randbelow(8)
        with pytest.raises((WrongPassphrase, Damaged)):
            unlock(bytes(changed), "five random words", stretch=quick)
    for length in (0, 1, 31, 33, len(content) - 1):
        with pytest.raises(Damaged):
            unlock((content + content)[:length], None)


def test_one_passphrase_typed_in_two_ways_is_one() -> None:
    salt = bytes(SALT)
    assert stretch("caf\u00e9 au lait", salt) == stretch("cafe\u0301 au lait", salt)
