"""Killed anywhere, a run leaves a site that can be read and copied, and the next makes what an undisturbed one does."""

import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.channel.archive import Archive
from angarium.channel.newsroom import Newsroom
from angarium.channel.post import Post, Text
from angarium.channel.site import catalogue, gallery
from angarium.channel.site.build import build
from angarium.channel.site.ledger import Ledger
from angarium.channel.site.staging import INCOMING, Staging
from angarium.channel.verification import verify
from tests.channel.sample import DAY, NOON, add, sample

LATER = NOON + 60
POINTS = 9
"""Where it is killed, of some hundreds where it could be."""
MORE = [
    Post(
        key=f"more {n}", published=NOON + n * 3600, text=Text(f"Rain {n}\nand wind {n % 7}"), tags=("rain", f"t{n % 5}")
    )
    for n in range(25)
]
LINK = re.compile(r'(?:href|src)="([^":#?]+)["#?]')
TABLES = ("index.html", "archive/", "author/", "tag/", "proof/", "search/", "feed.xml", "feed.json")
TOUCHES: tuple[tuple[type, str], ...] = (
    *((Staging, name) for name in ("lay", "lay_file", "put", "remove", "clear")),
    *((Ledger, name) for name in ("_flush", "_commit", "close")),
    (Archive, "put_note"),
)
"""All that changes something on the disk."""


def contents(site: Path) -> dict[str, bytes]:
    files = {str(path.relative_to(site)): path for path in site.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith(f"{INCOMING}/")}


def change(room: Newsroom) -> None:
    """A post more, one edited, one withdrawn with its picture, and other words on every page."""
    with room.archive() as archive:
        add(archive, Post(key="last", published=NOON + 42 * DAY, text=Text("Rain at last"), tags=("new",)))
        add(archive, Post(key="more 3", published=NOON + 3 * 3600, changed=NOON + DAY, text=Text("Rain no more")))
        with archive.writing():
            archive.withdraw(1)
    settings = room.settings_file.read_text()
    room.settings_file.write_text(settings.replace("News from the road", "News from all roads"))


