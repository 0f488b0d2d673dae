"""How long the site of a large channel takes, and how much memory: made for the first time, again without a change, and
after one more post; copied, and checked. How large what a reader loads is; with `--search`, what chromium loads for a
few questions. `python -m bench.site --posts 100000 --pictures 1000`
"""

import argparse
import contextlib
import io
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from PIL import Image

from angarium.channel.mirror import Mirror
from angarium.channel.newsroom import Newsroom
from angarium.channel.post import Author, Medium, MediumKind, Post, Text
from angarium.channel.settings import Settings
from angarium.channel.site.build import build
from angarium.channel.source import Folder
from angarium.channel.verification import verify

if TYPE_CHECKING:
    from playwright.sync_api import Request

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = 60_000
CHROMIUM = Path("/usr/bin/chromium")


def vocabulary(chance: random.Random) -> list[str]:
    """Made-up words, of which the first are used most, as in any language."""
    return ["".join(chance.choices(LETTERS, k=chance.randint(2, 10))) for _ in range(WORDS)]


def photograph(chance: random.Random) -> bytes:
    """A picture of a telephone's size that compresses as photographs do."""
    small = Image.frombytes("RGB", (40, 30), chance.randbytes(3600))
    file = io.BytesIO()
    small.resize((1280, 960), Image.Resampling.BICUBIC).save(file, "JPEG", quality=85)
    return file.getvalue()


