"""COPY and MOVE: whole, with the answers of UIDPLUS (RFC 4315, RFC 6851)."""

from typing import TYPE_CHECKING

import pytest

from angarium.store.interfaces import Copied, Owner
from angarium.wire.imap.entry import Arrived, Expunged

if TYPE_CHECKING:
    from tests.contract.conftest import World


@pytest.fixture
async def alice(world: "World") -> Owner:
    alice = await world.account()
    await world.store.mailboxes.create(alice, "Kept")
    for at in range(1, 5):
        await world.deliver(b"message %d" % at, "alice", day=100 + at)
    return alice


async def test_copies_keep_flags_and_day(world: "World", alice: Owner) -> None:
    mailboxes = world.store.mailboxes
    await mailboxes.flag(alice, "INBOX", [2], add=frozenset({"\\Seen", "Work"}))
    before = await mailboxes.snapshot(alice, "Kept")
    copied = await mailboxes.copy(alice, "INBOX", [4, 2, 99], "Kept")
    kept = await mailboxes.snapshot(alice, "Kept")
    assert copied == Copied(kept.uidvalidity, (2, 4), (1, 2))
    assert [(entry.flags, entry.day) for entry in kept.entries] == [
        (frozenset({"\\Seen", "Work"}), 102),
        (frozenset(), 104),
    ]
    assert [await mailboxes.body(alice, "Kept", uid) for uid in (1, 2)] == [b"message 2", b"message 4"]
    assert all(entry.modseq == kept.modseq > before.modseq for entry in kept.entries)
    assert await world.uids(alice) == [1, 2, 3, 4]
    assert world.bodies() == 6


async def test_moved_messages_are_gone_from_where_they_were(world: "World", alice: Owner) -> None:
    mailboxes = world.store.mailboxes
    copied = await mailboxes.copy(alice, "INBOX", [1, 3], "Kept", move=True)
    assert (copied.source, copied.target) == ((1, 3), (1, 2))
    assert await world.uids(alice) == [2, 4]
    assert await mailboxes.body(alice, "Kept", 2) == b"message 3"
    assert await mailboxes.body(alice, "INBOX", 3) is None
    assert world.bodies() == 4


@pytest.mark.parametrize("move", [False, True])
async def test_within_one_mailbox(world: "World", alice: Owner, move: bool) -> None:
    mailboxes = world.store.mailboxes
    copied = await mailboxes.copy(alice, "INBOX", [1, 2], "inbox", move=move)
    assert copied.target == (5, 6)
    assert await world.uids(alice) == ([3, 4, 5, 6] if move else [1, 2, 3, 4, 5, 6])
    assert await mailboxes.body(alice, "INBOX", 5) == b"message 1"
    assert (await mailboxes.snapshot(alice, "INBOX")).uidnext == 7
    assert await mailboxes.messages() == (4 if move else 6)


async def test_nothing_to_copy_changes_nothing(world: "World", alice: Owner) -> None:
    before = await world.store.mailboxes.snapshot(alice, "Kept")
    copied = await world.store.mailboxes.copy(alice, "INBOX", [98, 99], "Kept", move=True)
    assert copied == Copied(before.uidvalidity, (), ())
    assert await world.store.mailboxes.snapshot(alice, "Kept") == before


async def test_both_mailboxes_hear_of_a_move(world: "World", alice: Owner) -> None:
    source, _ = await world.store.changes.open(alice, "INBOX")
    target, _ = await world.store.changes.open(alice, "Kept")
    await world.store.mailboxes.copy(alice, "INBOX", [1, 2], "Kept", move=True)
    assert source.take() == [Expunged(1), Expunged(2)]
    kept = await world.store.mailboxes.snapshot(alice, "Kept")
    assert target.take() == [Arrived(entry) for entry in kept.entries]
