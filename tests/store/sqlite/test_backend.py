"""The data directory and its file: held by one, closed to others, without traces."""

import asyncio
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from angarium.store.directory import DirectoryInUse
from angarium.store.interfaces import Letter, Owner, StoreError, StoreFull
from angarium.store.seal import Clear
from angarium.store.sealed import Sealed
from angarium.store.sqlite import backend, wal
from angarium.store.sqlite.schema import MIGRATIONS
from angarium.store.store import Store, open_sqlite

SEAL = Clear(bytes(32))


async def delivered(store: Store, message: bytes) -> Owner:
    alice = await store.accounts.create("alice", "password", day=1)
    await store.mailboxes.deliver([Letter(message, ("alice",))], day=1)
    return alice


async def test_two_relays_never_open_one_directory(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, SEAL)
    with pytest.raises(DirectoryInUse, match="another relay"):
        open_sqlite(tmp_path, SEAL)
    await store.close()
    again = open_sqlite(tmp_path, SEAL)
    await again.close()
    await again.close()


async def test_nobody_else_may_look_inside(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "some" / "data", SEAL)
    await delivered(store, b"hello")
    assert stat.S_IMODE((tmp_path / "some" / "data").stat().st_mode) == 0o700
    files = sorted((tmp_path / "some" / "data").iterdir())
    assert {file.name for file in files} >= {"store.db", "store.db-wal", "store.lock"}
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    await store.close()


async def test_settings_of_the_file(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, SEAL)
    connection = store._backend._writer._connection  # type: ignore[attr-defined]
    for pragma, value in {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "page_size": 8192,
        "user_version": len(MIGRATIONS),
    }.items():
        assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)
    await store.close()


async def test_no_table_counts_upwards(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, SEAL)
    await store.close()
    connection = sqlite3.connect(tmp_path / "store.db")
    tables = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
    connection.close()
    assert "sqlite_sequence" not in tables
    for sql in tables.values():
        assert "WITHOUT ROWID" in sql or "INTEGER PRIMARY KEY" in sql


async def test_what_is_deleted_leaves_no_trace_in_any_file(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, SEAL)
    secrets = [b"a short secret", b"a long secret" * 10_000]
    alice = await delivered(store, secrets[0])
    await store.accounts.create("bobby", "password", day=1)
    await store.mailboxes.deliver([Letter(secrets[1], ("alice", "bobby"))], day=1)
    await store.accounts.delete(await store.accounts.login("bobby", "password", day=1))
    await store.mailboxes.flag(alice, "INBOX", [1, 2], add=frozenset({"\\Deleted"}))
    await store.mailboxes.expunge(alice, "INBOX")
    await store.close()
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert b"secret" not in content
        assert b"alice" not in content
        assert b"bobby" not in content


async def test_the_log_is_cut_when_the_writer_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "REST", 0.01)
    store = open_sqlite(tmp_path, SEAL)
    await delivered(store, b"hello")
    async with asyncio.timeout(20):
        while (tmp_path / "store.db-wal").stat().st_size:
            await asyncio.sleep(0.01)
    await store.close()


async def test_the_log_is_bounded_under_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "LONG", 1_000_000)
    store = open_sqlite(tmp_path, SEAL)
    await delivered(store, b"hello")
    for _ in range(30):
        await store.mailboxes.deliver([Letter(bytes(200_000), ("alice",))], day=1)
    assert (tmp_path / "store.db-wal").stat().st_size < 3_000_000
    await store.close()


async def test_a_log_that_begins_anew_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "SIZE", 10_000)
    store = open_sqlite(tmp_path, SEAL)
    alice = await delivered(store, b"hello")
    await asyncio.gather(
        *(store.mailboxes.append(alice, "INBOX", b"%d" % at, flags=frozenset(), day=1) for at in range(200))
    )
    await store.close()
    store = open_sqlite(tmp_path, SEAL)
    assert await store.mailboxes.messages() == 201
    await store.close()


async def test_a_file_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "store.db")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    for _ in range(2):
        with pytest.raises(StoreError, match="newer release"):
            open_sqlite(tmp_path, SEAL)


async def test_another_root_key_or_seal_is_refused_before_anything_is_made_anew(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, Sealed(bytes(32), memory=8))
    await delivered(store, b"hello")
    await store.close()
    for other in (Sealed(bytes([1]) * 32), SEAL):
        with pytest.raises(StoreError, match=r"another root\.key"):
            open_sqlite(tmp_path, other)
    store = open_sqlite(tmp_path, Sealed(bytes(32)))
    assert await store.accounts.count() == 1
    await store.close()


async def test_data_without_a_mark_is_refused(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, SEAL)
    await delivered(store, b"hello")
    await store.close()
    connection = sqlite3.connect(tmp_path / "store.db")
    connection.execute("PRAGMA application_id = 0")
    connection.close()
    for seal in (SEAL, Sealed(bytes(32))):
        with pytest.raises(StoreError, match="before the first release"):
            open_sqlite(tmp_path, seal)


async def test_a_damaged_file_is_named_so(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(os.urandom(50_000))
    with pytest.raises(StoreError, match="damaged"):
        open_sqlite(tmp_path, SEAL)
    (tmp_path / "store.db").unlink()
    store = open_sqlite(tmp_path, SEAL)
    await store.close()


async def test_a_directory_that_cannot_be_made_or_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreFull, match="cannot be written"):
        open_sqlite(tmp_path / "file", SEAL)
    with pytest.raises(StoreFull, match="cannot be written"):
        open_sqlite(tmp_path / "file" / "below", SEAL)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "store.db").mkdir()
    with pytest.raises(StoreFull, match="cannot be written"):
        open_sqlite(tmp_path / "data", SEAL)


async def test_a_file_system_without_a_log_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "PRAGMAS", ("journal_mode = DELETE",))
    with pytest.raises(StoreError, match="choose a local one"):
        open_sqlite(tmp_path, SEAL)


async def test_large_bodies_are_read_beside_the_loop(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, SEAL)
    message = os.urandom(1_000_000)
    alice = await delivered(store, message)
    bodies = await asyncio.gather(*(store.mailboxes.body(alice, "INBOX", 1) for _ in range(6)))
    assert bodies == [message] * 6
    await store.close()


async def test_a_look_that_asks_one_thing_holds_up_no_checkpoint(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, SEAL)
    await delivered(store, b"hello")
    assert await store.mailboxes.usage(["alice"]) == {"alice": SEAL.size_class(5)}
    readers = store._backend._readers  # type: ignore[attr-defined]
    for look in (lambda rows: rows.mailboxes(b"nobody"), lambda rows: rows.account(b"nobody")):
        await readers.read(look, heavy=False, once=True)
    assert not readers._light._connection.in_transaction
    with sqlite3.connect(tmp_path / "store.db") as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    other.close()
    await store.close()
