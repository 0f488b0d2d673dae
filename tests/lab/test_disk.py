"""What an examiner reads of a copied directory: every file, every value, every page, every write in a log."""

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from angarium.lab.seizure.disk import databases, merged, pieces, values
from angarium.lab.seizure.encodings import Known
from angarium.lab.seizure.measure import search
from angarium.lab.seizure.pages import Pages, cells, listed, writes

ADDRESS = "someone-42@relay.example"


@pytest.fixture
def taken(tmp_path: Path) -> Path:
    """A directory with a database in use: ten transactions of ten rows, a few of them long, all still in its log."""
    used, copy = tmp_path / "used", tmp_path / "copy"
    used.mkdir()
    with contextlib.closing(sqlite3.connect(used / "some.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size = 1024")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE things (place INTEGER PRIMARY KEY, thing BLOB)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        for number in range(10):
            rows = [(number + 10 * at, bytes([number]) * (5000 if at == 3 else 40)) for at in range(10)]
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO things VALUES (?, ?)", rows)
            connection.execute("COMMIT")
        shutil.copytree(used, copy)
    return copy


def root_of_things(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'things'").fetchone()[0])


def test_rows_are_found_on_their_pages(taken: Path) -> None:
    with merged(taken / "some.db") as copy:
        file = Pages(copy)
        rows = list(file.table(root_of_things(copy)))
        assert [row.rowid for row in rows] == list(range(100))
        assert len({row.page for row in rows}) > 5
        for row in rows:
            assert (row.overflow > 0) == (row.payload > 1024)
            assert row in list(cells(file.page(row.page), row.page, file.usable))
            if row.overflow:
                assert file.page(row.overflow)[4:] == bytes([row.rowid % 10]) * 1020


def test_each_write_in_a_log_shows_the_rows_it_made(taken: Path) -> None:
    file = Pages(taken / "some.db")
    seen: set[int] = set()
    transactions = writes(taken / "some.db-wal", file.size)
    assert len(transactions) == 10
    for number, write in enumerate(transactions):
        assert write.present
        rows = {row.rowid for page, data in write.pages.items() if page > 1 for row in cells(data, page, file.usable)}
        assert rows - seen == {number + 10 * at for at in range(10)} - seen
        seen |= rows


def test_what_sqlite_would_not_read_of_a_log_counts_too(taken: Path) -> None:
    log = taken / "some.db-wal"
    whole = log.read_bytes()
    last = len(writes(log, 1024)[-1].pages)
    log.write_bytes(whole[: -(1024 + 24)])
    cut = writes(log, 1024)
    assert (len(cut), len(cut[-1].pages)) == (10, last - 1)
    log.write_bytes(bytes(32) + whole[32:])
    assert [write.pages.keys() for write in writes(log, 1024)][:9] == [write.pages.keys() for write in cut][:9]
    assert not any(write.present for write in writes(log, 1024))


def test_the_index_lists_the_pages_of_a_log_that_was_cut(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "some.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE things (place INTEGER PRIMARY KEY, thing BLOB)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for number in range(5):
            connection.execute("INSERT INTO things VALUES (?, ?)", (number, bytes(9000)))
        pages = [tuple(sorted(write.pages)) for write in writes(tmp_path / "some.db-wal", 4096)]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert (tmp_path / "some.db-wal").stat().st_size == 0
        assert listed(tmp_path / "some.db-shm") == pages
        assert len(pages) == 5


def test_a_database_is_read_with_its_log_and_left_as_it_was(taken: Path) -> None:
    before = {path.name: path.read_bytes() for path in taken.iterdir()}
    assert databases(taken) == [taken / "some.db"]
    with merged(taken / "some.db") as copy:
        assert len(list(values(copy))) == 100
    assert {path.name: path.read_bytes() for path in taken.iterdir()} == before


def test_what_is_damaged_is_searched_as_bytes(taken: Path) -> None:
    database = taken / "some.db"
    database.write_bytes(database.read_bytes()[:100] + os.urandom(3000) + ADDRESS.encode())
    (taken / "some.db-wal").write_bytes(os.urandom(5000))
    found = search(taken, [Known("address", ADDRESS)])
    assert (found.found, found.files) == (1, {"some.db": 1})
    assert not any(write.present for write in writes(taken / "some.db-wal", 1024))
    assert writes(taken / "not there", 1024) == []
    assert listed(taken / "not there") == []


def test_an_address_across_two_pages_is_found_by_way_of_its_row(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "some.db")) as connection:
        connection.execute("CREATE TABLE things (place INTEGER PRIMARY KEY, thing BLOB)")
        connection.executemany(
            "INSERT INTO things (thing) VALUES (?)",
            [(bytes(at) + ADDRESS.encode() + bytes(9000 - at),) for at in range(0, 4100, 3)],
        )
        connection.commit()
    whole = next(piece for piece in pieces(tmp_path) if len(piece.starts) > 1)
    assert whole.data.count(ADDRESS.encode()) == 1367
    assert (tmp_path / "some.db").read_bytes().count(ADDRESS.encode()) < 1367


def test_names_of_files_are_searched(tmp_path: Path) -> None:
    (tmp_path / ADDRESS).mkdir()
    assert search(tmp_path, [Known("address", ADDRESS)]).files == {"names of files": 1}


def test_files_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(ADDRESS)
    assert search(tmp_path, [Known("address", ADDRESS)]).found == 1
    assert search(tmp_path, [Known("address", ADDRESS)], without=["list.json"]).found == 0
