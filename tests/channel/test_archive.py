"""The archive: what is put is there, once, in order; what is withdrawn is gone for good."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from angarium.channel.archive import Archive, ArchiveError, Put
from angarium.channel.post import Author, Comment, Mark, Option, Poll, Post, Span, Text


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive(tmp_path / "posts.sqlite") as archive:
        yield archive


def post(key: str, published: int = 100, **more: object) -> Post:
    return msgspec.structs.replace(Post(key=key, published=published, text=Text(f"says {key}")), **more)


def keys(posts: object) -> list[str]:
    return [filed.post.key for filed in posts]  # type: ignore[attr-defined]


def test_a_post_is_new_then_the_same_then_changed(archive: Archive) -> None:
    with archive.writing():
        assert archive.put(post("a")) is Put.NEW
        assert archive.put(post("a")) is Put.SAME
        assert archive.put(post("a", changed=200, text=Text("other"))) is Put.CHANGED
    filed = archive.find("a")
    assert filed is not None
    assert (filed.number, filed.post.text.words, archive.count()) == (1, "other", 1)
    assert archive.get(1) == filed


def test_nothing_of_what_was_put_is_kept_if_the_writing_fails(archive: Archive) -> None:
    def fail() -> None:
        with archive.writing():
            archive.put(post("a"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert archive.count() == 0


def test_the_latest_comes_first_and_posts_are_found_by_author_tag_and_time(archive: Archive) -> None:
    with archive.writing():
        for number in range(6):
            author, tags = ("ann", "bob")[number % 2], ("odd",) if number % 2 else ("even", "all")
            archive.put(post(str(number), number * 10, author=author, tags=tags))
    assert keys(archive.posts()) == ["5", "4", "3", "2", "1", "0"]
    assert keys(archive.posts(author="ann")) == ["4", "2", "0"]
    assert keys(archive.posts(tag="odd")) == ["5", "3", "1"]
    assert keys(archive.posts(since=10, until=40)) == ["3", "2", "1"]
    assert keys(archive.posts(author="bob", tag="odd", since=11)) == ["5", "3"]
    assert archive.tags() == [("all", 3), ("even", 3), ("odd", 3)]
    assert archive.span() == (0, 50)


def test_tags_and_further_keys_follow_a_change(archive: Archive) -> None:
    with archive.writing():
        archive.put(post("a", tags=("x",), also=("a2",)))
        archive.put(post("a", tags=("y",), also=("a3",)))
    assert archive.find("a2") is None
    assert archive.find("a3") == archive.find("a")
    assert archive.tags() == [("y", 1)]


def test_what_is_withdrawn_does_not_come_back_and_says_nothing(archive: Archive, tmp_path: Path) -> None:
    with archive.writing():
        archive.put(post("a", text=Text("unsayable"), tags=("x",), also=("b",)))
        archive.put_comment(Comment(post=1, written=1, words="indeed"))
        assert archive.withdraw(1)
        assert not archive.withdraw(1)
        assert archive.put(post("a")) is Put.WITHDRAWN
    assert (archive.count(), archive.find("a"), archive.find("b"), archive.tags()) == (0, None, None, [])
    assert list(archive.withdrawn()) == [1]
    archive.close()
    with sqlite3.connect(tmp_path / "posts.sqlite") as db:
        assert "unsayable" not in "\n".join(db.iterdump())


def test_authors_have_counts(archive: Archive) -> None:
    archive.put_author(Author("bob", "Bob"))
    archive.put_author(Author("ann", "Ann", "writes"))
    with archive.writing():
        archive.put(post("a", author="ann"))
        archive.put(post("b", author="ann"))
    assert archive.authors() == [(Author("ann", "Ann", "writes"), 2), (Author("bob", "Bob"), 0)]


def test_comments_wait_and_are_shown_without_the_way_to_their_writer(archive: Archive) -> None:
    for words in ("good", "bad"):
        archive.put_comment(Comment(post=7, written=5, words=words, reply_to="somebody@example.org"))
    assert [comment.words for comment in archive.waiting()] == ["good", "bad"]
    assert archive.comments(7) == []
    assert archive.judge_comment(1, show=True)
    assert archive.judge_comment(2, show=False)
    assert not archive.judge_comment(2, show=True)
    assert archive.comments(7) == [Comment(number=1, post=7, written=5, words="good")]
    assert archive.waiting() == []


def test_what_was_deleted_is_scrubbed_from_the_log_too_once_nobody_reads(archive: Archive, tmp_path: Path) -> None:
    def on_disk() -> bool:
        return any(b"somebody@example.org" in path.read_bytes() for path in tmp_path.iterdir())

    archive.put_comment(Comment(post=7, written=5, words="good", reply_to="somebody@example.org"))
    archive.judge_comment(1, show=True)
    assert on_disk()
    with Archive(tmp_path / "posts.sqlite") as other, other.reading():
        other.count()
        assert not archive.scrub()
    assert archive.scrub()
    assert not on_disk()
    assert [comment.words for comment in archive.comments(7)] == ["good"]


def test_notes(archive: Archive) -> None:
    assert archive.note("import") == ""
    archive.put_note("import", "1")
    archive.put_note("import", "2")
    assert archive.note("import") == "2"


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"noise" * 1000)
    with pytest.raises(ArchiveError, match="no archive"):
        Archive(tmp_path / "noise")
    later = tmp_path / "later"
    with sqlite3.connect(later) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(ArchiveError, match="later release"):
        Archive(later)


HALF = "a\ud83d b"


def test_half_of_a_pair_is_kept_as_what_stands_for_it(archive: Archive) -> None:
    archive.add_author(Author("x\udc00", HALF))
    archive.put_author(Author("y", "Y", HALF))
    text = Text(HALF, (Span(1, 1, Mark.BOLD), Span(2, 2, Mark.LINK, "https://example.org/\udfff")))
    poll = Poll(HALF, (Option(HALF, 3),))
    with archive.writing():
        put = post(HALF, title=HALF, text=text, poll=poll, tags=(HALF, "b"), also=("c\ud83d",), author="x\udc00")
        assert archive.put(put) is Put.NEW
        assert archive.put(put) is Put.SAME
        number = archive.put_comment(Comment(post=1, written=1, name=HALF, words=HALF))
        archive.put_note(HALF, HALF)
    filed = archive.find(HALF)
    assert filed is not None
    assert filed == archive.find("a\ufffd b") == archive.find("c\ud83d")
    assert filed.post.title == filed.post.text.words == "a\ufffd b"
    assert [(span.start, span.length, span.mark) for span in filed.post.text.spans] == [(1, 1, "bold"), (2, 2, "link")]
    assert filed.post.poll == Poll("a\ufffd b", (Option("a\ufffd b", 3),))
    assert archive.tags() == [("a\ufffd b", 1), ("b", 1)]
    assert [author.name for author, _ in archive.authors()] == ["a\ufffd b", "Y"]
    assert (archive.waiting()[0].words, archive.note(HALF), number) == ("a\ufffd b", "a\ufffd b", 1)
