"""A disk copied after a message was expunged holds nothing of it: not for who has the root key and every password."""

import asyncio
import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.store.delivery import LARGE
from angarium.store.interfaces import Letter, Owner, Rules, WrongPassword
from angarium.store.seal import MARK, Anew
from angarium.store.sealed import Sealed
from angarium.store.sqlite import wal
from angarium.store.store import Store, open_sqlite

ROOT = bytes(range(32))
MESSAGES = {
    "text": b"meet at the old mill " * 120,
    "picture": b"a face in the crowd " * 2000,
    "file": b"the list of names " * (LARGE // 9),
}
DELETED = frozenset({"\\Deleted"})
PART = 16


def sealed() -> Sealed:
    return Sealed(ROOT, memory=8)


def written(directory: Path) -> list[bytes]:
    """Every sealed piece of every message: records, bodies, bodies that lie apart."""
    connection = sqlite3.connect(directory / "store.db")
    pieces = [
        piece
        for query in ("SELECT record FROM messages", "SELECT body FROM bodies", "SELECT body FROM blob_bodies")
        for (piece,) in connection.execute(query)
    ]
    connection.close()
    return pieces


def everything(directory: Path) -> bytes:
    """All bytes of all files: tables, free pages, journal."""
    return b"\0".join(file.read_bytes() for file in sorted(directory.iterdir()) if file.is_file())


def parts(piece: bytes) -> Iterator[bytes]:
    """Aligned parts of a piece, none of them long."""
    return (piece[at : at + PART] for at in range(0, len(piece) - PART, 64))


async def cut(directory: Path) -> None:
    """Wait until the writer has rested and the log is cut."""
    async with asyncio.timeout(20):
        while (directory / "store.db-wal").stat().st_size:
            await asyncio.sleep(0.01)


@pytest.fixture
async def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(wal, "REST", 0.05)
    return open_sqlite(tmp_path / "data", sealed())


async def filled(store: Store) -> list[Owner]:
    owners = [await store.accounts.create(name, f"{name} password", day=1) for name in ("alice", "bobby")]
    for message in MESSAGES.values():
        await store.mailboxes.deliver([Letter(message, ("alice", "bobby"))], day=1)
    await store.mailboxes.deliver([Letter(b"this one stays", ("alice", "bobby"))], day=1)
    return owners


async def expunge(store: Store, owner: Owner) -> None:
    """All but the last."""
    *uids, _ = [entry.uid for entry in (await store.mailboxes.snapshot(owner, "INBOX")).entries]
    await store.mailboxes.flag(owner, "INBOX", uids, add=DELETED)
    await store.mailboxes.expunge(owner, "INBOX")


async def test_what_is_on_the_disk_is_found_before_it_is_expunged(relay: Store, tmp_path: Path) -> None:
    """The search below works: every part is there, and the words themselves are not."""
    await filled(relay)
    await cut(tmp_path / "data")
    pieces, disk = written(tmp_path / "data"), everything(tmp_path / "data")
    assert len(pieces) == 8 + 8 + 1
    assert all(next(parts(piece)) in disk for piece in pieces)
    assert not any(message[:12] in disk for message in MESSAGES.values())
    assert not any(word in disk for word in (b"alice", b"bobby", b"password", b"INBOX"))
    await relay.close()


async def test_an_expunged_message_is_gone_from_the_disk_of_a_running_relay(relay: Store, tmp_path: Path) -> None:
    owners = await filled(relay)
    before = written(tmp_path / "data")
    for owner in owners:
        await expunge(relay, owner)
    await cut(tmp_path / "data")
    copy = shutil.copytree(tmp_path / "data", tmp_path / "copy")  # while the relay runs
    await relay.close()

    staying = set(written(copy))
    gone = [piece for piece in before if piece not in staying]
    assert (len(staying), len(gone)) == (4, 13)
    disk = everything(copy)
    assert not [at for at, piece in enumerate(gone) if any(part in disk for part in parts(piece))]

    thief = open_sqlite(copy, sealed())
    for name in ("alice", "bobby"):
        owner = await thief.accounts.login(name, f"{name} password", day=1)
        (entry,) = (await thief.mailboxes.snapshot(owner, "INBOX")).entries
        assert await thief.mailboxes.body(owner, "INBOX", entry.uid) == b"this one stays"
        for uid in range(entry.uid - 3, entry.uid):
            assert await thief.mailboxes.body(owner, "INBOX", uid) is None
    await thief.close()


async def test_a_file_whose_record_is_gone_is_noise_even_while_others_hold_it(relay: Store, tmp_path: Path) -> None:
    """Its body stays for the others; whom it was expunged for has nothing left that opens it."""
    alice, _ = await filled(relay)
    await expunge(relay, alice)
    await relay.close()
    body = max(written(tmp_path / "data"), key=len)
    assert len(body) == sealed().size_class(len(MESSAGES["file"]))
    seal = sealed()
    connection = sqlite3.connect(tmp_path / "data" / "store.db")
    records = [record for (record,) in connection.execute("SELECT record FROM messages")]
    locks = [lock for (lock,) in connection.execute("SELECT lock FROM accounts")]
    connection.close()
    (alices,) = (key for lock in locks if (key := seal.unlock(lock, "alice password")) and not isinstance(key, Anew))
    opened = []
    for record in records:
        try:
            opened.append(alices.open(record))
        except ValueError:
            continue
    assert len(opened) == 1  # the text that stays
    for packed in opened:
        with pytest.raises(ValueError, match="another key"):
            seal.unwrap(packed[16:], body)


async def test_retention_and_deletion_leave_nothing_either(relay: Store, tmp_path: Path) -> None:
    owners = await filled(relay)
    before = written(tmp_path / "data")
    connection = sqlite3.connect(tmp_path / "data" / "store.db")
    locks = connection.execute("SELECT lock FROM accounts").fetchall()
    connection.close()
    await relay.accounts.delete(owners[0])
    await relay.mailboxes.sweep(Rules(2, 0, None, 10**9, 10**9, 0))
    await cut(tmp_path / "data")
    await relay.accounts.expire(before_day=2)
    await relay.close()
    assert not written(tmp_path / "data")
    disk = everything(tmp_path / "data")
    for piece in itertools.chain(before, (lock for (lock,) in locks)):
        assert not any(part in disk for part in parts(piece))


async def test_what_a_duress_password_emptied_is_gone_with_every_key_to_it(relay: Store, tmp_path: Path) -> None:
    """A copy of the disk taken afterwards, the root key and both passwords: nothing of what was there."""
    alice, bobby = await filled(relay)
    await relay.tokens.add(alice, "a token")
    await relay.accounts.set_duress("alice", "alice password", "let me be", day=1)
    connection = sqlite3.connect(tmp_path / "data" / "store.db")
    locks = {lock for (lock,) in connection.execute("SELECT lock FROM accounts")}
    devices = [row for (row,) in connection.execute("SELECT devices FROM devices")]
    hers = [lock for lock in locks if alice.key.fits(lock)]
    connection.close()
    before = written(tmp_path / "data")

    emptied = await relay.accounts.login("alice", "let me be", day=1)
    await asyncio.gather(*relay.accounts._clearing)
    for message in MESSAGES.values():
        await relay.mailboxes.deliver([Letter(message, ("alice",))], day=1)
    await cut(tmp_path / "data")
    copy = shutil.copytree(tmp_path / "data", tmp_path / "copy")
    await relay.close()

    disk = everything(copy)
    (lock,) = hers
    private, mark = lock[17:65], lock[-MARK:]
    assert not [piece for piece in (private, mark, *devices) if piece in disk]
    staying = set(written(copy))
    gone = [piece for piece in before if piece not in staying]
    assert len(gone) == 8  # hers; the bodies of files that bobby was sent too stay for him
    assert not any(part in disk for piece in gone for part in parts(piece))
    thief = open_sqlite(copy, sealed())
    with pytest.raises(WrongPassword):
        await thief.accounts.login("alice", "alice password", day=1)
    found = await thief.accounts.login("alice", "let me be", day=1)
    assert not found.emptied
    bodies = [
        await thief.mailboxes.body(found, "INBOX", entry.uid)
        for entry in (await thief.mailboxes.snapshot(found, "INBOX")).entries
    ]
    assert bodies == list(MESSAGES.values())
    assert emptied.account == alice.account
    assert bobby.key.fits(next(lock for lock in locks if lock not in hers))
    await thief.close()
