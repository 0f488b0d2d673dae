"""What a sweep deletes, and what it leaves."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from angarium.store.delivery import LARGE
from angarium.store.interfaces import Rules, Swept
from angarium.wire.imap.entry import Expunged

if TYPE_CHECKING:
    from tests.contract.conftest import World

NOTHING = Rules(
    before_day=None, large_bytes=0, large_seen_before_day=None, quota_high=10**9, quota_low=10**9, quota_before_day=0
)
SEEN = frozenset({"\\Seen"})


async def test_no_rules_no_deletions(world: "World") -> None:
    alice = await world.account()
    await world.deliver(b"hello", "alice", day=1)
    assert await world.store.mailboxes.sweep(NOTHING) == Swept(0, 0, 0)
    assert await world.uids(alice) == [1]


async def test_old_messages_go(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    await world.store.mailboxes.create(alice, "Kept")
    for day in (9, 10, 11):
        await world.deliver(b"hello", "alice", "bob", day=day)
    await world.store.mailboxes.copy(alice, "INBOX", [1, 2], "Kept")
    assert await world.store.mailboxes.sweep(replace(NOTHING, before_day=10)) == Swept(3, 0, 0)
    assert await world.uids(alice) == [2, 3]
    assert await world.uids(alice, "Kept") == [2]
    assert await world.uids(bob) == [2, 3]
    assert await world.store.mailboxes.messages() == world.bodies() == 5
    assert (await world.store.mailboxes.snapshot(bob, "INBOX")).uidnext == 4


async def test_large_messages_go_once_seen(world: "World") -> None:
    alice = await world.account()
    large = world.seal.size_class(10_000)
    for size, day in ((10_000, 1), (large + 1, 1), (30_000, 1), (30_000, 5)):
        await world.deliver(b"x" * size, "alice", day=day)
    await world.store.mailboxes.flag(alice, "INBOX", [1, 2, 4], add=SEEN)
    rules = replace(NOTHING, large_bytes=large, large_seen_before_day=5)
    assert await world.store.mailboxes.sweep(rules) == Swept(0, 1, 0)
    assert await world.uids(alice) == [1, 3, 4]


async def test_an_account_over_quota_loses_its_oldest(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    await world.store.mailboxes.create(alice, "Kept")
    for day in (5, 3, 4, 1, 2):
        await world.deliver(b"x" * 1000, "alice", "bob", day=day)
    await world.store.mailboxes.copy(alice, "INBOX", [4], "Kept")
    each = world.seal.size_class(1000)
    rules = replace(NOTHING, quota_high=5 * each, quota_low=3 * each + each // 2, quota_before_day=100)
    assert await world.store.mailboxes.sweep(rules) == Swept(0, 0, 3)
    assert await world.uids(alice) == [1, 2, 3]
    assert await world.uids(alice, "Kept") == []
    assert len(await world.uids(bob)) == 5
    assert await world.store.mailboxes.usage(["alice"]) == {"alice": 3 * each}


async def test_quota_spares_what_is_young(world: "World") -> None:
    alice = await world.account()
    for day in (1, 8, 9):
        await world.deliver(b"x" * 1000, "alice", day=day)
    rules = replace(NOTHING, quota_high=1, quota_low=0, quota_before_day=8)
    assert await world.store.mailboxes.sweep(rules) == Swept(0, 0, 1)
    assert await world.uids(alice) == [2, 3]
    assert await world.store.mailboxes.sweep(rules) == Swept(0, 0, 0)


async def test_old_shared_bodies_go_whoever_held_them(world: "World") -> None:
    alice, _ = await world.account("alice"), await world.account("bob")
    await world.deliver(b"x" * (LARGE + 1), "alice", "bob", day=1)
    await world.deliver(b"y" * (LARGE + 1), "alice", "bob", day=2)
    assert await world.store.accounts.expire(before_day=0) == 0
    await world.store.mailboxes.sweep(replace(NOTHING, before_day=2))
    assert world.blobs() == 1
    assert await world.store.mailboxes.body(alice, "INBOX", 2) == b"y" * (LARGE + 1)
    await world.store.mailboxes.sweep(replace(NOTHING, before_day=3))
    assert world.blobs() == 0


async def test_many_deletions_pass_in_pieces_and_deliveries_between(world: "World") -> None:
    alice = await world.account()
    await asyncio.gather(*(world.deliver(b"hello", "alice", day=1) for _ in range(700)))
    swept, *_ = await asyncio.gather(
        world.store.mailboxes.sweep(replace(NOTHING, before_day=2)),
        *(world.deliver(b"hello", "alice", day=2) for _ in range(50)),
    )
    assert swept == Swept(700, 0, 0)
    assert await world.uids(alice) == list(range(701, 751))


async def test_sessions_hear_of_what_is_swept(world: "World") -> None:
    alice = await world.account()
    await world.deliver(b"hello", "alice", day=1)
    subscription, _ = await world.store.changes.open(alice, "INBOX")
    await world.store.mailboxes.sweep(replace(NOTHING, before_day=2))
    assert subscription.take() == [Expunged(1)]
