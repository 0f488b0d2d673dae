"""Clocks that are wrong, or set right, between two states of a site: it goes on, and copies and feeds follow."""

from pathlib import Path
from xml.etree import ElementTree

import html5lib
import pytest

from angarium.channel.copies import verify
from angarium.channel.mirror import Mirror
from angarium.channel.newsroom import Newsroom
from angarium.channel.post import Post, Text
from angarium.channel.site.build import build
from angarium.channel.source import Folder
from tests.channel.sample import DAY, NOON, add, sample

YEAR = 365 * DAY
ATOM = "{http://www.w3.org/2005/Atom}"


def say(room: Newsroom, key: str, published: int, words: str) -> None:
    with room.archive() as archive:
        add(archive, Post(key=key, published=published, text=Text(words)))


def times(site: Path) -> list[str]:
    feed = ElementTree.parse(site / "feed.xml").getroot()
    return [entry.findtext(f"{ATOM}published", "") for entry in feed.findall(f"{ATOM}entry")]


@pytest.mark.parametrize("published", [NOON + 10 * YEAR, 10**15, 0, -(10**9)])
def test_a_post_from_another_time_stands_where_its_date_says_and_harms_nothing(tmp_path: Path, published: int) -> None:
    room, site = sample(tmp_path / "room"), tmp_path / "site"
    build(room, site, now=NOON + 50 * DAY)
    with Mirror(tmp_path / "copy") as copy:
        copy.update(Folder(site))
        say(room, "x", published, "From another time")
        assert build(room, site, now=NOON + 50 * DAY + 60).serial == NOON + 50 * DAY + 60
        done = copy.update(Folder(site))
        assert not done.apart
    verify(tmp_path / "copy")
    parser = html5lib.HTMLParser(strict=True)
    parser.parse((site / "post/0/7.html").read_text("utf-8"))
    assert times(site) == sorted(times(site), reverse=True)
    say(room, "y", NOON + 51 * DAY, "From today")
    build(room, site, now=NOON + 51 * DAY)
    assert "From today" in (site / "index.html").read_text("utf-8")


def test_a_clock_that_was_a_year_ahead_is_set_right_and_copies_follow(tmp_path: Path) -> None:
    room, site = sample(tmp_path / "room"), tmp_path / "site"
    serials = []
    with Mirror(tmp_path / "copy") as copy:
        for number, now in enumerate((NOON, NOON + YEAR, NOON + 60, 0, NOON + 2 * YEAR)):
            say(room, f"x{number}", now, f"Post {number}")
            serials.append(build(room, site, now=now).serial)
            done = copy.update(Folder(site))
            assert (done.apart, done.manifest.serial) == (False, serials[-1])
            assert f"Post {number}" in (tmp_path / f"copy/post/0/{7 + number}.html").read_text("utf-8")
    assert serials == [NOON, NOON + YEAR, NOON + YEAR + 1, NOON + YEAR + 2, NOON + 2 * YEAR]


def test_a_newsroom_that_lost_its_disk_goes_on_from_its_site_though_its_clock_was_ahead(tmp_path: Path) -> None:
    room, site = sample(tmp_path / "room"), tmp_path / "site"
    build(room, site, now=NOON + YEAR)
    with Mirror(tmp_path / "copy") as copy:
        copy.update(Folder(site))
        with room.archive() as archive:
            archive.put_note("manifest", "")
        say(room, "x", NOON, "Something new")
        assert build(room, site, now=NOON).serial == NOON + YEAR + 1
        assert not copy.update(Folder(site)).apart


def test_a_copy_asks_no_clock_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room, site = sample(tmp_path / "room"), tmp_path / "site"
    build(room, site, now=NOON)
    with Mirror(tmp_path / "copy") as copy:
        for number, now in enumerate((0.0, 4e9, 1e9)):
            monkeypatch.setattr("time.time", lambda: now)  # noqa: B023
            say(room, f"x{number}", NOON, f"Post {number}")
            serial = build(room, site, now=NOON + number).serial
            assert copy.update(Folder(site)).manifest.serial == serial


def test_who_follows_by_feed_keeps_all_entries_when_key_and_address_change(tmp_path: Path) -> None:
    room, site = sample(tmp_path / "room"), tmp_path / "site"

    def entries() -> list[tuple[str, str]]:
        feed = ElementTree.parse(site / "feed.xml").getroot()
        found = [(entry, entry.find(f"{ATOM}link")) for entry in feed.findall(f"{ATOM}entry")]
        return [
            (entry.findtext(f"{ATOM}id", ""), "" if link is None else link.get("href", "")) for entry, link in found
        ]

    build(room, site, now=NOON)
    before = entries()
    for day in ("2026-11-26", "2026-11-27"):
        room.keys.hand_over("x", day)
    settings = room.settings_file.read_text()
    room.settings_file.write_text(settings.replace("https://news.example.org/", "https://moved.example/"))
    build(room, site, now=NOON + 60)
    assert [name for name, _ in entries()] == [name for name, _ in before]
    assert all(link.startswith("https://moved.example/") for _, link in entries())
