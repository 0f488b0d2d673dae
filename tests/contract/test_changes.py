"""Subscriptions: everything after the commit, in its order, bounded."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from angarium.store import changes
from angarium.store.changes import KEPT
from angarium.store.interfaces import NoSuchMailbox
from angarium.wire.imap.entry import Arrived, Entry, Expunged, Flagged, Resync

if TYPE_CHECKING:
    from tests.contract.conftest import World

DELETED = frozenset({"\\Deleted"})


async def test_every_change_is_heard_in_order(world: "World") -> None:
    alice = await world.account()
    await world.deliver(b"before", "alice")
    subscription, _ = await world.store.changes.open(alice, "inbox")
    assert subscription.take() == []
    await world.deliver(b"hello", "alice", day=9)
    (flagged,), _ = await world.store.mailboxes.flag(alice, "INBOX", [2], add=DELETED)
    await world.store.mailboxes.expunge(alice, "INBOX")
    arrived, *rest = subscription.take()
    assert isinstance(arrived, Arrived)
    assert arrived.entry == Entry(2, 5, frozenset(), 9, arrived.entry.modseq)
    assert rest == [Flagged(flagged), Expunged(2)]
    assert subscription.take() == []
    assert not subscription.gone


async def test_what_is_heard_is_what_a_snapshot_says(world: "World") -> None:
    alice = await world.account()
    subscription, _ = await world.store.changes.open(alice, "INBOX")
    await asyncio.gather(*(world.deliver(b"hello", "alice") for _ in range(100)))
    snapshot = await world.store.mailboxes.snapshot(alice, "INBOX")
    assert subscription.take() == [Arrived(entry) for entry in snapshot.entries]


async def test_a_change_is_out_when_its_maker_is_answered(world: "World") -> None:
    alice = await world.account()
    subscription, _ = await world.store.changes.open(alice, "INBOX")
    for uid in range(1, 20):
        await world.deliver(b"hello", "alice")
        assert [change.entry.uid for change in subscription.take() if isinstance(change, Arrived)] == [uid]
        assert await world.store.mailboxes.body(alice, "INBOX", uid) == b"hello"


async def test_only_the_mailbox_concerned_hears(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    await world.store.mailboxes.create(alice, "Work")
    work, _ = await world.store.changes.open(alice, "Work")
    inbox, _ = await world.store.changes.open(bob, "INBOX")
    await world.deliver(b"hello", "alice")
    assert work.take() == inbox.take() == []


async def test_a_change_that_changes_nothing_is_not_heard(world: "World") -> None:
    alice = await world.account()
    await world.deliver(b"hello", "alice")
    subscription, _ = await world.store.changes.open(alice, "INBOX")
    await world.store.mailboxes.flag(alice, "INBOX", [1], remove=DELETED)
    await world.store.mailboxes.expunge(alice, "INBOX")
    assert subscription.take() == []


async def test_who_wants_to_be_told_is_told_once_there_is_something(world: "World") -> None:
    alice = await world.account()
    told: list[bool] = []
    subscription, _ = await world.store.changes.open(alice, "INBOX", lambda: told.append(subscription.news))
    assert not subscription.news
    await world.deliver(b"hello", "alice")
    assert told == [True], "before whoever delivered it was answered"
    assert len(subscription.take()) == 1
    assert not subscription.news
    await world.deliver(b"hello", "alice")
    await world.deliver(b"hello", "alice")
    assert told == [True] * 3
    subscription.close()
    await world.deliver(b"hello", "alice")
    assert len(told) == 3


async def test_who_does_not_take_gets_one_resync(world: "World") -> None:
    alice = await world.account()
    subscription, _ = await world.store.changes.open(alice, "INBOX")
    await asyncio.gather(*(world.deliver(b"hello", "alice") for _ in range(KEPT)))
    exact, _ = await world.store.changes.open(alice, "INBOX")
    assert len(subscription._changes or ()) == KEPT
    for _ in range(3):
        await world.deliver(b"hello", "alice")
    assert subscription.take() == [Resync()]
    assert len(exact.take()) == 3
    await world.deliver(b"hello", "alice")
    assert len(subscription.take()) == 1


async def test_a_deleted_account_is_heard_of(world: "World") -> None:
    alice = await world.account()
    told: list[bool] = []
    subscription, _ = await world.store.changes.open(alice, "INBOX", lambda: told.append(subscription.gone))
    await world.store.accounts.delete(alice)
    assert told == [True]
    assert subscription.gone
    assert subscription.news
    assert subscription.take() == []


async def test_a_removed_mailbox_is_heard_of_and_an_expired_account(world: "World") -> None:
    alice = await world.account()
    await world.store.mailboxes.create(alice, "Work")
    work, _ = await world.store.changes.open(alice, "Work")
    inbox, _ = await world.store.changes.open(alice, "INBOX")
    await world.store.mailboxes.remove(alice, "Work")
    assert work.gone
    assert not inbox.gone
    await world.store.accounts.expire(before_day=10_000)
    assert inbox.gone


async def test_a_renamed_mailbox_is_still_heard(world: "World") -> None:
    alice = await world.account()
    await world.store.mailboxes.create(alice, "Old")
    subscription, _ = await world.store.changes.open(alice, "Old")
    await world.store.mailboxes.rename(alice, "Old", "New")
    await world.store.mailboxes.append(alice, "New", b"hello", flags=frozenset(), day=1)
    assert len(subscription.take()) == 1


async def test_a_closed_subscription_hears_nothing(world: "World") -> None:
    alice = await world.account()
    subscription, _ = await world.store.changes.open(alice, "INBOX")
    other, _ = await world.store.changes.open(alice, "INBOX")
    subscription.close()
    subscription.close()
    await world.deliver(b"hello", "alice")
    assert subscription.take() == []
    assert len(other.take()) == 1
    other.close()
    assert world.store.changes._hub._listeners == {}


async def test_open_is_a_snapshot_and_all_that_comes_after_it(world: "World") -> None:
    alice = await world.account()
    await world.deliver(b"one", "alice")
    subscription, snapshot = await world.store.changes.open(alice, "inbox")
    assert snapshot == await world.store.mailboxes.snapshot(alice, "INBOX")
    await world.deliver(b"two", "alice")
    (change,) = subscription.take()
    assert isinstance(change, Arrived)
    assert change.entry.uid == snapshot.uidnext


async def test_open_of_a_long_mailbox_hears_what_comes_while_it_is_listed(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LONG", 1)
    alice = await world.account()
    for _ in range(3):
        await world.deliver(b"one", "alice")
    opening = asyncio.ensure_future(world.store.changes.open(alice, "INBOX"))
    await world.deliver(b"two", "alice")
    subscription, snapshot = await opening
    heard = {change.entry.uid for change in subscription.take() if isinstance(change, Arrived)}
    assert heard | {entry.uid for entry in snapshot.entries} == set(await world.uids(alice))


async def test_open_of_what_is_not_there_leaves_nobody_listening(world: "World") -> None:
    alice = await world.account()
    with pytest.raises(NoSuchMailbox):
        await world.store.changes.open(alice, "Work")
    assert not world.store.changes._hub._listeners
