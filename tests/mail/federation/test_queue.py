"""Everything on its way to other relays: nothing lost, nothing twice, nobody delayed by others."""

import asyncio
import logging
from collections.abc import Collection, Sequence

import pytest

from angarium.mail.federation import board
from angarium.mail.federation.consignment import Fault
from angarium.mail.federation.queue import QueueFull
from angarium.mail.settings import Federation
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.store.interfaces import Letter, StoreError, StoreFull
from angarium.store.outbound import Dispatch, Waiting
from tests.mail.federation.fast import ALICE, DAY_SECONDS, MAIL, World, dead, fast, now, numbered, report

BOB, CAROL, DAVE = "bob12345@there.example", "carol123@there.example", "dave1234@far.example"
REFUSED = Verdict.reject(550, "5.1.1", "nobody of that name")


@fast
async def test_a_message_is_signed_and_sent_at_once(world: World) -> None:
    await world.start()
    await world.send(BOB, CAROL, DAVE)
    await asyncio.sleep(0.1)
    signed = b"X-Signed: yes\r\n" + MAIL
    assert sorted(world.abroad.taken) == [
        ("far.example", DAVE, signed),
        ("there.example", BOB, signed),
        ("there.example", CAROL, signed),
    ]
    assert {each.sender for _, _, each in world.abroad.tried} == {ALICE}
    assert await world.waiting() == []
    assert world.queue.desk.totals().messages == 0
    assert await world.inbox() == []


@fast
async def test_a_later_message_of_one_sender_does_not_overtake(world: World) -> None:
    await world.person("bella123@relay.example")
    world.abroad.seconds["there.example"] = 1.0
    await world.start()
    await world.send("warm-up1@there.example")
    await asyncio.sleep(2)
    for number in range(5):
        await world.send(BOB, message=numbered(number))
        await world.send(CAROL, message=numbered(100 + number), sender="bella123@relay.example")
    await asyncio.sleep(0.5)
    assert world.abroad.under_way["there.example"] == 2, "side by side"
    await asyncio.sleep(10)
    for person, first in ((BOB, 0), (CAROL, 100)):
        got = [message for _, recipient, message in world.abroad.taken if recipient == person]
        assert got == [b"X-Signed: yes\r\n" + numbered(first + number) for number in range(5)]


@fast
async def test_a_dead_destination_and_a_slow_one_delay_nobody(world: World) -> None:
    world.abroad.down["dead.example"] = dead()
    world.abroad.seconds = {"dead.example": 40.0, "slow.example": 600.0}
    await world.start()
    for number in range(200):
        await world.send(f"p{number}@dead.example", sender=f"s{number}@relay.example")
        await world.send(f"p{number}@slow.example", sender=f"s{number}@relay.example")
    await asyncio.sleep(1)
    began = now()
    for number in range(50):
        await world.send(f"p{number}@there.example", sender=f"s{number}@relay.example")
    while len([1 for destination, _, _ in world.abroad.taken if destination == "there.example"]) < 50:
        await asyncio.sleep(0.01)
    assert now() - began < 1
    await asyncio.sleep(3600)
    assert world.abroad.most["dead.example"] == 1
    assert len(world.abroad.times("dead.example")) <= 12


@fast
async def test_many_dead_destinations_leave_room_for_those_that_answer(world: World) -> None:
    await world.start()
    await world.send(BOB, CAROL)
    await asyncio.sleep(0.005)
    for number in range(300):
        world.abroad.seconds[f"dead{number}.example"] = 40.0
        world.abroad.down[f"dead{number}.example"] = dead(fault=Fault.OTHER)
        await world.send(f"p@dead{number}.example")
    await world.send(BOB, sender="bella123@relay.example")
    await asyncio.sleep(0.1)
    await world.send(BOB, message=numbered(1))
    await asyncio.sleep(0.1)
    assert len(world.abroad.taken) == 4
    assert world.abroad.under_way[""] == 32
    await asyncio.sleep(1000)
    assert len({where for _, where, _ in world.abroad.tried}) == 301


