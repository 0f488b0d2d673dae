"""Shadowsocks: another implementation's vectors, whole and byte by byte, and what was changed on the way."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.shadowsocks import MOST, Damaged, Opener, Sealer, cipher, link, master

NAMES = ["chacha20-ietf-poly1305", "aes-256-gcm", "aes-128-gcm"]


def sealed_by_the_book(name: str, key: bytes, salt: bytes, pieces: list[bytes]) -> bytes:
    """What another implementation sends: SIP004 word for word, with the library's HKDF."""
    subkey = HKDF(SHA1(), len(salt), salt, b"ss-subkey").derive(key)
    aead = ChaCha20Poly1305(subkey) if name.startswith("chacha") else AESGCM(subkey)
    sent, nonce = salt, 0
    for piece in pieces:
        for part in (len(piece).to_bytes(2, "big"), piece):
            sent += aead.encrypt(nonce.to_bytes(12, "little"), part, b"")
            nonce += 1
    return sent


def opened(name: str, key: bytes, said: bytes, size: int) -> bytes:
    """All content, up to where it is damaged."""
    known = cipher(name)
    if len(said) < known.begins or (opener := Opener.begin(known, key, said)) is None:
        return b""
    found, said = b"", said[known.begins :]
    try:
        for at in range(0, len(said), size):
            found += opener.receive(said[at : at + size])
    except Damaged:
        pass
    return found


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("aes-256-gcm", "b3adc47839e047eb228870526dc8fc30b347287ffca3045dcea06b3fdf090acb"),
        ("aes-128-gcm", "b3adc47839e047eb228870526dc8fc30"),
    ],
)
def test_a_password_gives_the_key_that_openssl_makes_of_it(name: str, key: str) -> None:
    """openssl enc -aes-256-cbc -md md5 -nosalt -k 'barfoo!' -P"""
    assert master(cipher(name), "barfoo!").hex() == key


@pytest.mark.parametrize("name", NAMES)
def test_both_ways_as_the_book_has_it(name: str) -> None:
    known = cipher(name)
    key, salt = master(known, "a password"), bytes(range(known.octets))
    pieces = [b"\3\x0drelay.example\3\xe1", b"x" * MOST, b"y"]
    said = sealed_by_the_book(name, key, salt, pieces)
    for size in (1, 7, len(said)):
        assert opened(name, key, said, size) == b"".join(pieces)
    sealer = Sealer(known, key, salt)
    assert sealer.seal(pieces[0]) + sealer.seal(pieces[1] + pieces[2]) == said
    assert Sealer(known, key, salt).seal(b"") == salt


@pytest.mark.parametrize("name", NAMES)
def test_another_password_opens_nothing(name: str) -> None:
    known = cipher(name)
    said = sealed_by_the_book(name, master(known, "one"), bytes(known.octets), [b"x"])
    assert Opener.begin(known, master(known, "two"), said) is None


@pytest.mark.parametrize("length", [0, MOST + 1, 0xFFFF])
def test_a_length_that_no_chunk_has_is_damage(length: int) -> None:
    known = cipher("aes-128-gcm")
    key, salt = bytes(16), bytes(16)
    aead = AESGCM(HKDF(SHA1(), 16, salt, b"ss-subkey").derive(key))
    bad = aead.encrypt(bytes(12), length.to_bytes(2, "big"), b"")
    assert Opener.begin(known, key, salt + bad) is None
    good = sealed_by_the_book("aes-128-gcm", key, salt, [b"x"])
    opener = Opener.begin(known, key, good)
    assert opener is not None
    assert opener.receive(good[known.begins :]) == b"x"
    with pytest.raises(Damaged):
        opener.receive(aead.encrypt((2).to_bytes(12, "little"), length.to_bytes(2, "big"), b""))


def test_nothing_is_opened_behind_what_is_damaged() -> None:
    known = cipher("aes-256-gcm")
    key, salt = bytes(32), bytes(32)
    said = bytearray(sealed_by_the_book("aes-256-gcm", key, salt, [b"one", b"two", b"three"]))
    said[known.begins + 3 + 16] ^= 1  # the length of "two"
    opener = Opener.begin(known, key, bytes(said))
    assert opener is not None
    assert opener.receive(bytes(said[known.begins :])) == b"one"
    for _ in range(2):
        with pytest.raises(Damaged):
            opener.receive(b"")


@given(
    st.sampled_from(NAMES),
    st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4),
    st.integers(0, 10_000),
    st.integers(0, 255),
    st.integers(1, 50),
)
def test_a_changed_octet_is_found_however_it_is_cut(
    name: str, pieces: list[bytes], at: int, mask: int, size: int
) -> None:
    known = cipher(name)
    key, salt = bytes(known.octets), bytes(known.octets)
    said = bytearray(sealed_by_the_book(name, key, salt, pieces))
    said[at % len(said)] ^= mask
    found = opened(name, key, bytes(said), len(said))
    assert found == opened(name, key, bytes(said), size)
    assert b"".join(pieces).startswith(found)
    assert (found == b"".join(pieces)) == (mask == 0)


@given(st.binary(max_size=200), st.sampled_from(NAMES))
def test_any_octets_are_opened_or_damaged(said: bytes, name: str) -> None:
    known = cipher(name)
    assert opened(name, bytes(known.octets), said, 1) == b""


def test_a_link_is_read_as_others_read_it() -> None:
    made = link(cipher("aes-256-gcm"), "a/b+c", "relay.example", 8388)
    user, _, where = made.removeprefix("ss://").partition("@")
    assert base64.urlsafe_b64decode(user + "=" * (-len(user) % 4)) == b"aes-256-gcm:a/b+c"
    assert where == "relay.example:8388"
