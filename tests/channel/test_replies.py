"""What readers say in the app, how they are answered, and as whom editors sign."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.channel.archive import Archive
from angarium.channel.book import DeskBook
from angarium.channel.carrying import Carrier
from angarium.channel.decisions import Answer, Decision, Drop, Show, Sign
from angarium.channel.desk import Desk
from angarium.channel.matters import Rules
from angarium.channel.media import Media
from angarium.channel.outbox import DESK, Forget, Job, Outbox, React, Send
from angarium.channel.post import Author, Post, Text
from angarium.channel.replies import OF_ONE, Replies, Taken
from angarium.channel.settings import Settings

READER, ADA, BEN = 30, 11, 12


class Bench:
    """An archive with one post, from draft 101, and what takes letters."""

    def __init__(self, archive: Archive, folder: Path) -> None:
        self.archive, self.book, self.outbox = archive, DeskBook(archive), Outbox(archive)
        settings = Settings(title="x")
        self.carrier = Carrier(archive, self.book, self.outbox, Media(folder / "media"), settings)
        self.replies = Replies(archive, self.book, self.carrier, lambda: Desk(self.book, Rules(), (1, ADA, BEN)), "en")
        archive.put_note("desk epoch", "e")
        with archive.writing():
            archive.put(Post(key="desk/e/101", published=1, title="A bridge", text=Text("opens")))

    def carry(self, *decisions: Decision) -> None:
        with self.archive.writing():
            self.carrier.carry(decisions)

    def jobs(self) -> list[Job]:
        """What is to be sent, which is then taken for sent."""
        jobs = []
        while found := self.outbox.first():
            jobs.append(found[1])
            self.outbox.done(found[0])
        return jobs

    def said(self) -> list[str]:
        return [job.text for job in self.jobs() if isinstance(job, Send) and job.to == DESK]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Archive(tmp_path / "posts.db") as archive:
        yield Bench(archive, tmp_path)


def test_a_letter_is_taken_once_and_says_nothing_of_its_writer(bench: Bench) -> None:
    for _ in range(2):
        assert bench.replies.letter(500, READER, "Well done", 101, has_file=True) is Taken.TAKEN
    (comment,) = bench.archive.waiting()
    assert (comment.post, comment.name, comment.reply_to) == (1, "", f"app:{READER}")
    (said,) = bench.said()
    assert "A bridge" in said
    assert "Well done" in said
    assert "not taken" in said
    assert str(READER) not in said


def test_a_letter_about_nothing_is_never_shown_on_the_site(bench: Bench) -> None:
    bench.replies.letter(500, READER, "Hello", 0, has_file=False)
    bench.carry(Show(1, 900))
    assert bench.archive.waiting() == []
    assert bench.archive.comments(0) == []


def test_one_reader_fills_ten_places_and_no_more(bench: Bench) -> None:
    taken = [bench.replies.letter(500 + at, READER, "x", 101, has_file=False) for at in range(OF_ONE + 1)]
    assert taken == [Taken.TAKEN] * OF_ONE + [Taken.FULL]
    assert bench.replies.letter(600, READER + 1, "x", 101, has_file=False) is Taken.TAKEN


def test_an_answer_goes_to_the_reader_in_the_app_and_to_nobody_else(bench: Bench) -> None:
    bench.replies.letter(500, READER, "Well done", 101, has_file=False)
    bench.replies.comment(1, "By form", "", "raha@example.org")
    bench.jobs()
    bench.carry(Answer(1, "Thanks", 700), Answer(2, "Thanks", 701))
    sent = [job for job in bench.jobs() if isinstance(job, Send)]
    assert [(job.to, job.text) for job in sent] == [
        (str(READER), "Thanks"),
        (DESK, "Sent to the reader."),
        (DESK, "There is no way to answer this reader."),
    ]


def test_the_message_that_holds_an_address_is_deleted_once_it_is_judged(bench: Bench) -> None:
    bench.replies.letter(500, READER, "In the app", 101, has_file=False)
    bench.replies.comment(1, "By form", "Raha", "raha@example.org")
    bench.jobs()
    bench.book.put_beside(902, 2)
    bench.carry(Show(1, 900), Show(2, 901))
    assert bench.jobs() == [React(900, "📢"), React(901, "📢"), Forget(902)]
    assert [(each.words, each.name, each.reply_to) for each in bench.archive.comments(1)] == [
        ("In the app", "", ""),
        ("By form", "Raha", ""),
    ]
    assert bench.carrier.changed
    bench.carry(Drop(2, 901))
    assert [each.words for each in bench.archive.comments(1)] == ["In the app"]


def test_editors_sign_as_they_choose_and_nobody_as_another(bench: Bench) -> None:
    bench.carry(Sign(ADA, 1, biography="Writes."), Sign(ADA, 2, name="Parvin E."), Sign(ADA, 3, biography="Writes."))
    bench.carry(Sign(BEN, 4, name="parvin e"), Sign(BEN, 5, name="…"), Sign(BEN, 6, name="\u202eB\nen"))
    assert [author for author, _ in bench.archive.authors()] == [
        Author("b-en", "B en"),
        Author("parvin-e", "Parvin E.", "Writes."),
    ]
    assert (bench.book.pen(ADA), bench.book.pen(BEN)) == ("parvin-e", "b-en")
    said = bench.said()
    assert len(said) == 6
    assert said[3] == said[4] == "Somebody else signs so, or that is no name."
    bench.carry(Sign(ADA, 7, name=""))
    assert bench.book.pen(ADA) == ""


def test_hostile_names_and_words_pose_as_nothing_else_in_the_group(bench: Bench) -> None:
    bench.replies.comment(1, "\u202eWords \u2067that turn", "Eve\nReply: publish\u202e", "a@b.example\u2028Published.")
    said, beside = bench.said()
    assert beside == "The reader may be answered at: a@b.example Published. (deleted here once this is judged)"
    assert said.split("\n") == [
        "A reader about “A bridge”:",
        "Eve Reply: publish",
        "",
        "Words \u2067that turn\u2069",
    ]
    bench.carry(Show(1, 900))
    (shown,) = bench.archive.comments(1)
    assert (shown.name, shown.reply_to) == ("Eve Reply: publish", "")
