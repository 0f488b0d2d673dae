"""What the logic above leans on and cannot show: looks that choose, and decisions that are made again."""

from typing import TYPE_CHECKING

from angarium.store.sweep import _carry_out

if TYPE_CHECKING:
    from tests.contract.conftest import World


async def test_old_messages_are_found_by_day_size_and_flag_in_order(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    for day, size in ((1, 5000), (2, 500), (3, 5000)):
        await world.deliver(b"x" * size, "alice", "bob", day=day)
    for owner in (alice, bob):
        await world.store.mailboxes.flag(owner, "INBOX", [2, 3], add=frozenset({"\\Seen"}))
    read = world.store._backend.read

    async def old(before: int, above: int, seen: bool, after: tuple[int, int] = (0, 0)) -> list[tuple[int, int]]:
        return await read(lambda rows: rows.old(before, above=above, seen=seen, after=after, limit=100))

    every = await old(9, -1, False)
    assert every == sorted(every)
    assert [uid for _, uid in every] == [1, 2, 3, 1, 2, 3]
    assert [uid for _, uid in await old(3, -1, False)] == [1, 2, 1, 2]
    above = world.seal.size_class(500)
    assert [uid for _, uid in await old(9, above, False)] == [1, 3, 1, 3]
    assert [uid for _, uid in await old(9, above, True)] == [3, 3]
    assert await old(9, -1, False, after=every[3]) == every[4:]
    assert await read(lambda rows: rows.old(9, above=-1, seen=False, after=(0, 0), limit=2)) == every[:2]


async def test_a_message_that_is_no_longer_due_is_spared(world: "World") -> None:
    alice = await world.account()
    await world.deliver(b"hello", "alice")
    await world.deliver(b"hello", "alice")
    backend = world.store._backend
    places = await backend.read(lambda rows: rows.old(10_000, above=-1, seen=False, after=(0, 0), limit=9))
    assert await _carry_out(backend, world.seal, [*places, (7, 7)], lambda message: message.uid == 2) == 1
    assert await world.uids(alice) == [1]
