"""Videos and sound stripped: what is seen and heard stays where it was, and nothing else is said."""

import contextlib
import io
import re
import struct
import wave
from collections.abc import Callable
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.channel.filetype import filetype
from angarium.channel.recording import octets as module
from angarium.channel.recording.strip import RECORDED, BadRecording, strip_recording
from tests.channel.recording.make import (
    HEARD,
    SECRETS,
    SEEN,
    avi,
    box,
    film,
    flac,
    fragments,
    mp3,
    ogg,
    sight,
    track,
    u32,
    wav,
    webm,
)

SAMPLES: dict[str, bytes] = {
    "a film": film(),
    "its table first": film(first=True),
    "lengths of 64 bits": film(how="wide"),
    "compact sizes": film(first=True, how="compact"),
    "an old QuickTime": film(how="old"),
    "fragments": fragments(),
    "WebM": webm(),
    "WebM as it was recorded": webm(endless=True),
    "Opus": ogg(),
    "Vorbis": ogg("vorbis"),
    "FLAC in Ogg": ogg("flac"),
    "MP3": mp3(),
    "FLAC": flac(),
    "WAV": wav(),
    "AVI": avi(),
}
SHOWN = {"fragments": (SEEN[0], HEARD[0]), "AVI": (*SEEN[:2], HEARD[0]), "MP3": (b"sound" * 82,)}
SHOWN |= {name: (*SEEN[:2], HEARD[0]) for name in SAMPLES if name.startswith("WebM")}
SHOWN |= dict.fromkeys(("Opus", "Vorbis", "FLAC in Ogg", "FLAC", "WAV"), HEARD)
SHORTER = {"MP3", "FLAC", "AVI", "Opus", "Vorbis", "FLAC in Ogg"}
"""Those behind which something stood that is no part of them, or whose streams beside them are gone."""


def stripped(octets: bytes, type_: str = "", opened: Callable[[bytes], BinaryIO] = io.BytesIO) -> bytes:
    return b"".join(strip_recording(lambda: opened(octets), type_ or filetype(octets[:64])))


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_seen_and_heard_stays_and_nothing_else_is_said(name: str) -> None:
    octets = SAMPLES[name]
    assert filetype(octets[:64]) in RECORDED
    assert any(secret in octets for secret in SECRETS)
    found = stripped(octets)
    assert [secret for secret in SECRETS if secret in found] == []
    for shown in SHOWN.get(name, (*SEEN, *HEARD)):
        assert shown in found
    if name not in SHORTER:
        assert len(found) == len(octets)
        assert [found.index(each) for each in SEEN if each in found] == [
            octets.index(each) for each in SEEN if each in found
        ]
    assert stripped(found) == found


class Trickle(io.RawIOBase):
    """Gives a few octets at a time, and cannot go back: as what comes out of a zip."""

    def __init__(self, octets: bytes) -> None:
        self._octets = io.BytesIO(octets)

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._octets.read(3 if size is None or size < 0 else min(size, 3))


@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_the_same_however_it_comes(name: str) -> None:
    assert stripped(SAMPLES[name], opened=Trickle) == stripped(SAMPLES[name])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_cut_short_is_refused_or_ends_there(name: str) -> None:
    octets, whole = SAMPLES[name], stripped(SAMPLES[name])
    refused = 0
    for end in range(0, len(octets), 3):
        try:
            cut = stripped(octets[:end], filetype(octets[:64]))
        except BadRecording:
            refused += 1
            continue
        assert whole.startswith(cut[: len(whole)])
        assert name == "FLAC" or not any(secret in cut for secret in SECRETS)  # half a tag behind it is not known
    assert refused > 5


@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_what_is_damaged_is_refused_or_stripped(name: str, data: st.DataObject) -> None:
    octets = bytearray(SAMPLES[name])
    type_ = filetype(bytes(octets[:64]))
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadRecording):
        found = stripped(bytes(octets), type_)
        assert len(found) <= len(octets)


@pytest.mark.parametrize("name", ["a film", "WebM", "WAV", "MP3", "Opus", "FLAC"])
def test_a_large_one_takes_the_memory_of_a_piece(name: str) -> None:
    """What is asked for at once is never more than a few pieces, however large the file says its parts are."""
    octets, type_ = SAMPLES[name], filetype(SAMPLES[name][:64])
    asked: list[int] = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            asked.append(size or -1)
            return super().read(size)

    with contextlib.suppress(BadRecording):
        stripped(octets + bytes(300_000), type_, opened=Watched)
    assert asked
    assert max(asked) <= 4 * module.PIECE
    assert min(asked) > 0


