"""How long the site of a large channel takes, and how much memory: made for the first time, again without a change, and
after one more post. `python -m bench.site --posts 100000 --pictures 1000`
"""

import argparse
import io
import os
import random
import resource
import tempfile
import time
from pathlib import Path

from PIL import Image

from angarium.channel.newsroom import Newsroom
from angarium.channel.post import Author, Medium, MediumKind, Post, Text
from angarium.channel.settings import Settings
from angarium.channel.site.build import build

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def vocabulary(chance: random.Random, size: int) -> list[str]:
    """Made-up words, of which the first are used most, as in any language."""
    return ["".join(chance.choices(LETTERS, k=chance.randint(2, 10))) for _ in range(size)]


def photograph(chance: random.Random) -> bytes:
    """A picture of a telephone's size that compresses as photographs do."""
    small = Image.frombytes("RGB", (40, 30), chance.randbytes(3600))
    file = io.BytesIO()
    small.resize((1280, 960), Image.Resampling.BICUBIC).save(file, "JPEG", quality=85)
    return file.getvalue()


def fill(room: Newsroom, posts: int, pictures: int) -> None:
    """Put posts of some fifty words into a channel."""
    chance = random.Random(7)
    words = vocabulary(chance, 60_000)
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    media = room.media()
    with room.archive() as archive, archive.writing():
        archive.put_author(Author("mina", "Mina"))
        for number in range(1, posts + 1):
            text = " ".join(chance.choices(words, weights, k=chance.randint(20, 80)))
            photo: tuple[Medium, ...] = ()
            if pictures and number % max(1, posts // pictures) == 0:
                digest, size = media.keep([photograph(chance)], most=10**7)
                photo = (Medium(digest, MediumKind.PHOTO, "image/jpeg", size),)
            archive.put(post(number, text, photo, tuple(chance.sample(words[:300], 2))))


def post(number: int, text: str, media: tuple[Medium, ...] = (), tags: tuple[str, ...] = ()) -> Post:
    """One post, an hour after the one before."""
    author = "mina" if number % 3 == 0 else ""
    return Post(
        key=str(number), published=1_400_000_000 + number * 3600, author=author, text=Text(text), media=media, tags=tags
    )


def run(room: Newsroom, to: Path, what: str) -> None:
    """Write the site, and say what it took."""
    began = time.monotonic()
    built = build(room, to, now=int(time.time()))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{what}: {time.monotonic() - began:.1f} s, {built.written} files written, {most} MB of memory at most so far"
    )


def main() -> None:
    """Measure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--posts", type=int, default=10_000)
    asked.add_argument("--pictures", type=int, default=100)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        room, to = Newsroom(Path(folder) / "room"), Path(folder) / "site"
        Settings(title="A large channel").save(room.settings_file)
        room.keys.make()
        began = time.monotonic()
        fill(room, options.posts, options.pictures)
        print(f"{options.posts} posts put in {time.monotonic() - began:.1f} s")
        run(room, to, "first")
        run(room, to, "again")
        with room.archive() as archive, archive.writing():
            archive.put(post(options.posts + 1, "one more word"))
        run(room, to, "one more")
        total = sum(os.stat(path).st_size for path in to.rglob("*") if path.is_file())
        largest = max(path.stat().st_size for path in (to / "search").rglob("*.js"))
        print(f"{total // 1_000_000} MB in all; the largest part of the index has {largest // 1000} kB")


if __name__ == "__main__":
    main()
