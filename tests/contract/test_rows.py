"""What the logic above leans on and cannot show: looks that choose, and decisions that are made again."""

from functools import partial
from typing import TYPE_CHECKING

from angarium.store.sweep import _carry_out

if TYPE_CHECKING:
    from tests.contract.conftest import World


async def test_old_messages_are_found_by_day_size_and_flag(world: "World") -> None:
    alice, bob = await world.account("alice"), await world.account("bob")
    for day, size in ((1, 5000), (2, 500), (3, 5000)):
        await world.deliver(b"x" * size, "alice", "bob", day=day)
    for owner in (alice, bob):
        await world.store.mailboxes.flag(owner, "INBOX", [2, 3], add=frozenset({"\\Seen"}))
    read = world.store._backend.read

    async def old(before: int, above: int, seen: bool, limit: int = 100) -> list[int]:
        """Sorted UIDs of both mailboxes, found in looks of so many."""
        found, after = await read(lambda rows: rows.old(before, above=above, seen=seen, after=None, limit=limit))
        while after is not None:
            more, after = await read(
                partial(lambda rows, on: rows.old(before, above=above, seen=seen, after=on, limit=limit), on=after)
            )
            found += more
        assert len(found) == len(set(found))
        assert len({number for number, _ in found}) == 2
        return sorted(uid for _, uid in found)

    above = world.seal.size_class(500)
    for limit in (1, 2, 5, 6, 100):
        assert await old(9, -1, False, limit) == [1, 1, 2, 2, 3, 3]
        assert await old(3, -1, False, limit) == [1, 1, 2, 2]
        assert await old(9, above, False, limit) == [1, 1, 3, 3]
        assert await old(9, above, True, limit) == [3, 3]


async def test_a_message_that_is_no_longer_due_is_spared(world: "World") -> None:
    alice = await world.account()
    await world.deliver(b"hello", "alice")
    await world.deliver(b"hello", "alice")
    backend = world.store._backend
    places, after = await backend.read(lambda rows: rows.old(10_000, above=-1, seen=False, after=None, limit=9))
    assert after is None
    assert await _carry_out(backend, world.seal, [*places, (7, 7)], lambda message: message.uid == 2) == 1
    assert await world.uids(alice) == [1]
