"""What FFmpeg's libraries wrote (by PyAV 18.1, with names, dates and a position in every place they have for them).

The digests are those of files that the same libraries were found to decode to the same pictures and sound, of the same
length, as what they were made from. What comes out otherwise is to be compared in this way again.
"""

import hashlib
from pathlib import Path

import pytest

from angarium.channel.filetype import filetype
from angarium.channel.recording.strip import strip_recording
from tests.channel.recording.make import SECRETS

HERE = Path(__file__).parent / "real"
STRIPPED = {
    "fragments.mp4": "c8ce5e5c1fb402b61115c86aaefd91a4acab4fc3ee4d52f62ae5b4f5c6c7f163",
    "faststart.mp4": "11ee549159b75b835b98e276a0b7fe72e391eeee8202a95bd120ff9276c4fefb",
    "film.avi": "0ea56ed631f1b1850b0f8ca1531c0ea1602a95faae193d6453a1db974b6cef9e",
    "film.mkv": "4c4d0aabd2286331269762aaf974d1a224a0d8b21d423205094fd5f0831ce646",
    "film.mov": "2612a399aa445bc20656a0c626f1d24e7efd72b94f38f1264056120ab761fca3",
    "film.mp4": "0638f2646a6904c1f0d08cd40f87960d6f7095440c39c005bb2ee7ef9e31a993",
    "film.webm": "47d1c84f8bb67bbcdaab5d99bf98aca0e7bff261a868874822e2ded1e5ccf694",
    "sound.flac": "61d95512da277e05f1a00df6ed06761fe3fab08c4fae5b6a81cb0fb38f11ea64",
    "sound.mp3": "c9caeafa5463c20ffc8dbae369ba7bb6e1c0d1c09baddcd1a733c0edd3d8e453",
    "sound.oga": "e9b6d12c3aec61496d300203ecccf7cd1d757db1c1241ff44e9e1911a5dfd027",
    "sound.opus": "032fa98e1441d1e7b6840c6c3d08e5f9d0a34154c484bdfd9aab7da719cb1367",
}


def test_all_of_them_are_known() -> None:
    assert {file.name for file in HERE.iterdir()} == set(STRIPPED)


@pytest.mark.parametrize("name", STRIPPED)
def test_what_real_programs_write_is_stripped(name: str) -> None:
    octets = (HERE / name).read_bytes()
    found = b"".join(strip_recording(lambda: (HERE / name).open("rb"), filetype(octets[:64])))
    assert any(secret in octets for secret in SECRETS)
    assert not any(secret in found for secret in (*SECRETS, b"2023-11"))
    assert hashlib.sha256(found).hexdigest() == STRIPPED[name]
