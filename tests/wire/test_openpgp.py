"""The framing of OpenPGP messages: what Sequoia writes passes, and what passes is what Sequoia reads."""

import base64
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysequoia import ArmorKind, Profile, Tsk, armor, encrypt
from pysequoia.packet import PacketPile, Tag

from angarium.wire.openpgp import (
    SESSION_KEY_BYTES,
    SESSION_KEYS,
    NotEncrypted,
    Packet,
    dearmour,
    packets,
    require_encrypted,
)

MAILS = Path(__file__).parents[1] / "mails"
DATA_1 = b"\x01" + bytes(40)
DATA_2 = b"\x02\x09\x02\x06" + bytes(60)
PKESK = (1, b"\x03" + bytes(80))
SKESK = (3, b"\x04" + bytes(20))


def new(tag: int, body: bytes, width: int = 0) -> bytes:
    """A packet of the new format, its length in 1, 2 or 5 octets, or the shortest."""
    size = len(body)
    if width == 5 or size >= 8384:
        length = b"\xff" + size.to_bytes(4, "big")
    elif size >= 192:
        length = bytes([192 + (size - 192 >> 8), size - 192 & 0xFF])
    else:
        length = bytes([size])
    return bytes([0xC0 | tag]) + length + body


def old(tag: int, body: bytes, kind: int = 2) -> bytes:
    """A packet of the old format with a length of 1, 2 or 4 octets."""
    return bytes([0x80 | tag << 2 | kind]) + len(body).to_bytes(1 << kind, "big") + body


def in_parts(tag: int, body: bytes, powers: Sequence[int]) -> bytes:
    out = bytes([0xC0 | tag])
    for power in powers:
        out += bytes([0xE0 | power]) + body[: 1 << power]
        body = body[1 << power :]
    return out + new(tag, body)[1:]


def accepted(data: bytes) -> bool:
    try:
        require_encrypted(data)
    except NotEncrypted:
        return False
    return True


@pytest.mark.parametrize(
    "data",
    [
        new(18, DATA_1),
        new(18, DATA_2),
        new(*PKESK) + new(18, DATA_1),
        old(*PKESK, 0) + old(*SKESK, 1) + old(*PKESK, 2) + new(18, DATA_2),
        new(*PKESK) * SESSION_KEYS + new(18, DATA_1),
        new(1, bytes(SESSION_KEY_BYTES)) + new(18, DATA_1),
        new(*PKESK, 5) + new(18, DATA_1 * 200),
        new(18, DATA_1 * 8),
        in_parts(18, DATA_1 * 100, [9]),
        in_parts(18, DATA_1 * 200, [12, 0, 1, 11, 0]),
        in_parts(18, DATA_1 + bytes(512 - len(DATA_1)), [9]),
    ],
)
def test_encrypted_messages(data: bytes) -> None:
    require_encrypted(data)
    assert [packet.end for packet in packets(data)][-1] == len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x7f",
        b"\xd2",
        new(18, b""),
        new(18, DATA_1[:32]),
        new(18, DATA_2[:51]),
        new(18, b"\x00" + DATA_1),
        new(18, b"\x03" + DATA_1),
        new(18, DATA_1)[:-1],
        new(18, DATA_1) + b"\x00",
        new(18, DATA_1) * 2,
        new(18, DATA_1) + new(*PKESK),
        new(*PKESK),
        new(1, b"") + new(18, DATA_1),
        new(*PKESK) + new(11, DATA_1),
        new(8, DATA_1),
        new(9, DATA_1),
        new(20, DATA_1),
        new(10, b"PGP") + new(18, DATA_1),
        new(18, DATA_1) + new(21, bytes(8)),
        new(6, DATA_1),
        old(2, DATA_1),
        new(*PKESK) * (SESSION_KEYS + 1) + new(18, DATA_1),
        new(1, bytes(SESSION_KEY_BYTES + 1)) + new(18, DATA_1),
        in_parts(1, bytes(600), [9]) + new(18, DATA_1),
        in_parts(18, DATA_1 * 20, [8]),
        in_parts(18, DATA_1 * 20, [9])[:515],
        in_parts(18, DATA_1 * 20, [9])[:514],
        bytes([0xD2, 0xE9]) + DATA_1 * 13 + b"\xe0",
        bytes([0xD2, 0xFE]) + DATA_1,
        bytes([0x80 | 1 << 2 | 3]) + PKESK[1],
        bytes([0x80 | 1 << 2 | 1, 0]),
        bytes([0xD2, 0xFF, 0, 0]),
        bytes([0xD2, 0xC0]),
        b"\xd2\xe9" + bytes([1]) + bytes(511) + b"\xe0\x00" * 70_000 + b"\x00",
    ],
    ids=range(36),
)
def test_everything_else(data: bytes) -> None:
    assert not accepted(data)


