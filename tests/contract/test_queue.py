"""The out-queue: what waits for other relays, in order, once each, with the letters of the same transaction."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from angarium.store.delivery import LARGE
from angarium.store.interfaces import Letter, StoreFull
from angarium.store.outbound import Consigned, Dispatch, OutQueue, Waiting

if TYPE_CHECKING:
    from tests.contract.conftest import World

Durable = tuple["World", Callable[[], Awaitable[None]]]

SENDER = "alice@here.example"
ONE = Consigned("one.example", ("Bob@One.example", "carol@one.example"))
OTHER = Consigned("192.0.2.7", ("dave@[192.0.2.7]",))
AGE = 40


def dispatch(message: bytes = b"hello", *to: Consigned, sender: str = SENDER) -> Dispatch:
    return Dispatch(sender, message, to or (ONE,))


async def add(world: "World", message: bytes = b"hello", *to: Consigned, letters: tuple[Letter, ...] = ()) -> Waiting:
    first, *_ = await world.store.queue.add(dispatch(message, *to), letters, day=100, age_day=AGE)
    return first


async def inbox(world: "World", name: str = "alice") -> list[bytes | None]:
    owner = await world.store.accounts.login(name, "password", day=100)
    return [await world.store.mailboxes.body(owner, "INBOX", uid) for uid in await world.uids(owner)]


async def test_what_is_queued_waits_as_it_was_given(world: "World") -> None:
    queue: OutQueue = world.store.queue
    added = await queue.add(dispatch(b"a message\r\n", ONE, OTHER), [], day=100, age_day=AGE)
    assert [(each.destination, each.recipients) for each in added] == [
        ("one.example", ("Bob@One.example", "carol@one.example")),
        ("192.0.2.7", ("dave@[192.0.2.7]",)),
    ]
    assert {(each.sender, each.octets, each.day, each.held) for each in added} == {(SENDER, 11, AGE, False)}
    assert len({each.number for each in added}) == 2
    assert all(0 < each.number < 2**63 for each in added)
    assert added[0].order < added[1].order
    assert await queue.waiting() == added
    assert [await queue.message(each.number) for each in added] == [b"a message\r\n"] * 2
    assert world.cargoes() == 1


async def test_where_nothing_waits(world: "World") -> None:
    queue = world.store.queue
    assert await queue.waiting() == []
    assert await queue.message(7) is None
    await queue.settle(7, [], [], day=100)
    await queue.hold([7], held=True)
    assert await queue.add(Dispatch(SENDER, b"to nobody", ()), [], day=100, age_day=AGE) == []
    assert (await queue.waiting(), world.cargoes()) == ([], 0)


@pytest.mark.parametrize("size", [0, 5_000, LARGE + 1, 300_000])
async def test_messages_of_any_size(world: "World", size: int) -> None:
    message = bytes(at % 251 for at in range(size))
    added = await add(world, message, ONE, OTHER)
    assert added.octets == size
    assert await world.store.queue.message(added.number) == message


async def test_they_come_in_order(world: "World") -> None:
    added = [await add(world, b"%d" % at) for at in range(20)]
    assert await world.store.queue.waiting() == added
    assert [each.order for each in added] == sorted({each.order for each in added})


async def test_many_at_once_have_orders_of_their_own(world: "World") -> None:
    added = await asyncio.gather(*(add(world, b"%d" % at, ONE, OTHER) for at in range(60)))
    waiting = await world.store.queue.waiting()
    assert len(waiting) == 120
    assert len({each.order for each in waiting}) == len({each.number for each in waiting}) == 120
    assert set(added) < set(waiting)
    assert [await world.store.queue.message(each.number) for each in added] == [b"%d" % at for at in range(60)]


async def test_letters_are_delivered_in_the_same_transaction(world: "World") -> None:
    alice = await world.account()
    listening, _ = await world.store.changes.open(alice, "INBOX")
    added = await add(world, letters=(Letter(b"to a neighbour", ("alice", "nobody")),))
    assert await inbox(world) == [b"to a neighbour"]
    assert len(listening.take()) == 1
    await world.store.queue.settle(added.number, [], [Letter(b"a report", ("alice", "gone"))], day=100)
    assert await inbox(world) == [b"to a neighbour", b"a report"]
    assert len(listening.take()) == 1
    assert await world.store.queue.waiting() == []


async def test_what_is_left_stays_and_the_rest_is_settled(world: "World") -> None:
    queue = world.store.queue
    added = await add(world)
    await queue.settle(added.number, ["carol@one.example", "stranger@one.example"], [], day=100)
    (waiting,) = await queue.waiting()
    assert waiting.recipients == ("carol@one.example",)
    assert (waiting.number, waiting.order, waiting.day) == (added.number, added.order, added.day)
    assert await queue.message(added.number) == b"hello"
    await queue.settle(added.number, {"carol@one.example"}, [], day=100)
    assert await queue.waiting() == [waiting]
    await queue.settle(added.number, ["Bob@One.example"], [], day=100)
    assert await queue.waiting() == []
    assert await queue.message(added.number) is None


async def test_a_body_goes_with_the_last_relay_it_waits_for(world: "World") -> None:
    queue = world.store.queue
    third = Consigned("three.example", ("erin@three.example",))
    added = await queue.add(dispatch(b"shared", ONE, OTHER, third), [], day=100, age_day=AGE)
    await add(world, b"of another")
    for left, each in zip((2, 2, 1), added, strict=True):
        assert await queue.message(each.number) == b"shared"
        await queue.settle(each.number, [], [], day=100)
        assert await queue.message(each.number) is None
        assert world.cargoes() == left


async def test_who_settles_second_writes_no_letters(world: "World") -> None:
    await world.account()
    added = await add(world, b"hello", ONE, OTHER)
    report = Letter(b"a report", ("alice",))
    await asyncio.gather(*(world.store.queue.settle(added.number, [], [report], day=100) for _ in range(5)))
    assert await inbox(world) == [b"a report"]
    assert world.cargoes() == 1


async def test_held_and_let_go(world: "World") -> None:
    queue = world.store.queue
    first, second = await add(world, b"one"), await add(world, b"two")
    await queue.hold([first.number, 99], held=True)
    assert [each.held for each in await queue.waiting()] == [True, False]
    await queue.hold([first.number, second.number], held=True)
    await queue.settle(first.number, ["carol@one.example"], [], day=100)
    assert [(each.held, len(each.recipients)) for each in await queue.waiting()] == [(True, 1), (True, 2)]
    assert await queue.message(second.number) == b"two"
    await queue.hold({first.number, second.number}, held=False)
    assert [each.held for each in await queue.waiting()] == [False, False]


async def emptied_meanwhile(world: "World", act: Callable[[], Awaitable[object]]) -> list[bytes | None]:
    """What is in a mailbox that began anew between the sealing of an act's letters and their storing."""
    await world.store.accounts.set_duress("alice", "password", "duress", day=100)
    backend = world.store._backend
    write, jobs = backend.write, []

    async def late(job: Any, *, heavy: bool = False) -> Any:
        jobs.append(job)
        if len(jobs) == 1:
            await world.store.accounts.login("alice", "duress", day=100)
        return await write(job, heavy=heavy)

    backend.write = late  # type: ignore[method-assign]
    await act()
    backend.write = write  # type: ignore[method-assign]
    assert len(jobs) >= 3, "the duress login and two attempts"
    owner = await world.store.accounts.login("alice", "duress", day=100)
    return [await world.store.mailboxes.body(owner, "INBOX", uid) for uid in await world.uids(owner)]


