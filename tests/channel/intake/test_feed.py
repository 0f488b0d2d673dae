"""Feeds taken over, and feeds that are traps."""

import io
from pathlib import Path

import pytest

from angarium.channel.intake.refusal import Refused
from angarium.channel.intake.run import Imported, import_feed
from angarium.channel.post import Author, Mark, Span, Text
from tests.channel.exports.feeds import ATOM, RSS
from tests.channel.exports.make import HERE
from tests.channel.intake.conftest import NOW, Room


def take(room: Room, octets: bytes) -> Imported:
    return import_feed(io.BytesIO(octets).read, "feed.xml", room.archive, room.media, NOW, lambda part, posts: None)


def test_atom(room: Room) -> None:
    done = take(room, (HERE / "atom.xml").read_bytes())
    assert (done.title, done.new) == ("The Evening Post", 3)
    found = {filed.post.title: filed.post for filed in room.archive.posts()}
    plain, html, xhtml = found["Plain & simple"], found["An HTML one"], found["XHTML"]
    assert plain.text == Text("Two <b>signs</b> of plain text.")
    assert (plain.published, plain.changed, plain.author) == (1_709_274_600, 1_709_361_000, "maryam-r")
    assert plain.tags == ("economy", "bread_prices")
    assert "alert" not in html.text.words
    assert {span.value for span in html.text.spans if span.mark is Mark.LINK} == {
        "https://example.org/more",
        "https://example.org/2024/talk.mp3",
    }
    assert xhtml.text == Text("One word.\n\nSaid somebody", (Span(4, 4, Mark.BOLD), Span(11, 13, Mark.QUOTE)))
    assert room.archive.authors() == [(Author("maryam-r", "Maryam R."), 1)]
    assert take(room, ATOM.encode()).same == 3


def test_rss(room: Room) -> None:
    assert take(room, RSS.encode()).title == "Old Weblog"
    second, first = [filed.post for filed in room.archive.posts()]
    assert first.text.words.startswith("The whole text\xa0– all of it.")
    assert (first.title, first.author, second.author) == ("First & foremost", "zahra", "алексей")
    room.archive.close()
    assert not any(b"desk@example.org" in file.read_bytes() for file in room.folder.iterdir() if file.is_file())


BOMB = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><rss>&b;</rss>'
FILE = '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss>&a;</rss>'


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        (BOMB, "entity"),
        (FILE, "entity"),
        ("<rss>&undefined;</rss>", "undefined entity"),
        ("<html></html>", "neither"),
        ("", "no element"),
        ("<rss><item></rss>", "mismatched"),
        ("<rss>" + "<a>" * 300, "within each other"),
        ("<rss><channel><item><title>x</title></item></channel></rss>", "without a date"),
        ("<rss><channel><item><title>x</title><pubDate>soon</pubDate></item></channel></rss>", "is no date"),
        (RSS.replace("2024", "2094"), "yet to come"),
        ('<?xml version="1.0" encoding="none"?><rss/>', "encoding"),
    ],
)
def test_what_is_refused(room: Room, xml: str, why: str) -> None:
    with pytest.raises(Refused, match=rf"feed.xml, line \d+, column \d+: .*{why}"):
        take(room, xml.encode())
    assert room.archive.count() == 0


@pytest.mark.parametrize("feed", [ATOM, RSS])
def test_what_is_cut_short_is_refused_whole(room: Room, feed: str) -> None:
    octets = feed.rstrip().encode()
    for end in range(0, len(octets), 37):
        with pytest.raises(Refused):
            take(room, octets[:end])
    assert room.archive.count() == 0


def test_it_is_the_same_however_it_comes(room: Room, tmp_path: Path) -> None:
    take(room, ATOM.encode())
    (tmp_path / "other").mkdir()
    other = Room(tmp_path / "other")
    file = io.BytesIO(ATOM.encode())
    import_feed(lambda size: file.read(1), "feed.xml", other.archive, other.media, NOW, lambda part, posts: None)
    assert list(other.archive.posts()) == list(room.archive.posts())
