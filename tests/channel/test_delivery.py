"""Sending: once, wherever it is cut off. The core here is a few lines that keep messages; for the real one see e2e."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from PIL import Image

from angarium.channel.archive import Archive
from angarium.channel.book import DeskBook
from angarium.channel.carrying import Carrier
from angarium.channel.decisions import Change, Publish, Show, Withdraw
from angarium.channel.delivery import DELIVERED, FAILED, Delivery
from angarium.channel.desk import Desk
from angarium.channel.matters import Draft, File, Part, Rules, Stage
from angarium.channel.media import Media
from angarium.channel.outbox import Outbox
from angarium.channel.post import Post
from angarium.channel.replies import Replies
from angarium.channel.settings import Settings
from angarium.lab.core import CoreEnded, CoreError
from tests.channel.recording.make import SECRETS, film, ogg

if TYPE_CHECKING:
    from angarium.channel.publisher import Publisher

CHANNEL, GROUP = 10, 11
DRAFT = 101


class Cut(CoreEnded):
    """The power is cut here."""


class Core:
    """Keeps messages, as the real one does on disk; may be cut off before or after any call."""

    channel, group = CHANNEL, GROUP

    def __init__(self) -> None:
        self.messages: dict[int, dict[str, Any]] = {DRAFT: {"chat": GROUP, "text": "", "fromId": 11, "isInfo": False}}
        self.cut_after = -1
        self.edits: list[tuple[int, str]] = []
        self.resent: list[int] = []
        self.busy = False

    async def call(self, method: str, *params: Any) -> Any:
        if self.cut_after == 0:
            raise Cut
        result = getattr(self, method)(*params)
        self.cut_after -= 1
        if self.cut_after == 0:
            raise Cut
        return result

    async def existing(self, messages: list[int]) -> list[int]:
        return [each for each in messages if each in self.messages]

    async def idle(self) -> bool:
        return not self.busy

    def desk(self, book: DeskBook) -> Desk:
        return Desk(book, Rules(), (1, 11, 12))

    def get_message_ids(self, chat: int, *_: bool) -> list[int]:
        return [number for number, message in self.messages.items() if message["chat"] == chat]

    def get_message(self, number: int) -> dict[str, Any]:
        if number not in self.messages:
            raise CoreError("there is none")
        return {"state": 20, "error": None, **self.messages[number]}

    def send_msg(self, chat: int, data: dict[str, Any]) -> int:
        number = max(self.messages) + 1
        self.messages[number] = {"chat": chat, "fromId": 1, "isInfo": False, **data}
        return number

    def send_edit_request(self, number: int, text: str) -> None:
        self.messages[number]["text"] = text
        self.edits.append((number, text))

    def delete_messages_for_all(self, numbers: list[int]) -> None:
        for number in numbers:
            del self.messages[number]

    def send_reaction(self, number: int, signs: list[str]) -> None:
        self.messages[number]["reaction"] = signs

    def resend_messages(self, numbers: list[int]) -> None:
        self.resent += numbers

    def texts(self, chat: int) -> list[str]:
        return [each["text"] for each in self.messages.values() if each["chat"] == chat and each["fromId"] == 1]


class Bench:
    """A newsroom whose service starts anew for each delivery, on the same disk and the same core."""

    def __init__(self, archive: Archive, folder: Path) -> None:
        self.archive, self.book, self.outbox = archive, DeskBook(archive), Outbox(archive)
        self.core = Core()
        self.carrier = Carrier(archive, self.book, self.outbox, Media(folder / "media"), Settings(title="x"))
        archive.put_note("desk epoch", "e")

    def deliver(self) -> Delivery:
        return Delivery(cast("Publisher", self.core), self.archive, self.book, self.outbox, self.carrier)

    def publish(self, *files: File, text: str = "News") -> None:
        with self.archive.writing():
            parts = [Part(DRAFT, text, files[0] if files else None)]
            parts += [Part(200 + at, "", file) for at, file in enumerate(files[1:])]
            self.book.drafts[DRAFT] = Draft(11, tuple(parts), text, Stage.PUBLISHED)
            self.carrier.carry([Publish(DRAFT)])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Archive(tmp_path / "posts.db") as archive:
        yield Bench(archive, tmp_path)


def picture(folder: Path, name: str) -> File:
    Image.new("RGB", (8, 8)).save(folder / name, "JPEG", comment=f"a secret place: {name}")
    return File(str(folder / name), name, "Image")


@pytest.mark.parametrize("cut", range(1, 10))
async def test_wherever_it_is_cut_off_all_is_sent_once(bench: Bench, tmp_path: Path, cut: int) -> None:
    bench.publish(picture(tmp_path, "a"), picture(tmp_path, "b"))
    bench.core.cut_after = cut
    try:
        await bench.deliver().empty()
        done = True
    except CoreEnded:
        done = False
    bench.core.cut_after = -1
    await bench.deliver().empty()
    assert (bench.core.texts(CHANNEL), bench.core.texts(GROUP)) == (["News", ""], ["Published."])
    assert [part for part, _ in bench.book.carriers(DRAFT)] == [0, 1]
    assert len(bench.outbox) == 0
    assert done == (cut > 7)


async def test_a_change_and_a_withdrawal_reach_the_message_that_carries_the_post(bench: Bench) -> None:
    bench.publish()
    with bench.archive.writing():
        bench.carrier.carry([Change(DRAFT, "Title\n\nOther")])
    await bench.deliver().empty()
    assert bench.core.texts(CHANNEL) == ["Title\n\nOther"]
    filed = bench.archive.find("desk/e/101")
    assert filed
    assert (filed.post.title, filed.post.text.words) == ("Title", "Other")
    with bench.archive.writing():
        bench.carrier.carry([Withdraw(DRAFT)])
    await bench.deliver().empty()
    assert (bench.core.texts(CHANNEL), bench.archive.count()) == ([], 0)
    assert bench.core.texts(GROUP) == ["Published.", "Changed.", "Withdrawn."]


async def test_words_are_added_behind_a_picture_that_had_none(bench: Bench, tmp_path: Path) -> None:
    bench.publish(picture(tmp_path, "a"), text="")
    await bench.deliver().empty()
    with bench.archive.writing():
        bench.carrier.carry([Change(DRAFT, "Words")])
    await bench.deliver().empty()
    assert (bench.core.texts(CHANNEL), bench.core.edits) == (["", "Words"], [])
    assert len(bench.book.carriers(DRAFT)) == 2


async def test_what_a_camera_wrote_stays_here_and_a_withdrawn_picture_goes(bench: Bench, tmp_path: Path) -> None:
    bench.publish(picture(tmp_path, "a"))
    await bench.deliver().empty()
    (message,) = [each for each in bench.core.messages.values() if each.get("file")]
    assert b"secret" not in Path(message["file"]).read_bytes()
    with bench.archive.writing():
        bench.carrier.carry([Withdraw(DRAFT)])
    assert [file for file in (tmp_path / "media").rglob("*") if file.is_file()] == []


async def test_a_post_whose_picture_is_missing_is_not_published_without_it(bench: Bench) -> None:
    bench.publish(File("/nowhere/x.jpg", "x.jpg", "Image"))
    await bench.deliver().empty()
    assert (bench.archive.count(), bench.core.texts(CHANNEL)) == (0, [])
    assert "attached" in bench.core.texts(GROUP)[0]


async def test_what_did_not_get_through_is_said_once(bench: Bench) -> None:
    bench.publish()
    await bench.deliver().empty()
    ((_, message),) = bench.book.carriers(DRAFT)
    bench.core.messages[message] |= {"state": FAILED, "error": "the relay is full"}
    await bench.deliver().confirm()
    await bench.deliver().confirm([message])
    await bench.deliver().empty()
    assert ["the relay is full" in text for text in bench.core.texts(GROUP)] == [False, True]


async def test_what_the_core_has_lost_on_its_way_is_handed_to_it_again(bench: Bench) -> None:
    bench.publish()
    await bench.deliver().empty()
    ((_, message),) = bench.book.carriers(DRAFT)
    bench.core.busy = True
    await bench.deliver().resume()
    assert bench.core.resent == []
    bench.core.busy = False
    await bench.deliver().resume()
    assert bench.core.resent == [message]
    bench.core.messages[message]["state"] = DELIVERED
    await bench.deliver().resume()
    assert bench.core.resent == [message]


async def test_nor_does_a_video_or_a_voice_say_where_it_was_made(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(film())
    (tmp_path / "b.ogg").write_bytes(ogg())
    bench.publish(File(str(tmp_path / "a.mp4"), "a.mp4", "Video"), File(str(tmp_path / "b.ogg"), "b.ogg", "Voice"))
    await bench.deliver().empty()
    sent = [Path(each["file"]).read_bytes() for each in bench.core.messages.values() if each.get("file")]
    assert [len(octets) > 100 for octets in sent] == [True, True]
    assert not any(secret in octets for octets in sent for secret in SECRETS)


@pytest.mark.parametrize(("name", "octets"), [("a.mp4", film()[:-50]), ("a.heic", b"\0\0\0\x18ftypheic" + bytes(99))])
async def test_a_file_that_may_say_it_is_not_published(bench: Bench, tmp_path: Path, name: str, octets: bytes) -> None:
    (tmp_path / name).write_bytes(octets)
    bench.publish(File(str(tmp_path / name), name, "File"))
    await bench.deliver().empty()
    assert (bench.archive.count(), bench.core.texts(CHANNEL)) == (0, [])
    assert "where it was made" in bench.core.texts(GROUP)[0]
    assert not any(file.is_file() for file in (tmp_path / "media").rglob("*"))


async def test_a_clock_that_went_back_leaves_no_post_changed_before_it_was_published(
    bench: Bench, tmp_path: Path
) -> None:
    now = [2000.0]
    settings = Settings(title="x")
    bench.carrier = Carrier(
        bench.archive, bench.book, bench.outbox, Media(tmp_path / "media"), settings, lambda: now[0]
    )
    bench.publish()
    now[0] = 1000.0
    with bench.archive.writing():
        bench.carrier.carry([Change(DRAFT, "Other")])
    filed = bench.archive.find("desk/e/101")
    assert filed
    assert (filed.post.published, filed.post.changed) == (2000, 2000)


@pytest.mark.parametrize("cut", range(1, 8))
async def test_how_a_reader_may_be_answered_stands_beside_their_words_until_they_are_judged(
    bench: Bench, tmp_path: Path, cut: int
) -> None:
    def on_disk() -> bool:
        return any(b"raha@example.org" in path.read_bytes() for path in tmp_path.glob("posts.db*"))

    with bench.archive.writing():
        bench.archive.put(Post(key="a", published=1, title="A bridge"))
    replies = Replies(bench.archive, bench.book, bench.carrier, lambda: bench.core.desk(bench.book), "en")
    replies.comment(1, "Well done", "Raha", "raha@example.org")
    bench.core.cut_after = cut
    with contextlib.suppress(CoreEnded):
        await bench.deliver().empty()
    bench.core.cut_after = -1
    await bench.deliver().empty()
    words, address = sorted(number for number in bench.core.messages if number != DRAFT)
    assert "raha@example.org" not in bench.core.messages[words]["text"]
    assert "raha@example.org" in bench.core.messages[address]["text"]
    assert bench.core.messages[address]["quotedMessageId"] == words
    assert on_disk()
    with bench.archive.writing():
        bench.carrier.carry([Show(1, words)])
    await bench.deliver().empty()
    assert address not in bench.core.messages
    assert bench.core.messages[words]["reaction"] == ["📢"]
    assert not on_disk()
