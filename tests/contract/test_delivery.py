"""Delivery: all of it or nothing, once each, in order, bodies that go to many once."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from angarium.store.delivery import LARGE
from angarium.store.interfaces import Letter, NoSuchMailbox
from angarium.wire.imap.entry import Entry

if TYPE_CHECKING:
    from tests.contract.conftest import World

BIG = b"x" * (LARGE + 1)


async def test_a_message_arrives_as_it_was_sent(world: "World") -> None:
    alice = await world.account()
    message = bytes(range(256)) + b"\r\n.\r\n"
    await world.deliver(message, "alice", day=123)
    snapshot = await world.store.mailboxes.snapshot(alice, "INBOX")
    assert snapshot.entries == (Entry(1, len(message), frozenset(), 123, snapshot.modseq),)
    assert snapshot.uidnext == 2
    assert await world.store.mailboxes.body(alice, "INBOX", 1) == message
    assert await world.store.mailboxes.body(alice, "INBOX", 2) is None
    assert await world.store.mailboxes.messages() == 1


@pytest.mark.parametrize("size", [0, 1, LARGE, LARGE + 1, 300_000])
async def test_any_size_to_one_and_to_several(world: "World", size: int) -> None:
    owners = [await world.account(name) for name in ("alice", "bob", "carol")]
    message = bytes(at % 251 for at in range(size))
    await world.deliver(message, "alice")
    await world.deliver(message, "alice", "bob", "carol")
    for owner in owners:
        for uid in await world.uids(owner):
            assert await world.store.mailboxes.body(owner, "INBOX", uid) == message
    alone = 1 if world.hides else 0
    assert world.blobs() == (1 + alone if size > LARGE else 0)
    assert world.bodies() == (4 if world.hides or size <= LARGE else 1)


async def test_a_name_twice_in_one_letter_gets_it_once(world: "World") -> None:
    alice = await world.account()
    await world.deliver(b"hello", "alice", "alice")
    await world.deliver(BIG, "alice", "alice")
    assert await world.uids(alice) == [1, 2]
    assert world.blobs() == (1 if world.hides else 0)


async def test_two_letters_for_one_name_arrive_in_order(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    await world.store.mailboxes.deliver(
        [Letter(b"one", ("alice", "bob")), Letter(b"two", ("alice",)), Letter(b"three", ("bob", "alice"))], day=1
    )
    assert [await world.store.mailboxes.body(alice, "INBOX", uid) for uid in (1, 2, 3)] == [b"one", b"two", b"three"]
    assert [await world.store.mailboxes.body(bob, "INBOX", uid) for uid in (1, 2, 3)] == [b"one", b"three", None]


async def test_names_without_an_account_are_passed_over(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    await world.store.accounts.delete(bob)
    await world.deliver(b"hello", "nobody", "alice", "bob")
    await world.deliver(BIG, "nobody", "bob")
    await world.deliver(b"hello", "nobody")
    assert await world.uids(alice) == [1]
    assert (world.blobs(), world.bodies()) == (0, 1)


async def test_nothing_to_deliver_is_no_error(world: "World") -> None:
    await world.store.mailboxes.deliver([], day=1)
    await world.deliver(b"hello")


async def test_a_thousand_names_at_once(world: "World") -> None:
    names = [f"name{at}" for at in range(1000)]
    await asyncio.gather(*(world.account(name) for name in names[::100]))
    await world.deliver(BIG, *names)
    assert await world.store.mailboxes.messages() == 10
    assert world.blobs() == 1
    owner = await world.store.accounts.login("name900", "password", day=1)
    assert await world.store.mailboxes.body(owner, "INBOX", 1) == BIG


async def test_deliveries_at_once_all_arrive_with_uids_of_their_own(world: "World") -> None:
    alice = await world.account()
    await asyncio.gather(*(world.deliver(b"%d" % at, "alice") for at in range(300)))
    uids = await world.uids(alice)
    assert uids == list(range(1, 301))
    bodies = [await world.store.mailboxes.body(alice, "INBOX", uid) for uid in uids]
    assert sorted(bodies) == sorted(b"%d" % at for at in range(300))  # type: ignore[type-var]


async def test_a_shared_body_goes_with_its_last_holder(world: "World") -> None:
    owners = [await world.account(name) for name in ("alice", "bob", "carol")]
    await world.deliver(BIG, "alice", "bob", "carol")
    mailboxes = world.store.mailboxes
    for left, owner in zip((1, 1, 0), owners, strict=True):
        await mailboxes.flag(owner, "INBOX", [1], add=frozenset({"\\Deleted"}))
        await mailboxes.expunge(owner, "INBOX")
        assert world.blobs() == left
    assert await mailboxes.body(owners[0], "INBOX", 1) is None


async def test_copies_hold_a_shared_body_too(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    await world.deliver(BIG, "alice", "bob")
    mailboxes = world.store.mailboxes
    await mailboxes.create(alice, "Kept")
    await mailboxes.copy(alice, "INBOX", [1], "Kept")
    await world.store.accounts.delete(bob)
    await mailboxes.flag(alice, "INBOX", [1], add=frozenset({"\\Deleted"}))
    await mailboxes.expunge(alice, "INBOX")
    assert await mailboxes.body(alice, "Kept", 1) == BIG
    await mailboxes.copy(alice, "Kept", [1], "INBOX", move=True)
    assert await mailboxes.body(alice, "INBOX", 2) == BIG
    await mailboxes.remove(alice, "Kept")
    assert world.blobs() == 1
    await mailboxes.create(alice, "Other")
    await mailboxes.copy(alice, "INBOX", [2], "Other", move=True)
    await mailboxes.remove(alice, "Other")
    assert world.blobs() == 0


async def test_a_deleted_account_lets_go_of_its_shared_bodies(world: "World") -> None:
    owners = [await world.account(name) for name in ("alice", "bob")]
    await world.deliver(BIG, "alice", "bob")
    await world.store.accounts.delete(owners[0])
    assert world.blobs() == 1
    assert await world.store.mailboxes.body(owners[1], "INBOX", 1) == BIG
    await world.store.accounts.delete(owners[1])
    assert world.blobs() == 0


async def test_usage_is_what_the_mailboxes_hold(world: "World") -> None:
    alice, _ = await world.account("alice"), await world.account("bob")
    mailboxes, size = world.store.mailboxes, world.seal.size_class
    await world.deliver(b"x" * 2500, "alice", "bob")
    await mailboxes.append(alice, "INBOX", b"x" * 10, flags=frozenset({"\\Deleted"}), day=1)
    await mailboxes.create(alice, "Copy")
    await mailboxes.copy(alice, "INBOX", [1], "Copy")
    expected = {"alice": 2 * size(2500) + size(10), "bob": size(2500)}
    assert await mailboxes.usage(["bob", "alice", "nobody"]) == expected
    await mailboxes.expunge(alice, "INBOX")
    await mailboxes.copy(alice, "INBOX", [1], "Copy", move=True)
    assert await mailboxes.usage({"alice"}) == {"alice": 2 * size(2500)}
    await mailboxes.remove(alice, "Copy")
    assert await mailboxes.usage(["alice"]) == {"alice": 0}
    assert await mailboxes.usage([]) == {}


async def test_append_answers_where_it_went(world: "World") -> None:
    alice = await world.account()
    mailboxes = world.store.mailboxes
    await mailboxes.create(alice, "Sent")
    validity, uid = await mailboxes.append(alice, "Sent", b"hello", flags=frozenset({"\\seen", "Work", "work"}), day=7)
    snapshot = await mailboxes.snapshot(alice, "Sent")
    assert (validity, uid) == (snapshot.uidvalidity, 1)
    (entry,) = snapshot.entries
    assert entry.day == 7
    assert entry.size == 5
    assert "\\Seen" in entry.flags
    assert len(entry.flags) == 2
    assert await mailboxes.body(alice, "Sent", 1) == b"hello"
    with pytest.raises(NoSuchMailbox):
        await mailboxes.append(alice, "Nowhere", b"hello", flags=frozenset(), day=7)


async def test_delivery_to_an_account_that_is_just_being_deleted_harms_nobody(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    await asyncio.gather(
        *(world.deliver(BIG, "alice", "bob") for _ in range(5)),
        world.store.accounts.delete(alice),
        *(world.deliver(b"small", "alice", "bob") for _ in range(5)),
    )
    assert len(await world.uids(bob)) == 10
    await world.store.accounts.delete(bob)
    assert (world.blobs(), world.bodies()) == (0, 0)
