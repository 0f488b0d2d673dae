"""A newsroom's work in a process of its own, which somebody kills, or whose power fails:

    python -m tests.channel.cut publish FOLDER POSTS [careless]
    python -m tests.channel.cut import FOLDER EXPORT [careless]

`careless` leaves out every flush of files: a control, which must lose something.
"""

import os
import sys
from datetime import UTC
from pathlib import Path

from angarium.channel.archive import Archive
from angarium.channel.intake.run import Wanted, import_export
from angarium.channel.intake.source import source
from angarium.channel.media import Media
from angarium.channel.post import Medium, MediumKind, Post, Text

NOW = 1_800_000_000
EVERY = 50
"""Posts after which an import says how far it is."""


def picture(number: int) -> bytes:
    """Octets that are no others'."""
    return number.to_bytes(4, "big") * 3000


def publish(folder: Path, posts: int) -> None:
    """Publish so many posts with a picture each, and say so of each."""
    media = Media(folder / "media")
    with Archive(folder / "posts.db") as archive:
        for number in range(posts):
            with archive.writing():
                digest, size = media.keep([picture(number)], most=1 << 20)
                medium = Medium(digest, MediumKind.PHOTO, "image/jpeg", size)
                archive.put(Post(key=str(number), published=NOW, text=Text("x"), media=(medium,)))
            say(str(number))


def take(folder: Path, export: Path) -> None:
    """Take an export over, and say how far it is, and when it is done."""
    folder.mkdir(exist_ok=True)

    def tell(_: float, posts: int) -> None:
        if posts % EVERY == 0:
            say(f"at {posts}")

    with Archive(folder / "posts.db") as archive, source(export) as files:
        import_export(files, archive, Media(folder / "media"), Wanted(zone=UTC, now=NOW), tell)
    say("done")


def say(words: str) -> None:
    """A line in one system call."""
    os.write(1, f"{words}\n".encode())


if __name__ == "__main__":
    if "careless" in sys.argv[4:]:
        os.fsync = lambda _: None  # type: ignore[assignment]
        os.sync = lambda: None
    if sys.argv[1] == "publish":
        publish(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        take(Path(sys.argv[2]), Path(sys.argv[3]))
