"""What a disk tells of other relays: nothing without the root key, and of what was settled nothing at all."""

import asyncio
import shutil
import sqlite3
from base64 import b64encode
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from angarium.store.interfaces import Letter
from angarium.store.outbound import Consigned, Dispatch, Waiting
from angarium.store.sealed import Sealed
from angarium.store.sqlite import wal
from angarium.store.store import Store, open_sqlite
from angarium.store.waybill import Waybill
from tests.store.test_forward_secrecy import cut, everything, parts

ROOT = bytes(range(32))
SENDER = "alice1234@here.example"
MESSAGES = [b"meet at the old mill " * 120, b"a face in the crowd " * 2000, b"the list of names " * 8000]
AWAY = (
    Consigned("relay.elsewhere.example", ("bobby1234@relay.elsewhere.example", "carol1234@relay.elsewhere.example")),
    Consigned("192.0.2.77", ("davey1234@[192.0.2.77]",)),
)
KEY = bytes(range(100, 132))
MARK = bytes(range(200, 232))
WORDS = (
    *(b"elsewhere", b"192.0.2.77", b"alice", b"bobby", b"carol", b"davey", b"here.example"),
    *(message[:12] for message in MESSAGES),
    *(KEY, MARK, MARK.hex().encode()),
)
TABLES = ("queue", "cargoes", "cargo_bodies", "marks", "peers")


def sealed(root: bytes = ROOT) -> Sealed:
    return Sealed(root, memory=8)


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(wal, "REST", 0.05)
    return open_sqlite(tmp_path / "data", sealed())


async def filled(store: Store) -> list[Waiting]:
    """Three messages that wait for two relays each, marks in two mailboxes, a key."""
    for name in ("alice1234", "erwin1234"):
        await store.accounts.create(name, "password", day=1)
    waiting = [
        each
        for message in MESSAGES
        for each in await store.queue.add(Dispatch(SENDER, message, AWAY), [], day=1, age_day=2)
    ]
    await store.marks.deliver(Letter(b"from elsewhere", ("alice1234", "erwin1234")), MARK, day=1)
    await store.keys.put("192.0.2.77", KEY)
    return waiting


def rows(directory: Path) -> dict[str, list[tuple[Any, Any]]]:
    with closing(sqlite3.connect(directory / "store.db")) as database:
        return {table: database.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}


def pieces(directory: Path) -> list[bytes]:
    """Every hidden entry, note and body of the queue."""
    found = rows(directory)
    return [piece for table in TABLES[:3] for _, piece in found[table]]


async def test_the_disk_names_nobody_elsewhere_and_holds_no_word(relay: Store, tmp_path: Path) -> None:
    await filled(relay)
    await cut(tmp_path / "data")
    disk = everything(tmp_path / "data")
    await relay.close()
    assert all(next(parts(piece)) in disk for piece in pieces(tmp_path / "data")), "the search finds what is there"
    for word in WORDS:
        for spelt in (word, word.decode("latin-1").encode("utf-16-le"), b64encode(word)[:-4]):
            assert spelt not in disk


async def test_entries_look_alike_whoever_they_are_for(relay: Store, tmp_path: Path) -> None:
    """Also with as many addresses as an app names in one transaction; and nothing says which body is whose."""
    many = Consigned("relay.example", tuple(f"person{at:03}@relay.example" for at in range(50)))
    await filled(relay)
    await relay.queue.add(Dispatch("", b"short", (many,)), [], day=1, age_day=700)
    await relay.queue.hold([each.number for each in (await relay.queue.waiting())[:2]], held=True)
    await relay.close()
    found = rows(tmp_path / "data")
    assert len({len(entry) for _, entry in found["queue"]}) == 1
    assert len({len(note) for _, note in found["cargoes"]}) == 1
    cargoes = {row[0] for row in found["cargoes"]}
    assert len(found["queue"]) == 7
    assert len(cargoes) == 4
    assert not cargoes & {row[0] for row in found["queue"]}
    entries = b"".join(entry for _, entry in found["queue"])
    assert not [cargo for cargo in cargoes if cargo.to_bytes(8) in entries]


