"""The log: short under load, nobody's brake, overwritten before it is cut, and safe at every moment of that."""

import os
import random
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from angarium.store.interfaces import StoreError
from angarium.store.sqlite import backend, wal
from angarium.store.sqlite.wal import Wal

ROWS = 40
SECRET = b"what was written, and then changed"


def connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in backend.PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database whose rows were changed several times, so that an old page in the place of a new one shows."""
    with closing(connected(tmp_path / "some.db")) as connection:
        connection.execute("CREATE TABLE rows (of INTEGER PRIMARY KEY, value INTEGER, filling BLOB) STRICT")
        connection.executemany("INSERT INTO rows VALUES (?, 0, ?)", [(at, SECRET * 20) for at in range(ROWS)])
        changed(connection, 5)
        yield connection


@pytest.fixture
def log(tmp_path: Path, writer: sqlite3.Connection) -> Path:
    return tmp_path / "some.db-wal"


def changed(connection: sqlite3.Connection, times: int) -> None:
    """Transactions that each touch two rows far apart."""
    for at in range(times * ROWS):
        connection.execute("BEGIN IMMEDIATE")
        for of in (at % ROWS, ROWS - 1 - at % ROWS):
            connection.execute("UPDATE rows SET value = value + 1 WHERE of = ?", (of,))
        connection.execute("COMMIT")


def values(path: Path) -> list[int]:
    """What somebody finds who opens the database, which is whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [value for (value,) in connection.execute("SELECT value FROM rows ORDER BY of")]


class Crashes:
    """Machines that ended at some moment, and what was on their disks."""

    def __init__(self, log: Path, elsewhere: Path) -> None:
        self._log = log
        self._elsewhere = elsewhere
        self._database = log.with_name("some.db").read_bytes()

    def after(self, content: bytes) -> list[int]:
        """The values found where the log looked like this."""
        self._elsewhere.mkdir()
        (self._elsewhere / "some.db").write_bytes(self._database)
        (self._elsewhere / "some.db-wal").write_bytes(content)
        found = values(self._elsewhere / "some.db")
        shutil.rmtree(self._elsewhere)
        return found


