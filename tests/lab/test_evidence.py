"""What an examiner without a key reads in a database of this relay's form: who was touched, and what is whose."""

import contextlib
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from angarium.lab.seizure.clues import CLUES, clues
from angarium.lab.seizure.disk import merged
from angarium.lab.seizure.evidence import Evidence, examine
from angarium.lab.seizure.pages import Pages
from angarium.lab.seizure.trail import Trail

PEOPLE = 30
TABLES = (
    "CREATE TABLE accounts (account BLOB PRIMARY KEY, day INTEGER) WITHOUT ROWID",
    "CREATE TABLE devices (account BLOB PRIMARY KEY, devices BLOB) WITHOUT ROWID",
    "CREATE TABLE mailboxes (number INTEGER PRIMARY KEY, account BLOB, state BLOB)",
    "CREATE TABLE messages (place INTEGER PRIMARY KEY, size INTEGER, day INTEGER, record BLOB)",
    "CREATE TABLE bodies (place INTEGER PRIMARY KEY, body BLOB)",
    "CREATE TABLE blobs (blob INTEGER PRIMARY KEY, note BLOB)",
)
Run: TypeAlias = Callable[..., None]


@pytest.fixture
def used(tmp_path: Path) -> Iterator[tuple[Run, Callable[[], Path]]]:
    """A relay's database: a function that runs statements in one transaction, and one that takes a copy."""
    (tmp_path / "used").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "used/store.db", isolation_level=None)) as connection:
        for pragma in ("page_size = 1024", "journal_mode = WAL", "wal_autocheckpoint = 0"):
            connection.execute(f"PRAGMA {pragma}")

        def run(*statements: tuple[str, tuple[object, ...]]) -> None:
            connection.execute("BEGIN")
            for statement, values in statements:
                connection.execute(statement, values)
            connection.execute("COMMIT")

        def take() -> Path:
            shutil.copytree(tmp_path / "used", tmp_path / "copy")
            return tmp_path / "copy/store.db"

        run(*((table, ()) for table in TABLES))
        for number in range(PEOPLE):
            account = b"%016d" % number
            run(
                ("INSERT INTO accounts VALUES (?, 7)", (account,)),
                ("INSERT INTO mailboxes VALUES (?, ?, ?)", (1000 + number, account, os.urandom(60))),
            )
        for place in range(100):
            run(message(random.Random(place).getrandbits(63) - (1 << 62)))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield run, take


def message(place: int) -> tuple[str, tuple[object, ...]]:
    return "INSERT INTO messages VALUES (?, 4064, 7, ?)", (place, os.urandom(80))


def gone(place: int) -> tuple[str, tuple[object, ...]]:
    return "DELETE FROM messages WHERE place = ?", (place,)


def changed(person: int) -> tuple[str, tuple[object, ...]]:
    return "UPDATE mailboxes SET state = ? WHERE number = ?", (os.urandom(60), 1000 + person)


def clue(evidence: Evidence, name: str) -> dict[tuple[int, int], float]:
    """The pairs of which one clue tells something."""
    at = CLUES.index(name)
    return {pair: seen[at] for pair, seen in clues(evidence).items() if seen[at]}


def test_at_rest_nothing_is_bound(used: tuple[Run, Callable[[], Path]]) -> None:
    _, take = used
    evidence = examine(take())
    assert (len(evidence.accounts), evidence.bound, evidence.together) == (PEOPLE, 0, [])


def test_a_delivery_in_the_log_names_who_got_it(used: tuple[Run, Callable[[], Path]]) -> None:
    run, take = used
    run(changed(3), changed(9), changed(20), message(-5), message(1 << 50), message(77))
    evidence = examine(take())
    assert evidence.together == [{3, 9, 20}]
    assert clue(evidence, "written together").keys() == {(3, 9), (3, 20), (9, 20)}


def test_rows_that_a_split_moves_did_not_change(used: tuple[Run, Callable[[], Path]]) -> None:
    run, take = used
    run(changed(3), *(message(place) for place in range(-40, 40)))
    path = take()
    with merged(path) as copy:
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            roots = dict(connection.execute("SELECT name, rootpage FROM sqlite_schema"))
        (step,) = Trail(path, Pages(copy), roots).steps()
    assert (step.boxes, step.added, step.changed, step.removed) == ({1003}, set(range(-40, 40)), set(), set())


def test_who_deletes_a_message_alone_owns_it_and_so_shares_it(used: tuple[Run, Callable[[], Path]]) -> None:
    run, take = used
    run(changed(1), changed(2), changed(5), changed(6), message(-11), message(12), message(13), message(14))
    run(changed(1), gone(-11))
    run(changed(6), gone(13))
    evidence = examine(take())
    assert evidence.together == [{1, 2, 5, 6}, {1}, {6}]
    assert clue(evidence, "one message in the log").keys() == {(1, 6)}
    assert (1, 6) in clue(evidence, "written soon after")


def test_a_message_that_was_marked_alone_is_bound_and_looked_at(used: tuple[Run, Callable[[], Path]]) -> None:
    run, take = used
    run(changed(4), message(99))
    evidence = examine(take())
    assert (evidence.bound, evidence.messages[4]) == (1, 1)


def test_a_file_that_several_count_out_is_theirs(used: tuple[Run, Callable[[], Path]]) -> None:
    run, take = used
    run(("INSERT INTO blobs VALUES (5, x'00')", ()), changed(8), changed(9), changed(10))
    run(("UPDATE blobs SET note = x'01' WHERE blob = 5", ()), changed(8))
    run(("DELETE FROM blobs WHERE blob = 5", ()), changed(23))
    evidence = examine(take())
    assert {8, 9, 10, 23} in evidence.same


def test_without_key_places_tell_nothing_and_with_it_everything(used: tuple[Run, Callable[[], Path]]) -> None:
    run, take = used
    for uid in range(40):
        run(message(-((1005 << 32 | uid) ^ 0x5A5A << 20)))
    path = take()
    assert examine(path).messages[5] == 0
    assert examine(path, lambda places: [-place ^ 0x5A5A << 20 for place in places]).messages[5] == 40


def test_states_and_days_are_seen(used: tuple[Run, Callable[[], Path]]) -> None:
    run, take = used
    run(("UPDATE mailboxes SET state = ? WHERE number = 1011", (bytes(500),)))
    run(("UPDATE accounts SET day = 9 WHERE account = ?", (b"%016d" % 12,)))
    evidence = examine(take())
    assert (evidence.states[11], evidence.states[12], evidence.days[12], evidence.days[11]) == (500, 60, 9, 7)


def test_only_pages_are_left_of_a_log_that_was_cut(used: tuple[Run, Callable[[], Path]], tmp_path: Path) -> None:
    run, take = used
    run(changed(3), changed(9))
    with contextlib.closing(sqlite3.connect(tmp_path / "used/store.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    evidence = examine(take())
    assert evidence.together == []
    (left,) = [accounts for accounts in evidence.forgotten if {3, 9} <= accounts] or [set[int]()]
    assert {3, 9} < left
    assert len(left) < PEOPLE
