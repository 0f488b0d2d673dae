"""Videos and sound that an export brings: stripped, or left behind."""

from collections.abc import Callable
from pathlib import Path

from angarium.channel.intake.attachments import Left
from tests.channel.intake.conftest import Room
from tests.channel.intake.test_damage import zipped
from tests.channel.recording.make import SECRETS, avi, film, flac, mp3, ogg, wav, webm

FILES = {
    "a.mp4": film(),
    "b.mov": film(how="old"),
    "c.webm": webm(),
    "d.ogg": ogg(),
    "e.mp3": mp3(),
    "f.flac": flac(),
    "g.wav": wav(),
    "h.avi": avi(),
}


def written(chat: Callable[..., Path], files: dict[str, bytes]) -> Path:
    path = chat(*({"file": name, "media_type": "video_file"} for name in files))
    for name, octets in files.items():
        (path / name).write_bytes(octets)
    return path


def test_none_says_where_it_was_made(room: Room, chat: Callable[..., Path], tmp_path: Path) -> None:
    path = written(chat, FILES)
    done = room.take(path)
    assert (done.new, done.left) == (len(FILES), Left())
    kept = [room.media.path(digest).read_bytes() for digest in room.files()]
    assert len(kept) == len(FILES)
    assert not any(secret in octets for octets in kept for secret in SECRETS)
    assert room.take(path).same == len(FILES)
    assert room.take(zipped(path, tmp_path / "export.zip")).same == len(FILES)


def test_what_is_damaged_stays_behind(room: Room, chat: Callable[..., Path]) -> None:
    path = written(chat, {name: octets[: len(octets) // 2] for name, octets in FILES.items() if name in "a.mp4 b.mov"})
    done = room.take(path)
    assert (done.new, done.empty, done.left) == (0, 2, Left(damaged=2))
    assert room.files() == set()
