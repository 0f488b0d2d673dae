"""argon2id over memory that stays: what the library itself says, from several threads, and zeros left behind."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2.low_level import Type, ffi, hash_secret_raw
from hypothesis import given
from hypothesis import strategies as st

from angarium.store import argon
from angarium.store.argon import argon2id

SALT = bytes(range(16))


@given(secret=st.binary(max_size=80), salt=st.binary(min_size=8, max_size=40), memory=st.integers(8, 100))
def test_it_is_the_function_of_the_library(secret: bytes, salt: bytes, memory: int) -> None:
    assert argon2id(secret, salt, memory=memory) == hash_secret_raw(secret, salt, 1, memory, 1, 32, Type.ID)


def test_threads_do_not_share_a_block() -> None:
    secrets = [f"password {number}".encode() for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda secret: argon2id(secret, SALT, memory=1024), secrets))
    assert together == [argon2id(secret, SALT, memory=1024) for secret in secrets]


def test_a_block_is_used_again_and_holds_zeros_between() -> None:
    argon2id(b"secret", SALT, memory=512)
    size = 512 << 10
    (block,) = argon._free[size]
    assert not bytes(ffi.buffer(block, size)).strip(b"\0")
    argon2id(b"another", SALT, memory=512)
    assert argon._free[size] == [block]
    assert not argon._used


def test_what_the_library_refuses_is_refused() -> None:
    with pytest.raises(ValueError, match=r"(?i)salt"):
        argon2id(b"secret", b"short", memory=1024)
    assert not argon._used
