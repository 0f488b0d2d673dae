"""The secret path: made once, kept, and another where a keeper wants one."""

import re
from pathlib import Path

import pytest

from angarium.apps.hidden import secret_path
from angarium.apps.home import Home, HomeError


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    home = Home(tmp_path)
    path = secret_path(home)
    assert re.fullmatch(r"/[a-z0-9]{22}", path)
    assert secret_path(Home(tmp_path)) == path
    assert (home.keys / "path").stat().st_mode & 0o077 == 0
    assert home.keys / "path" in home.remains()


def test_another_path_where_the_file_was_deleted(tmp_path: Path) -> None:
    home = Home(tmp_path)
    path = secret_path(home)
    (home.keys / "path").unlink()
    assert secret_path(home) != path


@pytest.mark.parametrize("content", [b"", b"short", b"a/b/cccccccccccccccccccccc", b"\xff" * 30, b"A" * 22])
def test_what_is_no_path_is_told(tmp_path: Path, content: bytes) -> None:
    home = Home(tmp_path)
    secret_path(home)
    (home.keys / "path").write_bytes(content)
    with pytest.raises(HomeError, match="path"):
        secret_path(home)
