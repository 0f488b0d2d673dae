"""Nothing that a reader, a copy or a check takes at a time grows with the channel."""

import re
import tracemalloc
from collections import defaultdict
from itertools import product
from pathlib import Path

import pytest

from angarium.channel import proof
from angarium.channel.minisign import SecretKey
from angarium.channel.mirror import Mirror
from angarium.channel.newsroom import Newsroom
from angarium.channel.post import Author, Post, Text
from angarium.channel.settings import Settings
from angarium.channel.site import index, lists, paths
from angarium.channel.site import pages as drawn
from angarium.channel.site.build import build
from angarium.channel.source import Folder
from angarium.channel.verification import verify
from tests.channel.sample import NOON

PERIOD, BLOCK = 200, 100
FEW, MANY = 300, 1_000
WORDS = [f"{first}{second}{n}" for first in "abcde" for second in "fghij" for n in range(12)]
GROW = {"archive/index.html", "search/index.html", proof.MANIFEST}
"""By a line for each month, for each period and for each folder."""
LINE = 200
"""Octets of such a line, at most."""


def made(folder: Path, posts: int) -> Path:
    """The site of so many posts, all of them alike: one author, one month, two tags each and one of its own."""
    room = Newsroom(folder / "room")
    Settings(title="Many").save(room.settings_file)
    room.keys.make()
    with room.archive() as archive, archive.writing():
        archive.put_author(Author("mina", "Mina"))
        for number in range(1, posts + 1):
            text = " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 20))
            tags = ("news", "water", f"t{number}")
            archive.put(Post(key=str(number), published=NOON + number, author="mina", text=Text(text), tags=tags))
    build(room, folder / "site", now=NOON, processes=1)
    return folder / "site"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sizes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "PERIOD", PERIOD)
        patch.setattr(drawn, "PERIOD", PERIOD)
        patch.setattr(paths, "BLOCK", BLOCK)
        patch.setattr(lists, "TAGS_SHOWN", 100)
        return made(folder / "few", FEW), made(folder / "many", MANY)


def largest(site: Path) -> dict[str, int]:
    """Of each kind of file the largest, in octets."""
    found: dict[str, int] = defaultdict(int)
    for path in site.rglob("*"):
        if path.is_file():
            inside = path.relative_to(site)
            kind = str(inside)
            if kind not in GROW:
                kind = f"{inside.parts[0] if len(inside.parts) > 1 else inside}, {path.suffix}"
            found[kind] = max(found[kind], path.stat().st_size)
    return found


def test_no_file_grows_with_the_number_of_posts(both: tuple[Path, Path]) -> None:
    few, many = map(largest, both)
    assert few.keys() == many.keys()
    for kind, size in many.items():
        lines = MANY // PERIOD if kind in GROW - {proof.MANIFEST} else 300 if kind == proof.MANIFEST else 1
        assert size < few[kind] * 1.15 + lines * LINE, kind
    assert many["index.html, .html"] < 60_000


def test_no_folder_grows_with_the_number_of_posts(both: tuple[Path, Path]) -> None:
    for site in both:
        for folder in site.rglob("*"):
            if folder.is_dir() and folder != site / "proof" / "lists":
                assert sum(1 for each in folder.iterdir() if each.is_file()) <= 2 * BLOCK + 200, folder


def test_every_list_is_in_pages(both: tuple[Path, Path]) -> None:
    for kind in ("archive", "author", "tag"):
        for page in (both[1] / kind).rglob("*.html"):
            assert page.read_text().count('<article class="card">') < 60
    for first in (paths.author("mina"), paths.tag("news"), "archive/2026-09.html"):
        seen: list[str] = []
        place = first
        while place:
            text = (both[1] / place).read_text()
            seen += re.findall(r'<h2 dir="auto"><a href="[./]+(post/\d+/\d+\.html)', text)
            older = re.search(r'rel="next" href="[./]*/([a-z][^"]*)"', text)
            place = older[1] if older else ""
        assert seen == [f"post/{number // BLOCK}/{number}.html" for number in range(MANY, 0, -1)], first


def test_feeds_hold_the_latest_only(both: tuple[Path, Path]) -> None:
    for site in both:
        assert (site / "feed.xml").read_text().count("<entry>") == 30


def test_the_guide_knows_each_word_of_all_periods_but_the_last(both: tuple[Path, Path]) -> None:
    known = set()
    for part in (both[1] / "search/guide").glob("*.js"):
        if part.name != "list.js":
            known |= {tuple(each) for each in re.findall(r'\["([^"]+)","([0-9a-z ]+)"\]', part.read_text())}
    own = {f"t{number}" for number in range(1, MANY // PERIOD * PERIOD)}
    assert {word for word, _ in known} == {*WORDS, *own, "mina", "news", "water"}
    assert ("t4", "0") in known
    assert ("t700", "3") in known
    assert ("mina", "0 1 1 1 1") in known
    assert not (both[0] / "search/guide").exists()


def test_one_look_into_the_index_is_small(both: tuple[Path, Path]) -> None:
    for script in (both[1] / "search").rglob("*.js"):
        assert script.stat().st_size < index.SCRIPT_OCTETS + 100, script


def folders(site: Path, many: int) -> None:
    """A site of so many folders, each of the same size."""
    key, named = SecretKey.draw(), []
    for number in range(many):
        lines = []
        for name in range(100):
            place = site / f"post/{number}/{name}.html"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"{number} {name}")
            lines.append(proof.Line(proof.digest(place.read_bytes()), f"post/{number}/{name}.html"))
        content = proof.listed(lines)
        entry = proof.Line(proof.digest(content), proof.list_name(f"post/{number}"))
        named.append(entry)
        (site / proof.LISTS).mkdir(parents=True, exist_ok=True)
        (site / entry.path).write_bytes(content)
    manifest = proof.Manifest(
        channel="x", serial=1, made="", key=key.public, largest=1000, files=many * 100, lists=tuple(named)
    )
    (site / proof.MANIFEST).write_text(manifest.text())
    (site / proof.SIGNATURE).write_text(key.sign(manifest.text().encode(), "x"))


def test_copying_and_checking_take_no_more_memory_for_more_files(tmp_path: Path) -> None:
    most = {3: (1 << 40, 1 << 40), 15: (1 << 40, 1 << 40)}
    for many, attempt in product(most, range(3)):  # the least of some: what is imported or grows once does not count
        site, copy = tmp_path / f"site {many} {attempt}", tmp_path / f"copy {many} {attempt}"
        folders(site, many)
        tracemalloc.start()
        with Mirror(copy) as mirror:
            assert mirror.update(Folder(site)).fetched == many * 100
        copying = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        assert verify(copy).files == many * 100
        most[many] = min(copying, most[many][0]), min(tracemalloc.get_traced_memory()[1], most[many][1])
        tracemalloc.stop()
    assert most[15][0] < most[3][0] * 2
    assert most[15][1] < most[3][1] * 2
