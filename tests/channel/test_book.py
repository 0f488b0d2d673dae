"""The desk's book on disk says what it was told, after a start too."""

from pathlib import Path

from angarium.channel.archive import Archive
from angarium.channel.book import DeskBook
from angarium.channel.matters import Motion, Motive


def test_votes_and_members_are_there_after_a_start(tmp_path: Path) -> None:
    motion = Motion(Motive.NAME, 11, 11, "Parvin", ballot=101, reacted=frozenset({12}), by_reply={105: 13, 106: 12})
    with Archive(tmp_path / "posts.db") as archive:
        book = DeskBook(archive)
        assert book.members() == frozenset()
        with archive.writing():
            book.motions[1] = motion
            book.note_members({1, 12, 11})
    with Archive(tmp_path / "posts.db") as archive:
        book = DeskBook(archive)
        assert book.motions[1] == motion
        assert book.members() == {1, 11, 12}