class Bench:
    """A newsroom and a site, and how they were, to begin again from."""

    def __init__(self, folder: Path, *, first: bool) -> None:
        """`first`: no site was written yet; else one was, and then the channel changed."""
        self.first = first
        self.room, self.site, self._kept = Newsroom(folder / "room"), folder / "site", folder / "kept"
        sample(self.room.folder, more=MORE)
        self.site.mkdir()
        if not first:
            self.build(NOON)
        change(self.room)
        shutil.copytree(self.room.folder, self._kept / "room")
        shutil.copytree(self.site, self._kept / "site")
        self.changes = self._count()
        self.expected = contents(self.site)

    def build(self, now: int = LATER) -> None:
        build(self.room, self.site, now=now, processes=1)

    def again(self) -> None:
        for name in ("room", "site"):
            shutil.rmtree(self._kept.with_name(name))
            shutil.copytree(self._kept / name, self._kept.with_name(name))

    def _count(self) -> int:
        found = 0

        def count() -> None:
            nonlocal found
            found += 1

        with pytest.MonkeyPatch.context() as patch:
            before_each_change(patch, count)
            self.build()
        return found

    def killed_at(self, point: int) -> None:
        """Write the site in a process that is killed before its so many-th change."""
        child = os.fork()
        if child == 0:
            left = point

            def count() -> None:
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            try:
                with pytest.MonkeyPatch.context() as patch:
                    before_each_change(patch, count)
                    self.build()
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def before_each_change(patch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    """Have something done before each change on the disk."""
    for kind, name in TOUCHES:
        patch.setattr(kind, name, preceded(getattr(kind, name), then))


def preceded(real: Callable[..., Any], then: Callable[[], None]) -> Callable[..., Any]:
    def touch(*given: Any, **named: Any) -> Any:
        then()
        return real(*given, **named)

    return touch


def dead_ends(site: Path) -> Iterator[tuple[str, str]]:
    """Pages and parts of the index, each with what it leads to and is not there."""
    for page in site.rglob("*.html"):
        if INCOMING not in page.parts:
            for target in LINK.findall(page.read_text("utf-8")):
                place = os.path.normpath(page.parent / target)
                if not os.path.exists(place):
                    yield str(page.relative_to(site)), os.path.relpath(place, site)
    for table in (site / "search").glob("*/list.js"):
        for name in re.findall(r'"([^"]+)"', table.read_text()):
            part = table.with_name("-".join(f"{ord(sign):x}" for sign in name) + ".js")
            if not part.exists():
                yield str(table.relative_to(site)), part.name


def readable(site: Path, *, first: bool) -> None:
    """No list, table or part of the index leads to what is not there.

    A post may lead for a moment to the list of a new tag, which leads to it; and where there was no site before, pages
    lead to tables that come last.
    """
    for page, target in dead_ends(site):
        assert page.startswith("post/") or (first and target.startswith(TABLES)), (page, target)
        assert first or target.startswith("tag/"), (page, target)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of several pages, and pictures at once."""
    monkeypatch.setattr(catalogue, "PAGE", 5)
    monkeypatch.setattr(gallery, "WEBP_METHOD", 0)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("first", [True, False], ids=["the first run", "a later one"])
def test_killed_anywhere_it_ends_as_if_undisturbed(tmp_path: Path, first: bool) -> None:
    bench = Bench(tmp_path, first=first)
    assert bench.changes > 200
    chance, step, left_as = random.Random(1), bench.changes // POINTS, set()
    for point in [*(at + chance.randrange(step) for at in range(0, bench.changes - step, step)), bench.changes - 1]:
        bench.again()
        before = contents(bench.site)
        bench.killed_at(point)
        after = contents(bench.site)
        left_as.add("before" if after == before else "after" if after == bench.expected else "between")
        if after == before and not first:
            verify(bench.site)
        readable(bench.site, first=first)
        bench.build()
        assert contents(bench.site) == bench.expected, point
        assert not (bench.site / INCOMING).exists()
    assert {"before", "between"} <= left_as


@pytest.mark.usefixtures("short")
def test_while_a_site_is_drawn_copies_find_the_one_before(tmp_path: Path) -> None:
    bench = Bench(tmp_path, first=False)
    bench.again()
    before, laid = verify(bench.site), 0

    def look() -> None:
        nonlocal laid
        laid += 1
        if laid % 40 == 0 and not (bench.site / INCOMING / "proof/manifest").exists():
            assert verify(bench.site) == before

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Staging, "lay", preceded(Staging.lay, look))
        bench.build()
    assert laid > 100
    assert verify(bench.site).serial == LATER


def test_a_state_that_was_signed_and_never_shown_is_followed_all_the_same(tmp_path: Path) -> None:
    """Killed between noting a manifest and placing it, with another change before the next run."""
    room, site = sample(tmp_path / "room"), tmp_path / "site"
    build(room, site, now=NOON, processes=1)
    with room.archive() as archive:
        add(archive, Post(key="last", published=NOON + 42 * DAY, text=Text("Rain at last")))

    def killed(ledger: Ledger) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "place", killed)
        with pytest.raises(KeyboardInterrupt):
            build(room, site, now=NOON + 5, processes=1)
    assert verify(site).serial == NOON
    with room.archive() as archive:
        add(archive, Post(key="another", published=NOON + 43 * DAY, text=Text("And wind")))
    build(room, site, now=NOON + 9, processes=1)
    manifest = verify(site)
    assert manifest.previous is not None
    assert (manifest.serial, manifest.previous[0]) == (NOON + 9, NOON + 5)


HELPED = """
import multiprocessing, os, signal, sys
from pathlib import Path
from angarium.channel.newsroom import Newsroom
from angarium.channel.site.build import build

def progress(done, of):
    others = multiprocessing.active_children()
    if len(others) == 2 and done > of * 2 // 5:
        print(*(each.pid for each in others), flush=True)
        sys.stdin.read(1)
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    room, site = map(Path, sys.argv[1:])
    build(Newsroom(room), site, now=%d, progress=progress, processes=2)
"""


def test_killed_with_its_helpers_none_of_them_stays(tmp_path: Path) -> None:
    more = [Post(key=f"{n}", published=NOON + n, text=Text(f"Rain {n}")) for n in range(100, 1100)]
    room, site = sample(tmp_path / "room", more=more), tmp_path / "site"
    script = tmp_path / "helped.py"
    script.write_text(HELPED % LATER)
    process = subprocess.Popen(
        (sys.executable, script, room.folder, site), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    helpers = [os.pidfd_open(int(pid)) for pid in process.stdout.readline().split()]
    assert len(helpers) == 2
    process.stdin.write("\n")
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGKILL
    for helper in helpers:
        assert select.select([helper], [], [], 20)[0]
        os.close(helper)
    assert list((site / INCOMING).rglob("*.html"))
    assert not (site / "proof/manifest").exists()
    build(room, site, now=LATER, processes=1)
    alone = tmp_path / "alone"
    room.ledger.unlink()
    build(room, alone, now=LATER, processes=1)
    assert contents(site) == contents(alone)
