"""A newsroom to import into, and exports to damage."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.channel.archive import Archive
from angarium.channel.intake.run import Imported, Wanted, import_export
from angarium.channel.intake.source import source
from angarium.channel.media import Media
from angarium.channel.post import Post
from tests.channel.exports.make import HERE, exported

NOW = 1_760_000_000


class Room:
    """An archive, its media, and what is imported into them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = Archive(folder / "posts.db")
        self.media = Media(folder / "media")

    def take(self, path: Path, **more: Any) -> Imported:
        wanted = msgspec.structs.replace(Wanted(zone=UTC, now=NOW), **more)
        with source(path) as files:
            return import_export(files, self.archive, self.media, wanted, lambda part, posts: None)

    def posts(self) -> dict[str, Post]:
        """By the number they had."""
        return {filed.post.key.rpartition("/")[2]: filed.post for filed in self.archive.posts()}

    def files(self) -> set[str]:
        return {file.name for file in (self.folder / "media").rglob("*") if file.is_file()}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    (tmp_path / "room").mkdir()
    found = Room(tmp_path / "room")
    yield found
    found.archive.close()


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A copy of the sample channel."""
    return Path(shutil.copytree(HERE / "telegram", tmp_path / "telegram"))


@pytest.fixture
def chat(tmp_path: Path) -> Callable[..., Path]:
    """Writes an export of a few messages; their missing fields are made up."""

    def write(*messages: dict[str, Any], folder: str = "chat", **more: Any) -> Path:
        said = [
            {"id": number, "type": "message", "date_unixtime": str(1_700_000_000 + number * 60), "from": "C"} | each
            for number, each in enumerate(messages, 1)
        ]
        whole = {"name": "C", "type": "public_channel", "id": 5, **more, "messages": said}
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "result.json").write_text(exported(whole), "utf-8", "surrogatepass")
        return tmp_path / folder

    return write
