"""Power cuts in a newsroom: what the archive names is on the disk, whole, and an import is there or is not."""

import hashlib
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.channel.archive import Archive
from angarium.channel.media import Media
from angarium.lab.power import RECORDER, Disk, Said, events
from bench.import_telegram import export
from tests.faults.conftest import may_trace

pytestmark = pytest.mark.skipif(not may_trace(), reason="Debian's strace is missing or may not trace here")

CUTS = 40
MESSAGES, PICTURES = 60, 20


def recorded(folder: Path, *words: str) -> Path:
    """Run a newsroom's work under the recorder; the recording. `{}` among the words is its folder."""
    (folder / "data").mkdir(parents=True)
    program = [sys.executable, "-m", "tests.channel.cut", *(each.format(folder / "data") for each in words)]
    subprocess.run([*RECORDER, str(folder / "recording"), *program], check=True, stdout=subprocess.DEVNULL)
    return folder / "recording"


def after_cuts(recording: Path, count: int, chance: random.Random, into: Path) -> Iterator[tuple[list[str], Path]]:
    """What had been said, and the files, after so many cuts."""
    root = str(recording.parent / "data")
    with recording.open() as lines:
        happened = list(events(lines))
    first = next(at for at, event in enumerate(happened) if root in getattr(event, "path", ""))
    moments = sorted(chance.randrange(first, len(happened)) for _ in range(count))
    disk, said, at = Disk(root), list[str](), 0
    for number, moment in enumerate([*moments, len(happened) - 1]):
        for event in happened[at : moment + 1]:
            disk.take(event)
            if isinstance(event, Said):
                said += event.text.decode().split("\n")[:-1]
        at = moment + 1
        left = into / str(number)
        for name, content in disk.after_a_cut(chance).items():
            place = left / Path(name).relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        left.mkdir(parents=True, exist_ok=True)
        yield said, left


def broken(left: Path) -> tuple[set[str], list[str]]:
    """The keys of the posts that are there, and the files that are not as their names say, or that posts miss."""
    media = Media(left / "media")
    files = list((left / "media").glob("??/*"))
    wrong = [file.name for file in files if hashlib.sha256(file.read_bytes()).hexdigest() != file.name]
    with Archive(left / "posts.db") as archive:
        keys = {filed.post.key for filed in archive.posts()}
        wrong += [digest for digest in archive.digests() if digest not in media]
    return keys, wrong


def test_a_post_whose_picture_is_named_has_it_on_the_disk(tmp_path: Path) -> None:
    recording = recorded(tmp_path / "run", "publish", "{}", "12")
    for said, left in after_cuts(recording, CUTS, random.Random(), tmp_path):
        keys, wrong = broken(left)
        assert wrong == []
        assert set(said) <= keys


def test_an_import_is_there_with_its_pictures_or_is_not(tmp_path: Path) -> None:
    export(tmp_path / "export", MESSAGES, PICTURES)
    recording = recorded(tmp_path / "run", "import", "{}", str(tmp_path / "export"))
    for said, left in after_cuts(recording, CUTS, random.Random(), tmp_path):
        keys, wrong = broken(left)
        assert wrong == []
        assert len(keys) in ((MESSAGES,) if "done" in said else (0, MESSAGES))


@pytest.mark.parametrize("what", ["publish", "import"])
def test_the_cuts_find_files_that_are_not_flushed(tmp_path: Path, what: str) -> None:
    export(tmp_path / "export", MESSAGES, PICTURES)
    more = "12" if what == "publish" else str(tmp_path / "export")
    recording = recorded(tmp_path / "run", what, "{}", more, "careless")
    found = False
    for seed in range(20):
        cuts = after_cuts(recording, CUTS, random.Random(seed), tmp_path / str(seed))
        if found := any(broken(left)[1] for _, left in cuts):
            break
    assert found
