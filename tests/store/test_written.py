"""What is remembered of rows that were just written: only while the disk says the same, only so many, and no longer."""

from functools import partial
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from angarium.store.interfaces import Damaged, Letter, Owner
from angarium.store.raw import RawBox, RawMessage
from angarium.store.rows import MailboxRow, MessageRow
from angarium.store.sealed import Sealed
from angarium.store.sqlite.backend import SqliteBackend
from angarium.store.store import Store
from angarium.store.uids import Uids
from angarium.store.veil import Veiled
from angarium.store.written import Written

if TYPE_CHECKING:
    from pathlib import Path

BOX = MailboxRow(7, b"title", 1, 2, 3, 1, 4064, Uids((1, 1)))
RAW = RawMessage(-5, 4064, 1, 100, b"note", b"record")
ROW = MessageRow(1, 4064, 4064, frozenset({"\\Seen"}), 100, 3, b"record")
DELETED = frozenset({"\\Deleted"})


def test_a_mailbox_is_known_by_exactly_what_was_written() -> None:
    written = Written()
    assert written.box(RawBox(7, b"title", b"state")) is None
    written.put_box(BOX, b"state")
    assert written.box(RawBox(7, b"title", b"state")) is BOX
    for other in (RawBox(7, b"title", b"State"), RawBox(7, b"another", b"state"), RawBox(8, b"title", b"state")):
        assert written.box(other) is None
    written.put_box(BOX, b"newer")
    assert written.box(RawBox(7, b"title", b"state")) is None
    written.remove_box(7)
    assert written.box(RawBox(7, b"title", b"newer")) is None


def test_a_message_is_known_by_exactly_what_was_written() -> None:
    written = Written()
    assert written.message(RAW) is None
    written.put_message(RAW, ROW)
    assert written.message(RawMessage(*RAW)) is ROW
    for at, value in enumerate(RAW):
        other = value + b"!" if isinstance(value, bytes) else -7
        assert written.message(RawMessage._make([*RAW[:at], other, *RAW[at + 1 :]])) is None
    written.remove_messages([-5, -6])
    assert written.message(RAW) is None


def test_it_is_bounded_and_the_oldest_goes() -> None:
    written = Written(3)
    for number in (1, 2, 3, 1, 4):
        written.put_box(replace(BOX, number=number), b"state")
        written.put_message(RAW._replace(place=number), ROW)
    boxes = [number for number in range(9) if written.box(RawBox(number, b"title", b"state"))]
    assert boxes == [place for place in range(9) if written.message(RAW._replace(place=place))] == [1, 3, 4]
    written.put_box(replace(BOX, number=1), bytes(2_000))
    assert written.box(RawBox(1, b"title", bytes(2_000))) is None
    assert written.box(RawBox(1, b"title", b"state")) is None


def test_nothing_is_remembered_where_nothing_may_be() -> None:
    written = Written(0)
    written.put_box(BOX, b"state")
    written.put_message(RAW, ROW)
    assert written.box(RawBox(7, b"title", b"state")) is None
    assert written.message(RAW) is None


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def seal() -> Mock:
    """The real one, which counts."""
    real = Sealed(bytes(32), memory=8, spread=1)
    counting = Mock(wraps=real)
    counting.form = real.form
    return counting


@pytest.fixture
async def store(tmp_path: "Path", seal: Mock, written: Written) -> Store:
    veil = partial(Veiled, seal=seal, written=written)
    return Store(partial(SqliteBackend, tmp_path, mark=b"mark", veil=veil), seal)


async def read_all(store: Store, owner: Owner) -> None:
    for entry in (await store.mailboxes.snapshot(owner, "INBOX")).entries:
        assert await store.mailboxes.body(owner, "INBOX", entry.uid) == b"hello"


async def test_what_comes_and_goes_is_never_opened_to_be_known(store: Store, seal: Mock, written: Written) -> None:
    alice = await store.accounts.create("alice", "password", day=1)
    await store.mailboxes.deliver([Letter(b"hello", ("alice",))], day=1)
    seal.reveal.reset_mock()
    for _ in range(5):
        await store.mailboxes.usage(["alice"])
        await store.mailboxes.deliver([Letter(b"hello", ("alice",))], day=1)
    await read_all(store, alice)
    await store.mailboxes.flag(alice, "INBOX", range(1, 7), add=DELETED)
    assert not seal.reveal.called
    assert len(written._messages) == 6
    assert len(await store.mailboxes.expunge(alice, "INBOX")) == 6
    assert not seal.reveal.called
    assert not written._messages, "what is gone from the disk is gone from here"
    await store.mailboxes.deliver([Letter(b"hello", ("alice",))], day=1)
    await store.accounts.delete(alice)
    assert not written._messages
    assert not written._boxes
    await store.close()


async def test_what_is_changed_on_the_disk_is_refused_though_it_was_known(store: Store, tmp_path: "Path") -> None:
    alice = await store.accounts.create("alice", "password", day=1)
    await store.mailboxes.deliver([Letter(b"hello", ("alice",))], day=1)
    await read_all(store, alice)
    for table, column in (("messages", "note"), ("mailboxes", "state")):
        writer = store._backend._writer._connection  # type: ignore[attr-defined]
        (before,) = writer.execute(f"SELECT {column} FROM {table}").fetchone()
        writer.execute(f"UPDATE {table} SET {column} = ?", (before[:-1] + bytes([before[-1] ^ 1]),))
        with pytest.raises(Damaged):
            await read_all(store, alice)
        writer.execute(f"UPDATE {table} SET {column} = ?", (before,))
        await read_all(store, alice)
    await store.close()
