"""Files that are there whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from angarium.reach.files import erase, let_go, overwrite, replace_erased, write_whole


def test_a_file_is_written_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "tls" / "key.pem"
    write_whole(path, b"secret")
    assert path.read_bytes() == b"secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key.pem"
    write_whole(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path], "nothing half written lies about"


def test_erasing_overwrites_every_byte_before_the_name_goes(tmp_path: Path) -> None:
    path = tmp_path / "key"
    secret = os.urandom(3 << 20)
    path.write_bytes(secret)
    os.link(path, tmp_path / "other name")
    overwrite(path)
    assert path.read_bytes() == b""
    path.write_bytes(secret)
    erase(path)
    assert not path.exists()
    assert (tmp_path / "other name").read_bytes() == b"", "the bytes are gone under every name"
    with pytest.raises(FileNotFoundError):
        erase(path)


def test_what_is_replaced_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_whole(path, b"old secret")
    os.link(path, tmp_path / "other name")
    replace_erased(path, b"new")
    assert path.read_bytes() == b"new"
    assert (tmp_path / "other name").read_bytes() == b""
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_large_file_loses_its_name_at_once_and_nobody_waits_for_its_room(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(bytes(1 << 20))
    program = "import sys; from pathlib import Path; from angarium.reach.files import let_go; let_go(Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert not path.exists()
    with pytest.raises(FileNotFoundError):
        let_go(path)
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        let_go(path)