@fast
async def test_so_many_at_once(world: World) -> None:
    for number in range(40):
        world.abroad.seconds[f"d{number}.example"] = 0.01
    await world.start()
    for number in range(40):
        await world.send(f"p@d{number}.example")
    await asyncio.sleep(1)
    for number in range(40):
        world.abroad.seconds[f"d{number}.example"] = 5.0
        for sender in range(10):
            await world.send(f"p@d{number}.example", sender=f"s{sender}@relay.example")
    await asyncio.sleep(200)
    assert len(world.abroad.taken) == 440
    assert world.abroad.most[""] <= 64
    assert max(world.abroad.most[f"d{number}.example"] for number in range(40)) <= 4


def test_large_messages_wait_for_memory_and_small_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "LARGE", 10_000)
    monkeypatch.setattr(board, "LARGE_BYTES", 40_000)

    @fast
    async def live(world: World) -> None:
        await world.start()
        for number, octets in enumerate((15_000, 15_000, 15_000, 90_000)):
            world.abroad.seconds[f"d{number}.example"] = 10.0
            await world.send(f"p@d{number}.example", message=MAIL + b"x" * octets)
        await world.send(BOB)
        await asyncio.sleep(1)
        assert world.abroad.under_way[""] == 2
        assert [destination for destination, _, _ in world.abroad.taken] == ["there.example"]
        await asyncio.sleep(10)
        assert world.abroad.under_way[""] == 1
        await asyncio.sleep(10)
        assert len(world.abroad.taken) == 4
        await asyncio.sleep(10)
        assert len(world.abroad.taken) == 5

    live()


@fast
async def test_a_report_that_cannot_be_delivered_is_dropped_and_counted(world: World) -> None:
    world.abroad.says = lambda destination, recipient: REFUSED
    await world.start()
    await world.send(BOB, sender="")
    await asyncio.sleep(1)
    assert world.abroad.tried[0][2].sender == ""
    assert await world.waiting() == []
    assert await world.store.mailboxes.messages() == 0
    assert world.queue.desk.totals().dropped_reports == 1


@fast
async def test_a_sender_who_is_gone_gets_no_bounce(world: World) -> None:
    world.abroad.says = lambda destination, recipient: REFUSED
    await world.start()
    await world.send(BOB, sender="nobody12@relay.example")
    await asyncio.sleep(1)
    assert await world.waiting() == []
    assert await world.store.mailboxes.messages() == 0


class Failing:
    """The store's queue, which fails when it is told to."""

    def __init__(self, world: World, **faults: list[StoreError]) -> None:
        self._store = world.store.queue
        self.faults = faults

    def _fail(self, what: str) -> None:
        if self.faults.get(what):
            raise self.faults[what].pop()

    async def add(self, dispatch: Dispatch, letters: Sequence[Letter], *, day: int, age_day: int) -> list[Waiting]:
        self._fail("add")
        return await self._store.add(dispatch, letters, day=day, age_day=age_day)

    async def waiting(self) -> list[Waiting]:
        self._fail("waiting")
        return await self._store.waiting()

    async def message(self, number: int) -> bytes | None:
        self._fail("message")
        return await self._store.message(number)

    async def settle(self, number: int, left: Collection[str], letters: Sequence[Letter], *, day: int) -> None:
        self._fail("settle")
        await self._store.settle(number, left, letters, day=day)

    async def hold(self, numbers: Collection[int], *, held: bool) -> None:
        self._fail("hold")
        await self._store.hold(numbers, held=held)