def test_a_film_keeps_its_boxes_and_its_dates_are_gone() -> None:
    found = stripped(SAMPLES["a film"])
    assert b"udta" not in found
    assert b"uuid" not in found
    assert found.count(b"trak") == 2
    assert struct.pack(">I", 3_782_844_800) not in found
    assert b"avcC" in found
    assert b"colr" in found


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (box(b"ftyp", b"isom", bytes(4)) + box(b"moov", box(b"mvhd", bytes(100))), "seen or heard"),
        (fragments(b"meta"), "fragments"),
        (film() + box(b"moov", bytes(8)), "two"),
        (b"OggS" + bytes(40), "seen or heard"),
        (b"ID3\4\0\0\0\0\0\0" + bytes(500), "no sound"),
        (b"\x1a\x45\xdf\xa3\x80" + b"webm", "cut short"),
        (flac()[:-128] + b"x" * 3 + b"APETAGEX" + bytes(24), "tags behind"),
    ],
)
def test_what_cannot_be_stripped_is_refused(octets: bytes, why: str) -> None:
    with pytest.raises(BadRecording, match=why):
        stripped(octets)


def test_pictures_that_lie_in_another_file_are_refused() -> None:
    elsewhere = bytearray(film())
    at = elsewhere.index(b"alis", elsewhere.index(b"dref"))
    elsewhere[at + 7] = 0
    with pytest.raises(BadRecording, match="another file"):
        stripped(bytes(elsewhere))


def test_pages_of_ogg_have_good_sums() -> None:
    for kind in ("opus", "vorbis", "flac"):
        found, at, pages = stripped(ogg(kind)), 0, 0
        while at < len(found):
            assert found[at : at + 4] == b"OggS"
            lacing = found[at + 27 : at + 27 + found[at + 26]]
            page = found[at : at + 27 + len(lacing) + sum(lacing)]
            assert crc(page[:22] + bytes(4) + page[26:]) == struct.unpack_from("<I", page, 22)[0]
            at, pages = at + len(page), pages + 1
        assert pages >= 4


def crc(octets: bytes) -> int:
    """The checksum of Ogg, as RFC 3533 has it."""
    register = 0
    for octet in octets:
        register ^= octet << 24
        for _ in range(8):
            register = (register << 1 ^ 0x04C11DB7 if register & 0x80000000 else register << 1) & 0xFFFFFFFF
    return register


def test_a_wave_is_still_one() -> None:
    with wave.open(io.BytesIO(stripped(wav()))) as file:
        assert (file.getnframes(), file.getframerate()) == (13, 8000)
        assert file.readframes(13) == b"".join(HEARD) + b" "


def test_only_the_frames_of_an_mp3_are_left() -> None:
    found = stripped(mp3(7))
    assert len(found) == 7 * 417
    assert found[::417] == b"\xff" * 7


def test_samples_in_any_order_stay() -> None:
    head = box(b"ftyp", b"isom", bytes(4))
    data = b"GPS" + b"second" + b"35.6892N" + b"first!"
    start = len(head) + 8
    chunks = [(start + 17, [6]), (start + 3, [6])]
    movie = box(b"moov", track(1, b"vide", sight(), chunks))
    found = stripped(head + box(b"mdat", data) + movie)
    assert found[start : start + len(data)] == bytes(3) + b"second" + bytes(8) + b"first!"


def test_tables_that_promise_too_much_are_refused() -> None:
    bomb = bytearray(film())
    at = re.search(rb"stsz", bytes(bomb))
    assert at
    bomb[at.start() + 12 : at.start() + 16] = b"\xff" * 4
    with pytest.raises(BadRecording):
        stripped(bytes(bomb))
    head = box(b"ftyp", b"isom", bytes(4))
    large = struct.pack(">I4s", (100 << 20) + 8, b"stsz")
    boxes = b""
    for name, more in ((b"stbl", 8), (b"minf", 16), (b"mdia", 24), (b"trak", 32), (b"moov", 40)):
        boxes = struct.pack(">I4s", (100 << 20) + 8 + more, name) + boxes
    with pytest.raises(BadRecording, match="tables"):
        stripped(head + boxes + large + u32(0, 1))