async def test_equal_marks_in_two_mailboxes_have_nothing_in_common(relay: Store, tmp_path: Path) -> None:
    """Nor do they stand under another root key, so nobody can try messages they know."""
    await filled(relay)
    await relay.close()
    (one, day), (other, _) = rows(tmp_path / "data")["marks"]
    assert day == 1
    assert len(one) == len(other) == 16
    assert not {one[at : at + 3] for at in range(14)} & {other[at : at + 3] for at in range(14)}
    name = f"{MARK.hex()}/alice1234"
    assert sealed().name("mark", name) in (one, other)
    assert sealed(bytes(32)).name("mark", name) not in (one, other)


async def test_an_entry_moved_to_another_number_is_refused(relay: Store, tmp_path: Path) -> None:
    await filled(relay)
    await relay.close()
    (number, entry), (another, _), *_ = rows(tmp_path / "data")["queue"]
    assert Waybill.reveal(sealed(), number, entry).sender == SENDER
    with pytest.raises(ValueError, match="another key"):
        Waybill.reveal(sealed(), another, entry)
    with pytest.raises(ValueError, match="another key"):
        Waybill.reveal(sealed(bytes(32)), number, entry)
    with pytest.raises(ValueError, match="not an entry"):
        Waybill.reveal(sealed(), 7, sealed().hide(b"something else", bound=b"queue 7"))


async def test_who_has_the_root_key_reads_what_waits(relay: Store, tmp_path: Path) -> None:
    waiting = await filled(relay)
    await cut(tmp_path / "data")
    copy = shutil.copytree(tmp_path / "data", tmp_path / "copy")
    await relay.close()
    thief = open_sqlite(copy, sealed())
    try:
        assert await thief.queue.waiting() == waiting
        assert [await thief.queue.message(each.number) for each in waiting[::2]] == MESSAGES
        assert await thief.keys.all() == {"192.0.2.77": KEY}
    finally:
        await thief.close()


async def test_a_settled_message_is_gone_from_the_disk_of_a_running_relay(relay: Store, tmp_path: Path) -> None:
    """For who copies the disk afterwards, the root key and all."""
    waiting = await filled(relay)
    staying = await relay.queue.add(Dispatch(SENDER, b"this one stays", AWAY[:1]), [], day=1, age_day=2)
    before = pieces(tmp_path / "data")
    assert len(before) == (6 + 1) + (3 + 1) * 2
    for each in waiting:
        await relay.queue.settle(each.number, each.recipients[1:], [], day=1)
    for each in waiting:
        await relay.queue.settle(each.number, [], [], day=1)
    await relay.keys.replace("192.0.2.77", None)
    await cut(tmp_path / "data")
    copy = shutil.copytree(tmp_path / "data", tmp_path / "copy")
    await relay.close()

    left = set(pieces(copy))
    gone = [piece for piece in before if piece not in left]
    assert (len(left), len(gone)) == (3, 12)
    disk = everything(copy)
    assert not [at for at, piece in enumerate(gone) if any(part in disk for part in parts(piece))]
    assert rows(copy)["peers"] == []
    thief = open_sqlite(copy, sealed())
    try:
        assert await thief.queue.waiting() == staying
        assert [await thief.queue.message(each.number) for each in waiting] == [None] * 6
    finally:
        await thief.close()


async def test_what_is_settled_for_one_relay_leaves_no_key_behind(relay: Store, tmp_path: Path) -> None:
    """The body stays for the other relay; the entry that held the key for this one is overwritten."""
    waiting = await filled(relay)
    before = dict(rows(tmp_path / "data")["queue"])
    await asyncio.gather(*(relay.queue.settle(each.number, [], [], day=1) for each in waiting[::2]))
    await cut(tmp_path / "data")
    disk = everything(tmp_path / "data")
    await relay.close()
    gone = [before[each.number] for each in waiting[::2]]
    assert not [entry for entry in gone if any(part in disk for part in parts(entry))]
    found = rows(tmp_path / "data")
    assert {row[0] for row in found["queue"]} == {each.number for each in waiting[1::2]}
    assert len(found["cargo_bodies"]) == 3