@fast
async def test_a_store_that_fails_loses_nothing_and_doubles_nothing(world: World) -> None:
    store = Failing(
        world,
        settle=[StoreFull(), StoreError(), StoreFull()],
        waiting=[StoreError()],
        message=[StoreError(), StoreError()],
    )
    world.queue = world.build(store)
    world.abroad.says = lambda destination, recipient: REFUSED if recipient == BOB else ACCEPTED
    await world.send(BOB, CAROL)
    await world.start()
    await asyncio.sleep(1000)
    assert store.faults == {"settle": [], "waiting": [], "message": []}
    assert len(world.abroad.tried) == 1
    assert [recipient for _, recipient, _ in world.abroad.taken] == [CAROL]
    assert len(await world.inbox()) == 1
    assert await world.waiting() == []


@fast
async def test_what_cannot_be_queued_is_nowhere(world: World) -> None:
    world.queue = world.build(Failing(world, add=[StoreFull()]))
    await world.start()
    with pytest.raises(StoreFull):
        await world.send(BOB)
    assert world.queue.desk.totals().messages == 0
    await world.send(BOB)
    await asyncio.sleep(1)
    assert len(world.abroad.taken) == 1


@fast
async def test_after_a_restart_everything_is_tried_anew(world: World) -> None:
    world.abroad.down["there.example"] = dead()
    await world.start()
    await world.send(BOB)
    await asyncio.sleep(DAY_SECONDS)
    del world.abroad.down["there.example"]
    await world.restart()
    await asyncio.sleep(60)
    assert len(world.abroad.taken) == 1
    assert await world.waiting() == []


@fast
async def test_a_commit_goes_into_the_index_even_where_the_submitter_has_gone(world: World) -> None:
    await world.start()
    submission = asyncio.create_task(world.send(BOB))
    await asyncio.sleep(0)
    submission.cancel()
    await asyncio.wait([submission])
    await asyncio.sleep(1)
    assert len(world.abroad.taken) == 1


@fast
async def test_so_much_may_wait(world: World) -> None:
    world.settings = Federation(queue_messages=4, queue_bytes=65_536)
    world.queue = world.build()
    await world.send(BOB, DAVE)
    await world.send(BOB)
    for too_much in ((BOB, DAVE), tuple(f"p{number}@there.example" for number in range(10))):
        with pytest.raises(QueueFull):
            await world.send(*too_much)
    with pytest.raises(QueueFull):
        await world.send(BOB, message=MAIL + b"x" * 65_536)
    assert len(await world.waiting()) == 3
    await world.start()
    await asyncio.sleep(60)
    await world.send(BOB, DAVE, *(f"p{number}@there.example" for number in range(9)))


@fast
async def test_a_policy_that_has_changed_returns_what_waits(world: World) -> None:
    refusal = Verdict.reject(550, "5.7.1", "this relay sends no mail to that one")
    await world.send(BOB)
    assert world.queue.judge("there.example").accepted
    world.abroad.says = lambda destination, recipient: refusal
    world.abroad.denied = {"there.example": refusal}
    assert world.queue.judge("there.example") is refusal
    await world.start()
    await asyncio.sleep(1)
    assert [report(each)[1] for each in await world.inbox()] == [{BOB: "5.7.1"}]


def test_no_log_and_no_list_names_anybody(caplog: pytest.LogCaptureFixture) -> None:
    @fast
    async def live(world: World) -> None:
        world.abroad.down = {"there.example": dead(), "far.example": dead()}
        await world.start()
        await world.send(BOB)
        await world.send(DAVE)
        await asyncio.sleep(100)
        seen = repr(world.queue.desk.destinations()) + repr(world.queue.desk.totals())
        assert "there.example" in seen
        for word in ("alice", "bob", "dave", "@"):
            assert word not in seen
        world.abroad.down = {}
        world.abroad.fault = RuntimeError("bob")
        await asyncio.sleep(300)
        world.abroad.fault = None
        await asyncio.sleep(300)
        assert await world.waiting() == []

    with caplog.at_level(logging.DEBUG):
        live()
    for word in ("alice", "bob", "dave", "@"):
        assert word not in caplog.text
    assert "RuntimeError" in caplog.text
    assert "there is a road" in caplog.text