async def test_letters_sealed_to_an_account_that_began_anew_are_sealed_again(world: "World") -> None:
    await world.account()
    letters = (Letter(b"here", ("alice",)),)
    assert await emptied_meanwhile(world, lambda: add(world, b"away", ONE, letters=letters)) == [b"here"]
    (waiting,) = await world.store.queue.waiting()
    assert await world.store.queue.message(waiting.number) == b"away"
    assert world.cargoes() == 1


async def test_a_report_to_an_account_that_began_anew_is_sealed_again(world: "World") -> None:
    await world.account()
    added = await add(world)
    report = [Letter(b"a report", ("alice",))]
    settled = partial(world.store.queue.settle, added.number, [], report, day=100)
    assert await emptied_meanwhile(world, settled) == [b"a report"]
    assert (await world.store.queue.waiting(), world.cargoes()) == ([], 0)


async def test_what_cannot_be_written_changes_nothing(world: "World", monkeypatch: pytest.MonkeyPatch) -> None:
    await world.account()
    added = await add(world)

    async def full(job: object, *, heavy: bool = False) -> None:
        raise StoreFull("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(world.store._backend, "write", full)
        with pytest.raises(StoreFull):
            await add(world, b"more", letters=(Letter(b"here", ("alice",)),))
        with pytest.raises(StoreFull):
            await world.store.queue.settle(added.number, [], [Letter(b"report", ("alice",))], day=100)
    assert await world.store.queue.waiting() == [added]
    assert await inbox(world) == []
    assert (await add(world)).order > added.order


async def test_it_waits_across_restarts_in_the_same_order(durable: Durable) -> None:
    world, reopen = durable
    added = [await add(world, b"%d" % at, ONE, OTHER) for at in range(5)]
    await world.store.queue.settle(added[0].number, [], [], day=100)
    await world.store.queue.hold([added[1].number], held=True)
    before = await world.store.queue.waiting()
    await reopen()
    assert await world.store.queue.waiting() == before
    assert len(before) == 9
    late = await add(world, b"late")
    assert late.order > before[-1].order
    await reopen()
    assert await world.store.queue.waiting() == [*before, late]
    assert await world.store.queue.message(late.number) == b"late"
    assert world.cargoes() == 6


@pytest.mark.alone
@pytest.mark.timeout(120)
async def test_a_long_queue_is_read_at_once_and_slows_nothing(world: "World") -> None:
    queue = world.store.queue

    async def some(count: int) -> float:
        """Queue and settle so many, one after the other; the time of the fastest."""
        fastest = 60.0
        for _ in range(count):
            began = time.perf_counter()
            added = await add(world, b"hello")
            await queue.settle(added.number, [], [], day=100)
            fastest = min(fastest, time.perf_counter() - began)
        return fastest

    empty = await some(30)
    for _ in range(20):
        await asyncio.gather(*(add(world, b"x" * 2_800) for _ in range(500)))
    assert await some(30) < 5 * empty + 0.002
    began = time.perf_counter()
    assert len(await queue.waiting()) == 10_000
    assert time.perf_counter() - began < 2
