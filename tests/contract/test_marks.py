"""Marks of what arrived: each mailbox takes a message once, for as long as it is remembered, also at once and after a
restart."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from angarium.store import marks as marks_module
from angarium.store.delivery import LARGE
from angarium.store.interfaces import Letter, StoreFull

if TYPE_CHECKING:
    from angarium.store.outbound import Marks
    from tests.contract.conftest import World

Durable = tuple["World", Callable[[], Awaitable[None]]]

ONE, OTHER = bytes(32), b"\1" * 32
DAY = 20_000
BIG = b"x" * (LARGE + 1)


async def people(world: "World", *names: str) -> None:
    for name in names or ("anna", "otto"):
        await world.account(name)


async def inbox(world: "World", name: str) -> list[bytes | None]:
    owner = await world.store.accounts.login(name, "password", day=DAY)
    return [await world.store.mailboxes.body(owner, "INBOX", uid) for uid in await world.uids(owner)]


async def test_each_mailbox_takes_a_mark_once(world: "World") -> None:
    await people(world)
    marks: Marks = world.store.marks
    assert await marks.deliver(Letter(b"x", ("anna",)), ONE, day=DAY) == ("anna",)
    assert await marks.deliver(Letter(b"y", ("anna", "otto")), ONE, day=DAY) == ("otto",)
    assert await marks.deliver(Letter(b"z", ("anna", "otto")), ONE, day=DAY + 1) == ()
    assert await marks.deliver(Letter(b"z", ("anna",)), OTHER, day=DAY + 1) == ("anna",)
    assert await marks.deliver(Letter(b"z", ()), OTHER, day=DAY) == ()
    assert await inbox(world, "anna") == [b"x", b"z"]
    assert await inbox(world, "otto") == [b"y"]


async def test_any_bytes_make_a_mark(world: "World") -> None:
    await people(world)
    for mark in (b"", b"\0", b"/anna", b"x" * 1000):
        assert await world.store.marks.deliver(Letter(b"x", ("anna", "anna")), mark, day=DAY) == ("anna",)
        assert await world.store.marks.deliver(Letter(b"x", ("anna", "otto")), mark, day=DAY) == ("otto",)


async def test_a_name_without_an_account_is_passed_over_and_not_marked(world: "World") -> None:
    await people(world, "anna")
    marks = world.store.marks
    assert await marks.deliver(Letter(b"x", ("otto", "anna")), ONE, day=DAY) == ("anna",)
    assert await marks.deliver(Letter(b"x", ("otto",)), ONE, day=DAY) == ()
    await people(world, "otto")
    assert await marks.deliver(Letter(b"x", ("otto", "anna")), ONE, day=DAY) == ("otto",)


async def test_of_many_at_once_each_name_gets_one(world: "World") -> None:
    names = ("anna", "otto", "ines")
    await people(world, *names)
    told = await asyncio.gather(
        *(
            world.store.marks.deliver(Letter(body, some), ONE, day=DAY)
            for some in (names[:1], names, names[1:], names[::-1])
            for body in (b"x", BIG)
        )
    )
    assert sorted(name for some in told for name in some) == sorted(names)
    assert [len(await inbox(world, name)) for name in names] == [1, 1, 1]


async def test_a_large_body_is_held_by_those_who_got_it(world: "World") -> None:
    await people(world, "anna", "otto", "ines")
    marks = world.store.marks
    await marks.deliver(Letter(BIG, ("anna",)), ONE, day=DAY)
    assert await marks.deliver(Letter(BIG, ("anna", "otto", "ines")), ONE, day=DAY) == ("otto", "ines")
    for name in ("anna", "otto", "ines"):
        assert await inbox(world, name) == [BIG]
        await world.store.accounts.delete(await world.store.accounts.login(name, "password", day=DAY))
    assert (world.blobs(), world.bodies()) == (0, 0)


async def test_an_account_deleted_meanwhile_is_passed_over(world: "World") -> None:
    await people(world)
    otto = await world.store.accounts.login("otto", "password", day=DAY)
    *_, told = await asyncio.gather(
        world.store.accounts.delete(otto),
        world.store.marks.deliver(Letter(b"x", ("otto", "anna")), ONE, day=DAY),
        world.store.marks.deliver(Letter(b"y", ("otto", "anna")), OTHER, day=DAY),
    )
    assert "anna" in told
    assert await inbox(world, "anna") == [b"x", b"y"]


async def test_an_account_that_begins_anew_does_not_get_again_what_it_had(world: "World") -> None:
    await people(world)
    marks, accounts = world.store.marks, world.store.accounts
    await marks.deliver(Letter(b"x", ("anna",)), ONE, day=DAY)
    await accounts.set_duress("anna", "password", "duress", day=DAY)
    emptied = await accounts.login("anna", "duress", day=DAY)
    assert await marks.deliver(Letter(b"x", ("anna",)), ONE, day=DAY) == ()
    assert await marks.deliver(Letter(b"x", ("anna",)), OTHER, day=DAY) == ("anna",)
    assert len(await world.uids(emptied)) == 1


async def test_old_marks_are_forgotten(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks_module, "LOOKED_AT", 4)
    monkeypatch.setattr(marks_module, "AT_ONCE", 3)
    await people(world)
    marks = world.store.marks
    for day in range(10):
        await marks.deliver(Letter(b"x", ("anna", "otto")), bytes([day]), day=DAY + day)
    assert await marks.forget(before_day=DAY + 9) == 18
    assert await marks.forget(before_day=DAY + 9) == 0
    letter = Letter(b"x", ("anna",))
    assert await marks.deliver(letter, bytes([9]), day=DAY + 20) == ()
    assert await marks.deliver(letter, bytes([8]), day=DAY + 20) == ("anna",)


async def test_what_was_not_stored_is_not_remembered(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    await people(world)

    async def full(job: object, *, heavy: bool = False) -> None:
        raise StoreFull("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(world.store._backend, "write", full)
        with pytest.raises(StoreFull):
            await world.store.marks.deliver(Letter(b"x", ("anna",)), ONE, day=DAY)
    assert await world.store.marks.deliver(Letter(b"x", ("anna",)), ONE, day=DAY) == ("anna",)


async def test_they_last_across_restarts(durable: Durable) -> None:
    world, reopen = durable
    await people(world)
    await world.store.marks.deliver(Letter(b"x", ("anna",)), ONE, day=DAY)
    await reopen()
    assert await world.store.marks.deliver(Letter(b"y", ("anna", "otto")), ONE, day=DAY) == ("otto",)
    assert await inbox(world, "anna") == [b"x"]
