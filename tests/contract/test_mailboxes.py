"""Mailboxes: their names, and UIDs that are never used twice."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from angarium.store.interfaces import MailboxExists, NoSuchMailbox

if TYPE_CHECKING:
    from tests.contract.conftest import World

DELETED = frozenset({"\\Deleted"})


async def test_inbox_first_then_in_order(world: "World") -> None:
    alice = await world.account()
    for name in ("b", "a", "Ä", "A"):
        await world.store.mailboxes.create(alice, name)
    assert await world.store.mailboxes.names(alice) == ["INBOX", "A", "a", "b", "Ä"]


async def test_inbox_in_any_case_others_exactly(world: "World") -> None:
    alice = await world.account()
    mailboxes = world.store.mailboxes
    await world.deliver(b"hello", "alice")
    await mailboxes.create(alice, "Work")
    for name in ("INBOX", "inbox", "InBox"):
        assert await world.uids(alice, name) == [1]
        with pytest.raises(MailboxExists):
            await mailboxes.create(alice, name)
    with pytest.raises(NoSuchMailbox):
        await mailboxes.snapshot(alice, "work")
    with pytest.raises(NoSuchMailbox):
        await mailboxes.snapshot(alice, "\u0131nbox")
    with pytest.raises(MailboxExists):
        await mailboxes.create(alice, "Work")
    await mailboxes.create(alice, "work")


async def test_an_account_sees_its_own_mailboxes_only(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    await world.store.mailboxes.create(alice, "Work")
    await world.deliver(b"hello", "alice")
    assert await world.store.mailboxes.names(bob) == ["INBOX"]
    assert await world.uids(bob) == []
    with pytest.raises(NoSuchMailbox):
        await world.store.mailboxes.snapshot(bob, "Work")


async def test_everything_that_names_a_mailbox_misses_one_that_is_not_there(world: "World") -> None:
    alice = await world.account()
    mailboxes = world.store.mailboxes
    for missing in (
        mailboxes.snapshot(alice, "No"),
        mailboxes.body(alice, "No", 1),
        mailboxes.append(alice, "No", b"", flags=frozenset(), day=1),
        mailboxes.flag(alice, "No", [1]),
        mailboxes.expunge(alice, "No"),
        mailboxes.copy(alice, "No", [1], "INBOX"),
        mailboxes.copy(alice, "INBOX", [1], "No"),
        mailboxes.remove(alice, "No"),
        mailboxes.rename(alice, "No", "Yes"),
        world.store.changes.open(alice, "No"),
    ):
        with pytest.raises(NoSuchMailbox):
            await missing


async def test_inbox_is_neither_removed_nor_renamed(world: "World") -> None:
    alice = await world.account()
    with pytest.raises(NoSuchMailbox):
        await world.store.mailboxes.remove(alice, "Inbox")
    with pytest.raises(NoSuchMailbox):
        await world.store.mailboxes.rename(alice, "inbox", "Other")
    assert await world.store.mailboxes.names(alice) == ["INBOX"]


async def test_a_renamed_mailbox_keeps_what_it_holds(world: "World") -> None:
    alice = await world.account()
    mailboxes = world.store.mailboxes
    await mailboxes.create(alice, "Old")
    await mailboxes.append(alice, "Old", b"hello", flags=frozenset(), day=1)
    before = await mailboxes.snapshot(alice, "Old")
    await mailboxes.rename(alice, "Old", "New")
    assert await mailboxes.snapshot(alice, "New") == before
    assert await mailboxes.body(alice, "New", 1) == b"hello"
    assert await mailboxes.names(alice) == ["INBOX", "New"]
    await mailboxes.create(alice, "Old")
    for taken in ("New", "INBOX", "inbox"):
        with pytest.raises(MailboxExists):
            await mailboxes.rename(alice, "Old", taken)


async def test_a_removed_mailbox_takes_its_messages_along(world: "World") -> None:
    alice = await world.account()
    mailboxes = world.store.mailboxes
    await mailboxes.create(alice, "Work")
    await mailboxes.append(alice, "Work", b"hello", flags=frozenset(), day=1)
    await world.deliver(b"hello", "alice")
    await mailboxes.remove(alice, "Work")
    assert await mailboxes.messages() == 1
    assert world.bodies() == 1
    assert await mailboxes.names(alice) == ["INBOX"]


async def test_no_two_mailboxes_of_a_name_share_uidvalidity(world: "World") -> None:
    alice = await world.account()
    mailboxes = world.store.mailboxes
    seen = {(await mailboxes.snapshot(alice, "INBOX")).uidvalidity}
    for _ in range(5):
        await mailboxes.create(alice, "Work")
        seen.add((await mailboxes.snapshot(alice, "Work")).uidvalidity)
        await mailboxes.remove(alice, "Work")
    assert len(seen) == 6


async def test_uids_are_not_used_again_even_when_the_highest_is_gone(world: "World") -> None:
    alice = await world.account()
    mailboxes = world.store.mailboxes
    before = await mailboxes.snapshot(alice, "INBOX")
    for uid in (1, 2, 3):
        await world.deliver(b"hello", "alice")
        await mailboxes.flag(alice, "INBOX", [uid], add=DELETED)
        assert await mailboxes.expunge(alice, "INBOX") == (uid,)
    after = await mailboxes.snapshot(alice, "INBOX")
    assert (after.uidvalidity, after.uidnext, after.entries) == (before.uidvalidity, 4, ())


async def test_expunge_takes_what_is_flagged_and_asked_for(world: "World") -> None:
    alice = await world.account()
    mailboxes = world.store.mailboxes
    for _ in range(6):
        await world.deliver(b"hello", "alice")
    await mailboxes.flag(alice, "INBOX", [1, 2, 4, 5], add=DELETED)
    assert await mailboxes.expunge(alice, "INBOX", [5, 2, 3, 99]) == (2, 5)
    assert await mailboxes.expunge(alice, "INBOX", []) == ()
    assert await mailboxes.expunge(alice, "INBOX") == (1, 4)
    assert await mailboxes.expunge(alice, "INBOX") == ()
    assert await world.uids(alice) == [3, 6]


async def test_more_than_one_transaction_of_expunges(world: "World") -> None:
    alice = await world.account()
    await asyncio.gather(*(world.deliver(b"hello", "alice") for _ in range(600)))
    await world.store.mailboxes.flag(alice, "INBOX", range(1, 601), add=DELETED)
    assert await world.store.mailboxes.expunge(alice, "INBOX", range(2, 601)) == tuple(range(2, 601))
    assert await world.uids(alice) == [1]
    assert world.bodies() == 1


@pytest.mark.parametrize("uid", [0, -1, 2**32, 2**32 + 1, 2**40, 2**63, 2**70])
async def test_a_uid_that_cannot_be_is_nobody(world: "World", uid: int) -> None:
    alice, _ = await world.account("alice"), await world.account("bob")
    await world.deliver(b"hello", "alice", "bob")
    mailboxes = world.store.mailboxes
    assert await mailboxes.body(alice, "INBOX", uid) is None
    assert await mailboxes.flag(alice, "INBOX", [uid], add=DELETED) == ((), ())
    assert await mailboxes.expunge(alice, "INBOX", [uid]) == ()
    assert (await mailboxes.copy(alice, "INBOX", [uid], "INBOX")).source == ()
    assert await mailboxes.messages() == 2
