"""Media: each file once, whole, by its digest."""

import hashlib
from pathlib import Path

import pytest

from angarium.channel.media import Media, TooLarge


def test_octets_are_kept_once_under_their_digest(tmp_path: Path) -> None:
    media = Media(tmp_path / "media")
    digest, size = media.keep([b"ab", b"c"], most=3)
    assert (digest, size) == (hashlib.sha256(b"abc").hexdigest(), 3)
    assert media.keep([b"abc"], most=3) == (digest, 3)
    assert digest in media
    assert media.path(digest).read_bytes() == b"abc"
    assert len([file for file in (tmp_path / "media").rglob("*") if file.is_file()]) == 1


def test_what_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    media = Media(tmp_path / "media")
    with pytest.raises(TooLarge):
        media.keep([b"ab", b"cd"], most=3)
    assert list((tmp_path / "media").iterdir()) == []


def test_sweeping_removes_what_nobody_names_and_what_is_unfinished(tmp_path: Path) -> None:
    media = Media(tmp_path)
    wanted, _ = media.keep([b"wanted"], most=9)
    other, _ = media.keep([b"other"], most=9)
    (tmp_path / "ff.part").write_bytes(b"half")
    assert media.sweep({wanted}) == 2
    assert (wanted in media, other in media, (tmp_path / "ff.part").exists()) == (True, False, False)


def test_a_batch_is_kept_together_or_not_at_all(tmp_path: Path) -> None:
    media = Media(tmp_path)
    before, _ = media.keep([b"before"], most=9)
    batch = media.batch()
    digests = [batch.keep([octets], most=9)[0] for octets in (b"one", b"two", b"one", b"before")]
    assert all(digest in batch for digest in digests)
    assert [digest in media for digest in digests] == [False, False, False, True]
    batch.settle()
    assert all(media.path(digest).is_file() for digest in digests)
    assert list(tmp_path.glob("*.part")) == []
    batch.undo({digests[1]})
    assert [digest in media for digest in (before, *digests[:2])] == [True, False, True]


def test_what_a_batch_left_behind_is_removed_by_the_next(tmp_path: Path) -> None:
    media = Media(tmp_path)
    media.batch().keep([b"left behind"], most=99)
    (tmp_path / "other.part").write_bytes(b"somebody writes this")
    with pytest.raises(TooLarge):
        media.batch().keep([b"too large"], most=3)
    assert [file.name for file in tmp_path.iterdir()] == ["other.part"]
