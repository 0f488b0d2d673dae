"""What was answered is there after the store was closed and opened again."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from angarium.store.delivery import LARGE
from angarium.store.interfaces import NameTaken, Rules

if TYPE_CHECKING:
    from tests.contract.conftest import World

Durable = tuple["World", Callable[[], Awaitable[None]]]
BIG = b"x" * (LARGE + 1)


async def test_everything_is_there_again(durable: Durable) -> None:
    world, reopen = durable
    alice, bob = await world.account("alice"), await world.account("bob")
    await world.store.accounts.delete(bob)
    bob = await world.account("bobby")
    mailboxes = world.store.mailboxes
    await mailboxes.create(alice, "Work")
    await world.deliver(b"hello", "alice", "bobby")
    await world.deliver(BIG, "alice", "bobby")
    await mailboxes.copy(alice, "INBOX", [2], "Work")
    await mailboxes.flag(alice, "INBOX", [1], add=frozenset({"\\Seen", "Keyword"}))
    await mailboxes.flag(alice, "INBOX", [2], add=frozenset({"\\Deleted"}))
    await mailboxes.expunge(alice, "INBOX")
    await world.store.tokens.add(alice, "phone")
    await world.store.invitations.add("token", uses=2, expires_day=100)
    await world.store.accounts.create("carol", "password", day=1, token="token")
    before = [await mailboxes.snapshot(alice, name) for name in ("INBOX", "Work")]
    usage = await mailboxes.usage(["alice", "bobby", "carol"])

    await reopen()

    mailboxes = world.store.mailboxes
    alice = await world.store.accounts.login("alice", "password", day=1)
    bob = await world.store.accounts.login("bobby", "password", day=1)
    assert await mailboxes.names(alice) == ["INBOX", "Work"]
    assert [await mailboxes.snapshot(alice, name) for name in ("INBOX", "Work")] == before
    assert before[0].uidnext == 3
    assert await mailboxes.usage(["alice", "bobby", "carol"]) == usage
    assert await mailboxes.body(alice, "Work", 1) == await mailboxes.body(bob, "INBOX", 2) == BIG
    assert await mailboxes.body(alice, "INBOX", 1) == b"hello"
    assert await world.store.tokens.of("alice") == ["phone"]
    assert await world.store.accounts.count() == 3
    with pytest.raises(NameTaken):
        await world.account("bob")
    await world.store.accounts.create("dave", "password", day=1, token="token")
    assert not await world.store.invitations.valid("token", day=1)


async def test_a_deletion_that_a_crash_cut_short_is_finished_by_a_sweep(durable: Durable) -> None:
    world, reopen = durable
    alice, bob = await world.account("alice"), await world.account("bob")
    for _ in range(3):
        await world.deliver(b"hello", "alice", "bob")
    await world.deliver(BIG, "alice", "bob")
    destroy = world.store.accounts._destroy
    await world.store._backend.write(lambda rows, news: destroy(rows, news, account=alice.account))
    each = 4 if world.hides else 3
    assert world.bodies() == 2 * each

    await reopen()

    bob = await world.store.accounts.login("bob", "password", day=1)
    nothing = Rules(None, 0, None, 10**9, 10**9, 0)
    await world.store.mailboxes.sweep(nothing)
    assert world.bodies() == each
    assert await world.store._backend.read(lambda rows: rows.ruins()) == []
    assert await world.uids(bob) == [1, 2, 3, 4]
    assert await world.store.mailboxes.body(bob, "INBOX", 4) == BIG