def fill(folder: Path, posts: int, pictures: int) -> str:
    """Put posts of some fifty words into a channel."""
    room = Newsroom(folder)
    Settings(title="A large channel").save(room.settings_file)
    room.keys.make()
    chance = random.Random(7)
    words = vocabulary(chance)
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    media = room.media()
    with room.archive() as archive, archive.writing():
        archive.put_author(Author("mina", "Mina"))
        for number in range(1, posts + 1):
            text = " ".join(chance.choices(words, cum_weights=weights, k=chance.randint(20, 80)))
            photo: tuple[Medium, ...] = ()
            if pictures and number % max(1, posts // pictures) == 0:
                digest, size = media.keep([photograph(chance)], most=10**7)
                photo = (Medium(digest, MediumKind.PHOTO, "image/jpeg", size),)
            archive.put(post(number, text, photo, tuple(chance.sample(words[:300], 2))))
    return f"{posts} posts, {pictures} pictures"


def post(number: int, text: str, media: tuple[Medium, ...] = (), tags: tuple[str, ...] = ()) -> Post:
    """One post, an hour after the one before."""
    author = "mina" if number % 3 == 0 else ""
    return Post(
        key=str(number), published=1_400_000_000 + number * 3600, author=author, text=Text(text), media=media, tags=tags
    )


def write(folder: Path, to: Path, processes: int | None) -> str:
    """Write the site."""
    built = build(Newsroom(folder), to, now=int(time.time()), processes=processes)
    return f"{built.written} files written, {built.removed} removed"


def write_one_more(folder: Path, to: Path, number: int) -> str:
    """Write it after one more post, of words that others have too."""
    words = vocabulary(random.Random(7))
    with Newsroom(folder).archive() as archive, archive.writing():
        archive.put(post(number, " ".join(words[1:2000:40])))
    began = time.time() - 1
    done = write(folder, to, None)
    changed = [size for path in files(to) if (found := path.stat()).st_mtime > began and (size := found.st_size)]
    return f"{done}, {sum(changed) // 1000} kB of them new to a copy"


def copy(site: Path, to: Path) -> str:
    """Make a copy."""
    with Mirror(to) as mirror:
        return f"{mirror.update(Folder(site)).fetched} files fetched"


def check(site: Path) -> str:
    """Check it."""
    return f"{verify(site).files} files"


def files(site: Path) -> list[Path]:
    """All files of a site."""
    return [path for path in site.rglob("*") if path.is_file()]


def measured(work: Callable[..., str], *given: object) -> tuple[str, float, int, int]:
    """What was done, seconds, and megabytes of memory at most: of the process, and of the largest of its helpers."""
    began = time.monotonic()
    done = work(*given)
    seconds = time.monotonic() - began
    status = Path("/proc/self/status").read_text()  # rusage counts what there was before the program began, too
    own = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    return done, seconds, own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def apart(what: str, work: Callable[..., str], *given: object) -> None:
    """Do something in a process of its own, and say what it took."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        done, seconds, own, others = process.submit(measured, work, *given).result()
    helpers = f", {others} MB each helper" if others else ""
    print(f"{what}: {seconds:.1f} s, {own} MB of memory{helpers}; {done}", flush=True)


def sizes(site: Path) -> None:
    """Say how many files there are, and which are the largest of each kind."""
    found: dict[str, list[int]] = defaultdict(list)
    largest: dict[str, tuple[int, str]] = defaultdict(lambda: (0, ""))
    fullest: dict[Path, int] = defaultdict(int)
    for path in files(site):
        size, inside = path.stat().st_size, path.relative_to(site)
        kind = f"{inside.parts[0] if len(inside.parts) > 1 else '.'} {path.suffix}"
        found[kind].append(size)
        largest[kind] = max(largest[kind], (size, str(inside)))
        fullest[path.parent] += 1
    count, octets = sum(map(len, found.values())), sum(map(sum, found.values()))
    print(f"{count} files, {octets / 1e6:.0f} MB; {max(fullest.values())} in the fullest folder")
    for kind, each in sorted(found.items(), key=lambda each: -sum(each[1])):
        size, name = largest[kind]
        print(f"  {kind}: {len(each)} files, {sum(each) / 1e6:.1f} MB; the largest {size / 1000:.1f} kB, {name}")
    front = (site / "index.html").stat().st_size + (site / "style.css").stat().st_size
    print(f"the first page with its style: {front / 1000:.1f} kB")


def search(site: Path) -> None:
    """Say what a browser loads of the index for some questions, until it shows what it found first."""
    from playwright.sync_api import sync_playwright

    words = vocabulary(random.Random(7))
    questions = {
        "the most used word": words[0],
        "a word in a post of fifty": words[200],
        "a word in a post of a thousand": words[5_000],
        "the rarest words": words[-1],
        "two words of a thousand": f"{words[5_000]} {words[5_001]}",
        "a common and a rare word": f"{words[0]} {words[40_000]}",
        "two letters": words[5_000][:2],
        "what is nowhere": "qqqqqqqq",
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])
        for what, words_asked in questions.items():
            loaded: list[str] = []
            page = browser.new_page()
            page.on("request", partial(noted, loaded))
            page.goto(f"{(site / 'search/index.html').as_uri()}?q={quote(words_asked)}")
            page.wait_for_function("document.querySelector('#found ol')")
            page.wait_for_function("document.querySelector('#found p').textContent !== found.dataset.busy")
            hits = page.locator("#found li").count()
            parts = [octets(url) for url in loaded if "/search/" in url and url.endswith(".js")]
            print(f"  {what}: {sum(parts) / 1000:.1f} kB in {len(parts)} files; {hits} found at once")
            page.close()
        browser.close()


def noted(loaded: list[str], asked: "Request") -> None:
    """A browser asks for something."""
    loaded.append(asked.url)


def octets(url: str) -> int:
    """The size of what a file: address means."""
    return os.stat(unquote(urlsplit(url).path)).st_size


def main() -> None:
    """Measure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--posts", type=int, default=10_000)
    asked.add_argument("--pictures", type=int, default=100)
    asked.add_argument("--processes", type=int, help="helpers at most [default: one for each processor]")
    asked.add_argument("--search", action="store_true", help="ask chromium too")
    asked.add_argument("--copy", action="store_true", help="make a copy too, and check it")
    asked.add_argument("--folder", type=Path, help="do it in this folder, which stays [default: one that goes]")
    options = asked.parse_args()
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        room, to, other = (folder / name for name in ("room", "site", "copy"))
        apart("put in", fill, room, options.posts, options.pictures)
        apart("first", write, room, to, options.processes)
        apart("again", write, room, to, options.processes)
        sizes(to)
        if options.search:
            search(to)
        apart("one more post", write_one_more, room, to, options.posts + 1)
        apart("checked", check, to)
        if options.copy:
            apart("copied", copy, to, other)


if __name__ == "__main__":
    main()
