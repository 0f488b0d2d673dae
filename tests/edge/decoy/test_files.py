"""What is kept of files, and that it is never given out for what is there now."""

import errno
import os
import time
from pathlib import Path

import pytest

from angarium.edge.decoy import files
from angarium.edge.decoy.answer import Piece
from angarium.edge.decoy.files import AT_ONCE, KEPT, Kept, content

OLD = time.time() - 1000


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """Keeps what has changed just now, too: time cannot be set back for it."""
    monkeypatch.setattr(files, "FINE_SECONDS", -1.0)
    return Kept()


def see(kept: Kept, path: Path) -> bytes | None:
    found = kept.file(str(path), os.lstat(path))
    return None if found is None else found.content


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are opened from here on."""
    opened: list[str] = []
    really = os.open

    def note(path: str, flags: int) -> int:
        opened.append(Path(path).name)
        return really(path, flags)

    monkeypatch.setattr(os, "open", note)
    return opened


def test_a_file_is_read_once(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    opened = reads(monkeypatch)
    assert [see(kept, tmp_path / "a") for _ in range(3)] == [b"hello"] * 3
    assert opened == ["a"]


def test_what_was_changed_or_replaced_is_read_anew(kept: Kept, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    os.utime(path, (OLD, OLD))
    assert see(kept, path) == b"hello"
    path.write_bytes(b"world")
    assert see(kept, path) == b"world"
    (tmp_path / "b").write_bytes(b"other")
    os.utime(tmp_path / "b", ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
    (tmp_path / "b").replace(path)
    assert see(kept, path) == b"other"


def test_what_changed_just_now_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    opened, kept = reads(monkeypatch), Kept()
    assert [see(kept, tmp_path / "a") for _ in range(2)] == [b"hello"] * 2
    assert opened == ["a", "a"]


def test_so_much_is_kept_and_no_more(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / str(number) for number in range(KEPT // AT_ONCE + 1)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes((number,)) * AT_ONCE)
        assert see(kept, path) == bytes((number,)) * AT_ONCE
    opened = reads(monkeypatch)
    assert see(kept, paths[-1]) is not None
    assert opened == []
    assert see(kept, paths[0]) is not None
    assert opened == ["0"]


def test_of_files_with_nothing_in_them_there_are_not_any_number_either(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "KEPT", 10 * files.BESIDE)
    for number in range(11):
        (tmp_path / str(number)).touch()
        assert see(kept, tmp_path / str(number)) == b""
    opened = reads(monkeypatch)
    assert [see(kept, tmp_path / str(number)) for number in (10, 0)] == [b"", b""]
    assert opened == ["0"]


def test_large_ones_and_links_and_what_changes_meanwhile_are_left_to_others(kept: Kept, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(AT_ONCE + 1))
    assert see(kept, path) is None
    path.write_bytes(b"hello")
    before = os.lstat(path)
    path.write_bytes(b"hello, world")
    assert kept.file(str(path), before) is None
    os.symlink(path, tmp_path / "link")
    assert kept.file(str(tmp_path / "link"), os.stat(path)) is None


async def test_parts_are_filled_up_where_the_file_has_become_shorter(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    assert await content(Piece(str(path), 1, 3)) == b"ell"
    assert await content(Piece(str(path), 3, 4)) == b"lo\0\0"
    with pytest.raises(ConnectionAbortedError):
        await content(Piece(str(tmp_path / "b"), 0, 1))


@pytest.mark.parametrize("nowait", [None, "refused"])
async def test_what_had_to_be_waited_for_is_kept(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nowait: str | None
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EOPNOTSUPP, "not on this disk")

    if nowait is None:
        monkeypatch.setattr(files, "NOWAIT", None)
    else:
        monkeypatch.setattr(os, "preadv", refuse)
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    assert see(kept, path) is None
    assert await content(Piece(str(path), 0, 5, kept)) == b"hello"
    assert see(kept, path) == b"hello"
    path.write_bytes(b"other")
    os.utime(path, (OLD, OLD))
    assert see(kept, path) is None
    assert await content(Piece(str(path), 0, 3, kept)) == b"oth", "and is not taken for all of it"
    assert await content(Piece(str(path), 1, 4, kept)) == b"ther"
    assert see(kept, path) is None


async def test_what_is_reached_by_a_link_is_not_found_by_it(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    os.symlink("a", tmp_path / "link")
    kept.keep(str(tmp_path / "link"), os.stat(tmp_path / "a"), b"hello")
    assert kept.file(str(tmp_path / "link"), os.lstat(tmp_path / "link")) is None
