"""Rows that need not be asked for: whatever is done to them, they say what the database says."""

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.store.raw import AccountRow, RawBox, RawMessage
from angarium.store.sqlite import recent
from angarium.store.sqlite.recent import RecentRows
from angarium.store.sqlite.rows import SqliteRows
from angarium.store.sqlite.schema import migrate

ACCOUNTS, NAMES, NUMBERS, PLACES = (b"a", b"b"), (b"x", b"y"), (1, 2, 3, 4), (-5, 6, 7)


def opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = opened(tmp_path / "store.db")
    migrate(connection)
    yield connection
    connection.close()


def everything(rows: SqliteRows) -> list[object]:
    """What can be asked that may be kept."""
    return [
        [rows.mailbox(account, name) for account in ACCOUNTS for name in NAMES],
        [rows.entered(account, name) for account in ACCOUNTS for name in NAMES],
        [rows.messages([place], bits) for place in PLACES for bits in (0, 1, 2)],
        sorted(rows.messages(PLACES)),
    ]


def change(rows: SqliteRows, chance: random.Random) -> None:
    """Do something to the rows; what SQLite refuses has not been done."""
    account, name = chance.choice(ACCOUNTS), chance.choice(NAMES)
    number, place, some = chance.choice(NUMBERS), chance.choice(PLACES), chance.randbytes(3)
    bits = chance.randrange(4)
    try:
        match chance.randrange(9):
            case 0:
                rows.put_account(account, AccountRow(some, 1, 1))
            case 1:
                rows.remove_account(account)
            case 2:
                rows.add_mailbox(account, name, RawBox(number, some, some))
            case 3:
                rows.rename_mailbox(number, name, some)
            case 4:
                rows.ruin_mailbox(number)
                rows.clear_ruin(number)
            case 5:
                rows.put_states((state, number) for state in (some, some + b"!"))
            case 6:
                rows.add_messages(iter([RawMessage(place, 1, bits, 2, some, b"record")]))
            case 7:
                rows.put_flags(iter([(bits, some, place)]))
            case 8:
                rows.remove_messages([place])
    except sqlite3.IntegrityError:
        rows.clear_ruin(number)
        if isinstance(rows, RecentRows):
            rows.forget()  # as the writer does, who undoes the whole transaction


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("most", [1, 1_024])
def test_they_say_what_the_database_says(
    connection: sqlite3.Connection, seed: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MOST", most)
    rows, plain, chance = RecentRows(connection), SqliteRows(connection), random.Random(seed)
    for _ in range(150):
        change(rows, chance)
        assert everything(rows) == everything(plain)


def test_what_another_connection_commits_is_seen_in_the_next_transaction(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    rows, other = RecentRows(connection), opened(tmp_path / "store.db")
    rows.put_account(b"a", AccountRow(b"lock", 1, 1))
    rows.add_mailbox(b"a", b"x", RawBox(1, b"title", b"state"))
    for change in (
        "UPDATE mailboxes SET state = x'00'",
        "UPDATE accounts SET lock = x'01'",
        "DELETE FROM mailboxes",
    ):
        for seen in (False, True):
            connection.execute("BEGIN IMMEDIATE")
            rows.begin()
            assert everything(rows) == everything(SqliteRows(connection)), seen
            connection.execute("COMMIT")
            if not seen:
                other.execute(change)
    other.close()


def test_what_was_undone_is_not_kept(connection: sqlite3.Connection) -> None:
    rows = RecentRows(connection)
    connection.execute("BEGIN IMMEDIATE")
    rows.begin()
    rows.put_account(b"a", AccountRow(b"lock", 1, 1))
    rows.add_mailbox(b"a", b"x", RawBox(1, b"title", b"state"))
    assert rows.entered(b"a", b"x")
    connection.execute("ROLLBACK")
    rows.forget()
    assert rows.entered(b"a", b"x") is None


def test_what_was_asked_for_is_not_asked_again(connection: sqlite3.Connection) -> None:
    rows = RecentRows(connection)
    rows.put_account(b"a", AccountRow(b"lock", 1, 1))
    rows.add_mailbox(b"a", b"x", RawBox(1, b"title", b"state"))
    rows.add_messages([RawMessage(6, 1, 2, 3, b"note", b"record")])
    rows.entered(b"a", b"x")
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    assert rows.entered(b"a", b"x") == (b"lock", RawBox(1, b"title", b"state"))
    assert rows.mailbox(b"a", b"x") == RawBox(1, b"title", b"state")
    assert rows.messages([6]) == rows.messages([6], 2) == [RawMessage(6, 1, 2, 3, b"note", b"record")]
    assert rows.messages([6], 1) == []
    assert asked == []