def test_a_packet_says_where_it_is() -> None:
    data = old(*PKESK, 1) + in_parts(18, DATA_1 * 100, [10, 2])
    assert list(packets(data)) == [Packet(1, 3, 81, 84), Packet(18, 86, 4100, len(data))]


PROFILES = {"v1": Profile.RFC4880, "v2": Profile.RFC9580}
KEYS = {name: Tsk.generate("alice", profile=profile).extract_certificate() for name, profile in PROFILES.items()}


@pytest.mark.parametrize("size", [0, 1, 191, 192, 8383, 8384, 300_000, 3_000_000])
@pytest.mark.parametrize("key", KEYS)
def test_what_sequoia_encrypts_to_keys_passes(key: str, size: int) -> None:
    require_encrypted(dearmour(encrypt(bytes(size), recipients=[KEYS[key]])))


def test_what_sequoia_encrypts_to_several_and_to_passwords_passes() -> None:
    require_encrypted(dearmour(encrypt(b"text", recipients=[KEYS["v1"], KEYS["v2"]], passwords=["one", "two"])))
    require_encrypted(dearmour(encrypt(b"text", recipients=[], passwords=["one"])))


SEQUOIA = {1: Tag.PKESK, 3: Tag.SKESK, 18: Tag.SEIP}
bodies = st.sampled_from([DATA_1, DATA_2, PKESK[1], SKESK[1], b"", b"\x01" + bytes(700), bytes(300)])
framed = st.one_of(
    st.builds(new, st.sampled_from([1, 3, 18, 18, 11, 21]), bodies, st.sampled_from([0, 5])),
    st.builds(old, st.sampled_from([1, 3, 8]), bodies, st.sampled_from([1, 2])),
    st.builds(in_parts, st.sampled_from([1, 18]), st.just(b"\x01" + bytes(1500)), st.sampled_from([[9], [10, 0], [3]])),
)


@settings(max_examples=400)
@given(st.lists(framed, max_size=4).map(b"".join), st.sampled_from([b"", b"", b"\x00", b"\xc1", b"\xd2\x05"]))
def test_what_passes_is_what_sequoia_reads(data: bytes, tail: bytes) -> None:
    if not accepted(data + tail):
        return
    read = [packet.tag for packet in PacketPile.from_bytes(data + tail)]
    assert read == [SEQUOIA[packet.tag] for packet in packets(data + tail)]
    assert read.count(Tag.SEIP) == 1
    assert read[-1] == Tag.SEIP


@given(st.binary(max_size=80), st.integers(0, 200), st.binary(max_size=3))
def test_only_the_documented_error_escapes_packets(noise: bytes, at: int, patch: bytes) -> None:
    data = bytearray(new(*PKESK) + new(18, DATA_2))
    data[at : at + len(patch)] = patch
    for bad in (bytes(data), noise, bytes(data) + noise):
        accepted(bad)


