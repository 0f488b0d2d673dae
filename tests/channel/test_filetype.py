"""Types by first octets."""

import pytest

from angarium.channel.filetype import UNKNOWN, filetype
from tests.channel.exports.make import FILES


@pytest.mark.parametrize(
    ("head", "type_"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", "audio/wav"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\0\0\0\x18ftypavif", "image/avif"),
        (b"\0\0\0\x18ftypqt  ", "video/quicktime"),
        (b"\0\0\0\x18ftypisom", "video/mp4"),
        (b"\x1aE\xdf\xa3\0\0webm", "video/webm"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", UNKNOWN),
        (b"<!doctype html>", UNKNOWN),
        (b"\xff\xfe<\0", UNKNOWN),
        (b"MZ\x90\0", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_types(head: bytes, type_: str) -> None:
    assert filetype(head) == type_


def test_types_of_the_samples() -> None:
    assert [filetype(FILES[path]) for path in ("voice_messages/audio_1@14-11-2023_22-13-20.ogg", "files/song.wav")] == [
        "audio/ogg",
        "audio/wav",
    ]
