"""The comment form's receiving end: what it takes, what it says, and that it keeps nothing about who asks."""

import asyncio
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

import html5lib
import pytest

from angarium.channel.archive import Archive
from angarium.channel.book import DeskBook
from angarium.channel.carrying import Carrier
from angarium.channel.desk import Desk
from angarium.channel.form import Form, serving
from angarium.channel.matters import Rules
from angarium.channel.media import Media
from angarium.channel.outbox import Outbox, Send
from angarium.channel.post import Post, Text
from angarium.channel.replies import WAITING, Replies
from angarium.channel.settings import Settings
from angarium.channel.speech import speech
from angarium.channel.ticket import SOONEST

SETTINGS = Settings(title="کاروان", language="fa", address="https://news.example.org/", comments=True)
SAY = speech("fa").form
TICKET = re.compile(r'name="ticket" value="([^"]+)"')
GOOD = {"post": "1", "words": "چه خوب <b>", "name": "رها", "reply": "raha@example.org", "answer": "باز", "site": ""}


class Bench:
    """A form with what stands behind it."""

    def __init__(self, archive: Archive, media: Media) -> None:
        self.archive = archive
        self.now = 100.0
        self.woken = 0
        self.outbox = Outbox(archive)
        book = DeskBook(archive)
        carrier = Carrier(archive, book, self.outbox, media, SETTINGS)
        self.replies = Replies(archive, book, carrier, lambda: Desk(book, Rules(), (1, 11, 12)), "fa")
        self.form = Form(SETTINGS, archive, self.replies, self.wake, lambda: self.now)
        with archive.writing():
            archive.put(Post(key="a", published=1, title="پل باز شد", text=Text("…")))

    def wake(self) -> None:
        self.woken += 1

    def post(self, fields: Mapping[str, str]) -> tuple[int, str]:
        page = self.form.answer("POST", urlencode(fields).encode())
        html5lib.HTMLParser(strict=True).parse(page.body.decode())
        return page.status, page.body.decode()

    def confirm(self, fields: Mapping[str, str]) -> tuple[int, str]:
        _, body = self.post(fields)
        found = TICKET.search(body)
        assert found
        self.now += SOONEST
        return self.post({**fields, "ticket": found[1]})


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Archive(tmp_path / "posts.db") as archive:
        yield Bench(archive, Media(tmp_path / "media"))


def test_a_comment_is_shown_back_and_then_taken_once(bench: Bench) -> None:
    status, body = bench.post(GOOD)
    assert status == 200
    assert 'dir="rtl"' in body
    assert "چه خوب &lt;b&gt;" in body
    assert bench.archive.waiting() == []
    ticket = TICKET.search(body)
    assert ticket
    assert bench.post({**GOOD, "ticket": ticket[1]})[0] == 400
    bench.now += SOONEST
    status, body = bench.post({**GOOD, "ticket": ticket[1]})
    assert (status, SAY["sent"] in body) == (200, True)
    assert "https://news.example.org/post/" in body
    assert SAY["expired"] in bench.post({**GOOD, "ticket": ticket[1]})[1]
    (comment,) = bench.archive.waiting()
    assert (comment.post, comment.words, comment.name) == (1, "چه خوب <b>", "رها")
    said = []
    while found := bench.outbox.first():
        assert isinstance(found[1], Send)
        said.append(found[1])
        bench.outbox.done(found[0])
    assert ["پل باز شد" in each.text for each in said] == [True, False]
    assert ["raha@example.org" in each.text for each in said] == [False, True], "a reply to the first quotes no address"
    assert said[1].beside == said[0].motion
    assert bench.woken == 1


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"words": " \r\n "}, 400, "missing"),
        ({"words": "x" * 4001}, 400, "too_long"),
        ({"name": "x" * 81}, 400, "too_long"),
        ({"answer": "نه"}, 400, "answer"),
        ({"site": "http://spam"}, 400, "request"),
        ({"post": "9"}, 404, "unknown"),
        ({"post": "x"}, 404, "unknown"),
        ({"post": "9" * 30}, 404, "unknown"),
        ({"ticket": "made up"}, 400, "expired"),
    ],
)
def test_what_is_wrong_is_said_in_the_channels_language(
    bench: Bench, change: dict[str, str], status: int, why: str
) -> None:
    answered, body = bench.post({**GOOD, **change})
    assert answered == status
    assert SAY[why].format(most=4000, name=80) in body
    assert 'role="alert"' in body
    assert bench.archive.waiting() == []


@pytest.mark.parametrize("body", [b"", b"\xff", b"post=1&" * 30, b"words=x", b"{}"])
def test_what_is_no_form_is_refused(bench: Bench, body: bytes) -> None:
    assert bench.form.answer("POST", body).status == 400
    assert bench.form.answer("GET", body).status == 405


def test_no_more_than_so_many_wait(bench: Bench) -> None:
    for _ in range(WAITING):
        bench.replies.comment(1, "x", "", "")
    status, body = bench.confirm(GOOD)
    assert (status, SAY["full"] in body) == (503, True)
    assert len(bench.archive.waiting()) == WAITING


def test_a_reader_cannot_pose_as_one_in_the_app(bench: Bench) -> None:
    bench.confirm({**GOOD, "reply": "app:11"})
    assert bench.archive.waiting()[0].reply_to == "11"


async def test_over_http_without_a_word_about_who_asks(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    body = urlencode(GOOD).encode()
    caplog.set_level(logging.DEBUG)
    async with serving(bench.form, "127.0.0.1", 0) as port:

        async def ask(request: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            answer = await reader.read()
            writer.close()
            return answer

        head = b"POST /comment HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.77\r\nContent-Length: %d\r\n\r\n"
        answered = await ask(head % len(body) + body)
        assert answered.startswith(b"HTTP/1.1 200 ")
        assert b"set-cookie" not in answered.lower()
        assert b"<script" not in answered.lower()
        assert TICKET.search(answered.decode())
        for nonsense in (b"\0\n\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", head % 99999999 + b"x" * 70_000):
            assert b"HTTP/1.1 40" in await ask(nonsense)
    kept = (bench.archive.database.execute("SELECT group_concat(hex(comment)) FROM comments").fetchone()[0] or "") + (
        caplog.text
    )
    assert "192.0.2.77" not in kept
    assert "127.0.0.1" not in kept.replace(f"127.0.0.1', {port}", "")