ARMOUR = (
    "-----BEGIN PGP MESSAGE-----\r\n\r\n"
    + base64.b64encode(new(18, DATA_1)).decode()
    + "\r\n=abcd\r\n-----END PGP MESSAGE-----\r\n"
)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("", ""),
        ("\r\n", "\n"),
        ("=abcd\r\n", ""),
        ("-----\r\n\r\n", "----- \t\r\nVersion: 1\r\nComment: a: b\r\n\r\n"),
        ("-----\r\n\r\n", "-----\r\n \t\r\n"),
        ("-----BEGIN", " \r\n\t-----BEGIN"),
        ("MESSAGE-----\r\n=", "MESSAGE-----\r\n="),
        ("END PGP MESSAGE-----\r\n", "END PGP MESSAGE-----"),
        ("END PGP MESSAGE-----\r\n", "END PGP MESSAGE----- \r\n\r\n \t"),
        ("=abcd", "=abcd \t"),
    ],
)
def test_armours(was: str, becomes: str) -> None:
    assert dearmour(ARMOUR.replace(was, becomes).encode()) == new(18, DATA_1)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("-----BEGIN", "----BEGIN"),
        ("-----BEGIN", "x-----BEGIN"),
        ("BEGIN PGP MESSAGE", "BEGIN PGP SIGNATURE"),
        ("END PGP MESSAGE", "END PGP SIGNATURE"),
        ("MESSAGE", "MESSAGE, PART 01"),
        ("-----\r\n\r\n", "-----\r\n"),
        ("-----\r\n\r\n", "-----\r\nHello: there\r\n\r\n"),
        ("-----\r\n\r\n", "-----\r\nversion: 1\r\n\r\n"),
        ("-----\r\n\r\n", "-----\r\nComment: " + "x" * 201 + "\r\n\r\n"),
        ("-----\r\n\r\n", "-----\r\n" + "Comment: x\r\n" * 9 + "\r\n"),
        ("-----\r\n\r\n", "----- x\r\n\r\n"),
        ("=abcd", "=abc"),
        ("=abcd", "=abcde"),
        ("=abcd", "=abc!"),
        ("=abcd", "=abcd\r\n=abcd"),
        ("=abcd", "=abcd\r\n"),
        ("=abcd\r\n-", "=abcd-"),
        ("-----END PGP MESSAGE-----", ""),
        ("-----END PGP MESSAGE-----", "-----END PGP MESSAGE-----x"),
        ("-----END PGP MESSAGE-----", "-----END PGP MESSAGE-----\r\nx"),
        ("-----END PGP MESSAGE-----", "-----END PGP MESSAGE-----\r\n-----END PGP MESSAGE-----"),
        ("-----END", "- -----END"),
        ("AA==\r\n", "AA=\r\n"),
        ("AAAA", "AA A"),
        ("AAAA", "AA-A"),
    ],
)
def test_malformed_armours(was: str, becomes: str) -> None:
    assert was in ARMOUR
    with pytest.raises(NotEncrypted):
        dearmour(ARMOUR.replace(was, becomes, 1).encode())
    with pytest.raises(NotEncrypted):
        dearmour((ARMOUR + ARMOUR).encode())


def test_an_empty_armour_is_no_message() -> None:
    data = dearmour(b"-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----")
    assert data == b""
    assert not accepted(bytes(data))


@given(st.binary(max_size=300))
def test_what_sequoia_armours_is_read(data: bytes) -> None:
    text = armor(new(18, DATA_1 + data), ArmorKind.Message)
    assert dearmour(text if isinstance(text, bytes) else text.encode()) == new(18, DATA_1 + data)


LINES = ["-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----", "", "Version: 1", "AAAA", "=AAAA", "=", "words"]


@given(st.lists(st.sampled_from(LINES), max_size=9), st.sampled_from(["\n", "\r\n", " \n"]))
def test_only_the_documented_error_escapes_armour(lines: list[str], newline: str) -> None:
    text = newline.join(lines)
    try:
        dearmour(text.encode())
    except NotEncrypted:
        return
    assert text.strip().startswith("-----BEGIN PGP MESSAGE-----")
    assert text.strip().endswith("-----END PGP MESSAGE-----")
    assert "words" not in text


@pytest.mark.parametrize("piece", ["\r\n", " ", "-", "-----BEGIN PGP MESSAGE-----\n", "Version: 1\n", "=AAAA\n", "A"])
def test_hostile_repetitions_take_linear_time(piece: str) -> None:
    for text in (
        piece * 100_000,
        "-----BEGIN PGP MESSAGE-----\n" + piece * 100_000 + "x",
        ARMOUR + piece * 100_000 + "x",
    ):
        with pytest.raises(NotEncrypted):
            dearmour(text.encode())
