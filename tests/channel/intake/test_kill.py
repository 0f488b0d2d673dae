"""An import that is killed, again and again: nothing of it is to be seen, and the next one comes to the same."""

import hashlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from angarium.channel.archive import Archive, Filed
from angarium.channel.intake.refusal import Refused
from bench.import_telegram import export
from tests.channel.intake.conftest import Room

MESSAGES, PICTURES = 1000, 100
KILLS = 4


def started(room: Path, exported: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.channel.cut", "import", str(room), str(exported)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def killed_at(line: bytes, room: Path, exported: Path) -> None:
    """Start an import, and kill it once it says this line."""
    with started(room, exported) as process:
        assert process.stdout is not None
        for said in process.stdout:
            if said == line:
                os.kill(process.pid, signal.SIGKILL)
                break
        process.stdout.read()
    assert process.returncode == -signal.SIGKILL


def state(folder: Path) -> tuple[list[Filed], object, object, list[tuple[str, str]], set[str]]:
    """All that is in a newsroom's archive, and its files."""
    with Archive(folder / "posts.db") as archive:
        notes = archive.database.execute("SELECT name, value FROM notes ORDER BY name").fetchall()
        files = {str(file.relative_to(folder)) for file in (folder / "media").rglob("*") if file.is_file()}
        return list(archive.posts()), archive.authors(), archive.tags(), notes, files


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    export(folder, MESSAGES, PICTURES)
    return folder


def test_killed_again_and_again_it_comes_to_the_same(exported: Path, tmp_path: Path) -> None:
    chance = random.Random()
    for _ in range(KILLS):
        killed_at(b"at %d\n" % chance.randrange(50, MESSAGES + 1, 50), tmp_path / "room", exported)
        posts, authors, tags, notes, files = state(tmp_path / "room")
        if posts:  # killed behind its last post, it may be done
            assert len(posts) == MESSAGES
            break
        assert (authors, tags, notes) == ([], [], [])
        assert all(hashed(tmp_path / "room" / file) for file in files if "together" not in file)
    for room in ("room", "other"):
        with started(tmp_path / room, exported) as process:
            assert process.stdout is not None
            process.stdout.read()
        assert process.returncode == 0
    found = state(tmp_path / "room")
    assert found == state(tmp_path / "other")
    assert len(found[0]) == MESSAGES
    assert len(found[-1]) == PICTURES
    assert all(hashed(tmp_path / "room" / file) for file in found[-1])


def hashed(file: Path) -> bool:
    """Whether a file is as its name says."""
    return hashlib.sha256(file.read_bytes()).hexdigest() == file.name


def test_a_damaged_one_is_refused_where_it_breaks_and_leaves_what_was_there(exported: Path, room: Room) -> None:
    room.take(exported)
    before = room.posts(), room.files()
    lines = (exported / "result.json").read_text("utf-8").split("\n")
    places = [at for at, line in enumerate(lines) if '"from": "Bench"' in line]
    for at in random.Random(5).sample(places, 3):
        damaged = [*lines[:at], lines[at].replace('"Bench"', 'Bench"'), *lines[at + 1 :]]
        (exported / "damaged.json").write_text("\n".join(damaged), "utf-8")
        with pytest.raises(Refused, match=rf"damaged.json, line {at + 1}, column"):
            room.take(exported / "damaged.json")
        assert (room.posts(), room.files()) == before