def test_the_log_is_zeros_before_it_is_cut(
    writer: sqlite3.Connection, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SECRET in log.read_bytes()
    before = log.stat().st_size
    with monkeypatch.context() as uncut:
        uncut.setattr(Wal, "_cut", lambda self: False)
        Wal(log, writer).cut()
    assert log.read_bytes() == bytes(before)
    Wal(log, writer).cut()
    assert log.stat().st_size == 0


def test_a_machine_may_end_at_every_moment_of_it(
    writer: sqlite3.Connection, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, whole = values(log.with_name("some.db")), log.read_bytes()
    flushed: list[bytes] = []
    found: list[Crashes] = []

    def flush(number: int) -> None:
        if not found:
            found.append(Crashes(log, tmp_path / "copy"))
        flushed.append(log.read_bytes())

    monkeypatch.setattr(os, "fsync", flush)
    Wal(log, writer).cut()
    assert flushed == [bytes(wal.HEAD) + whole[wal.HEAD :], bytes(len(whole))]
    (crashes,) = found
    moments = [whole, *(bytes(cut) + whole[cut:] for cut in (1, 8, 24, 31)), *flushed, b""]
    for _ in range(20):  # after the head any part may have been written before any other
        mixed = bytearray(flushed[0])
        for start in range(4096, len(whole), 4096):
            if random.random() < 0.5:
                mixed[start : start + 4096] = bytes(len(mixed[start : start + 4096]))
        moments.append(bytes(mixed))
    for moment in moments:
        assert crashes.after(moment) == expected
    headed = whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2)
    assert crashes.after(headed) != expected, "had the head gone last, old pages would have come back"


def test_the_log_is_short_under_load(writer: sqlite3.Connection, log: Path) -> None:
    cutter = Wal(log, writer)
    cutter.cut()
    longest = 0
    for _ in range(3):
        changed(writer, 1)
        assert not cutter.committed()
        longest = max(longest, log.stat().st_size)
    assert 0 < longest < wal.SIZE + 65_536


def test_a_long_log_is_cut_under_load(writer: sqlite3.Connection, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cutter = Wal(log, writer)
    monkeypatch.setattr(wal, "LONG", 100_000)
    assert cutter.committed()
    cutter.cut()
    assert log.stat().st_size == 0
    assert cutter.patience is None
    changed(writer, 1)
    if cutter.committed():
        cutter.cut()
    assert 0 <= log.stat().st_size <= 100_000


def test_no_reader_is_waited_for(writer: sqlite3.Connection, log: Path) -> None:
    writer.execute("PRAGMA busy_timeout = 3600000")
    cutter = Wal(log, writer)
    expected = values(log.with_name("some.db"))
    with closing(connected(log.with_name("some.db"))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM rows").fetchone()
        changed(writer, 3)
        whole = log.read_bytes()
        waiting = threading.Thread(target=cutter.cut, daemon=True)
        waiting.start()
        waiting.join(60)
        assert not waiting.is_alive()
        assert log.read_bytes() == whole, "somebody reads in it"
        assert cutter.patience == wal.REST
        assert [row[1] for row in reader.execute("SELECT * FROM rows ORDER BY of")] == expected
    assert writer.execute("PRAGMA busy_timeout").fetchone() == (3_600_000,)
    cutter.cut()
    assert log.stat().st_size == 0
    assert cutter.patience is None


def test_who_came_after_the_copy_reads_on_while_the_log_goes(writer: sqlite3.Connection, log: Path) -> None:
    writer.execute("PRAGMA wal_checkpoint(RESTART)")
    expected = values(log.with_name("some.db"))
    with closing(connected(log.with_name("some.db"))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM rows").fetchone()
        Wal(log, writer).cut()
        assert log.stat().st_size == 0
        changed(writer, 1)
        assert [row[1] for row in reader.execute("SELECT * FROM rows ORDER BY of")] == expected


def test_nothing_is_written_after_a_log_that_was_overwritten_and_not_cut(
    writer: sqlite3.Connection, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cutter = Wal(log, writer)
    checkpoint = cutter._checkpoint
    with monkeypatch.context() as uncut:
        uncut.setattr(cutter, "_checkpoint", lambda mode: mode != "TRUNCATE" and checkpoint(mode))
        cutter.cut()
        with pytest.raises(StoreError, match="another program"):
            cutter.ready()
    cutter.ready()
    assert log.stat().st_size == 0
    cutter.ready()


def test_what_another_program_wrote_meanwhile_is_not_overwritten(
    writer: sqlite3.Connection, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cutter = Wal(log, writer)
    checkpoint = cutter._checkpoint
    contents: list[bytes] = []

    def interrupted(mode: str) -> bool:
        if mode == "TRUNCATE":
            contents.append(log.read_bytes())
            return False
        done = checkpoint(mode)
        with closing(connected(log.with_name("some.db"))) as other:
            changed(other, 1)
        return done

    monkeypatch.setattr(cutter, "_checkpoint", interrupted)
    cutter.cut()
    assert contents[0][: wal.HEAD] != bytes(wal.HEAD)
    cutter.ready()


def test_a_disk_that_fails_is_complained_of_and_does_no_harm(
    writer: sqlite3.Connection, log: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = values(log.with_name("some.db"))
    cutter = Wal(log, writer)

    def failing(number: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", failing)
        cutter.cut()
    assert [record.getMessage() for record in caplog.records] == [
        "the log cannot be copied into the database: Input/output error"
    ]
    cutter.ready()
    assert values(log.with_name("some.db")) == expected
    cutter.cut()
    assert caplog.records[-1].getMessage() == "the log is copied again"
