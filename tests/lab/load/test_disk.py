"""What is used on the disk: not what a database has freed."""

import sqlite3
from contextlib import closing
from pathlib import Path

from angarium.lab.load.disk import used


def test_what_a_database_has_freed_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_bytes(b"x" * 5000)
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE body (content BLOB)")
        database.commit()
        empty = used(tmp_path)
        assert empty == path.stat().st_size + 5000
        database.execute("INSERT INTO body VALUES (zeroblob(1000000))")
        database.commit()
        full = used(tmp_path)
        assert full - empty >= 990_000
        database.execute("DELETE FROM body")
        database.commit()
        assert path.stat().st_size > 1_000_000
        assert used(tmp_path) - empty < 20_000
        database.execute("INSERT INTO body VALUES (zeroblob(1000000))")
        database.commit()
        assert abs(used(tmp_path) - full) < 20_000
