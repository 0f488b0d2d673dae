"""Everything on its way to other relays: nothing lost, nothing twice, nobody delayed by others; days go by at once."""

import asyncio
import email
import email.policy
import logging
from collections.abc import Collection, Sequence
from itertools import pairwise

import pytest

from angarium.mail.federation import board
from angarium.mail.federation.consignment import Fault, Unreachable
from angarium.mail.federation.queue import NoSuchDestination, QueueFull
from angarium.mail.federation.road_clock import RoadDays
from angarium.mail.federation.roads import NO_SUCH
from angarium.mail.federation.schedule import FIRST_SECONDS, LONGEST_SECONDS
from angarium.mail.settings import Federation
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.store.interfaces import Letter, StoreError, StoreFull
from angarium.store.outbound import Dispatch, Waiting
from tests.mail.federation.fast import ALICE, DAY, DAY_SECONDS, MAIL, World, fast, now, numbered

BOB, CAROL, DAVE = "bob12345@there.example", "carol123@there.example", "dave1234@far.example"
REFUSED = Verdict.reject(550, "5.1.1", "nobody of that name")
LATER = Verdict.defer(452, "4.2.2", "full")


def dead(text: str = "https: no answer in time", fault: Fault = Fault.TIMEOUT) -> Unreachable:
    return Unreachable(text, fault)


def report(raw: bytes) -> tuple[str, dict[str, str]]:
    """The text for people, and the status of each failed recipient."""
    assert raw.startswith(b"X-Signed: yes\r\nFrom: Mail Delivery <mailer-daemon@relay.example>\r\n")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    text, status, _ = message.iter_parts()
    _, *blocks = status.iter_parts()
    return text.get_content(), {block["Final-Recipient"].split("; ")[1]: block["Status"] for block in blocks}


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
    assert world.queue.totals().messages == 0
    assert await world.inbox() == []


@fast
async def test_the_envelope_is_written_as_smtp_has_it(world: World) -> None:
    await world.start()
    await world.send("b@192.0.2.7", sender="alice1234@127.0.0.1")
    await asyncio.sleep(0.1)
    ((_, destination, sent),) = world.abroad.tried
    assert (destination, sent.sender, sent.recipients) == ("192.0.2.7", "alice1234@[127.0.0.1]", ("b@[192.0.2.7]",))


@fast
async def test_an_outage_of_more_than_two_days_is_retried_on_schedule_then_bounced_once(world: World) -> None:
    world.abroad.down["there.example"] = dead("https: connection refused; smtp: no answer in time", Fault.OTHER)
    await world.start()
    await asyncio.sleep(0.6 * DAY_SECONDS)
    began = now()
    await world.send(BOB, CAROL)
    await asyncio.sleep(4 * DAY_SECONDS)
    times = world.abroad.times("there.example")
    gaps = [after - before for before, after in pairwise(times)]
    assert times[0] - began < 1
    assert gaps[0] == pytest.approx(FIRST_SECONDS, abs=1)
    assert all(later >= earlier - 1 for earlier, later in pairwise(gaps))
    assert max(gaps) == pytest.approx(LONGEST_SECONDS, abs=1)
    assert times[-1] + LONGEST_SECONDS - began > 2 * DAY_SECONDS
    assert times[-1] - began < 3 * DAY_SECONDS
    assert 30 < len(times) < 45
    (bounce,) = await world.inbox()
    text, statuses = report(bounce)
    assert statuses == {BOB: "5.4.7", CAROL: "5.4.7"}
    assert f"{BOB}: not delivered in 2 days: https: connection refused; smtp: no answer in time." in text
    assert await world.waiting() == []
    assert world.told == [("alice1234",)]
    assert world.queue.destinations() == []


@fast
async def test_the_age_at_which_it_is_returned(world: World) -> None:
    """Two days and more, three at most, whatever the hour at which it came."""
    world.abroad.down["there.example"] = dead(fault=Fault.OTHER)
    await world.start()
    for hour in (0.001, 0.5, 0.999):
        start = (now() // DAY_SECONDS + 1 + hour) * DAY_SECONDS
        await asyncio.sleep(start - now())
        count = len(await world.inbox())
        await world.send(BOB)
        await asyncio.sleep(2 * DAY_SECONDS)
        assert len(await world.inbox()) == count
        await asyncio.sleep(DAY_SECONDS + 300)
        assert len(await world.inbox()) == count + 1


@fast
async def test_an_outage_that_ends_in_time(world: World) -> None:
    world.abroad.down["there.example"] = dead()
    await world.start()
    for number in range(10):
        await world.send(BOB, message=numbered(number))
    await asyncio.sleep(1.5 * DAY_SECONDS)
    attempts = len(world.abroad.tried)
    assert attempts < 30, "one probe, not one attempt for each message"
    del world.abroad.down["there.example"]
    await asyncio.sleep(3 * LONGEST_SECONDS)
    assert [message for _, _, message in world.abroad.taken] == [b"X-Signed: yes\r\n" + numbered(n) for n in range(10)]
    assert await world.inbox() == []
    assert await world.waiting() == []


@fast
async def test_an_island_of_five_days(world: World) -> None:
    """Nothing is returned, domestic relays go on, and all of it drains at the end."""
    await world.start()
    await world.send(BOB)
    await asyncio.sleep(DAY_SECONDS / 2)
    assert world.queue.totals().island_since_day is None
    world.abroad.down = {"there.example": dead(), "far.example": dead("no route", Fault.ROUTE)}
    await world.send(CAROL)
    await world.send(DAVE)
    await asyncio.sleep(5 * DAY_SECONDS)
    assert world.queue.totals().island_since_day == DAY
    assert {each.state for each in world.queue.destinations()} == {"island"}
    await world.send("erin@[192.0.2.9]", "frank@_home.localhost")
    await world.send(BOB, message=numbered(1))
    await asyncio.sleep(1)
    assert [destination for destination, _, _ in world.abroad.taken][1:] == ["192.0.2.9", "_home.localhost"]
    assert world.queue.totals().island_since_day == DAY, "they show no road abroad"
    assert await world.inbox() == []
    assert len(await world.waiting()) == 3
    world.abroad.down = {}
    await asyncio.sleep(LONGEST_SECONDS * 1.3 + 60)
    assert [recipient for _, recipient, _ in world.abroad.taken].count(BOB) == 2
    assert {recipient for _, recipient, _ in world.abroad.taken} >= {CAROL, DAVE}
    assert await world.waiting() == []
    assert await world.inbox() == []
    assert world.queue.totals().island_since_day is None


@fast
async def test_what_waited_on_an_island_is_returned_in_time_after_it(world: World) -> None:
    world.abroad.down = {"there.example": dead(), "far.example": dead()}
    await world.start()
    await world.send(BOB)
    await world.send(DAVE)
    await asyncio.sleep(5 * DAY_SECONDS)
    await world.send(CAROL)
    del world.abroad.down["far.example"]
    await asyncio.sleep(LONGEST_SECONDS * 1.3)
    assert await world.inbox() == []
    await asyncio.sleep(1.9 * DAY_SECONDS)
    assert [report(each)[1] for each in await world.inbox()] == [{BOB: "5.4.7"}]
    await asyncio.sleep(1.1 * DAY_SECONDS)
    assert [report(each)[1] for each in await world.inbox()] == [{BOB: "5.4.7"}, {CAROL: "5.4.7"}]


@fast
async def test_an_island_outlasts_the_process(world: World) -> None:
    world.abroad.down = {"there.example": dead(), "far.example": dead()}
    await world.start()
    await world.send(BOB)
    await world.send(DAVE)
    await asyncio.sleep(100)
    world.kept = RoadDays(0, world.clock.since)
    await asyncio.sleep(3 * DAY_SECONDS)
    await world.restart()
    assert world.queue.totals().island_since_day == DAY
    await asyncio.sleep(2 * DAY_SECONDS)
    assert await world.inbox() == []
    world.abroad.down = {}
    await asyncio.sleep(LONGEST_SECONDS * 1.3)
    assert await world.waiting() == []


@fast
async def test_on_an_island_dns_is_not_believed_when_it_says_no(world: World) -> None:
    world.abroad.down = {"there.example": dead(), "far.example": dead()}
    await world.start()
    await world.send(BOB)
    await world.send(DAVE)
    await asyncio.sleep(1)
    world.abroad.says = lambda destination, recipient: NO_SUCH
    await world.send("gina@other.example")
    await asyncio.sleep(1)
    assert await world.inbox() == []
    assert world.queue.totals().island_since_day == DAY
    world.abroad.down = {}
    world.abroad.says = lambda destination, recipient: NO_SUCH if destination == "other.example" else ACCEPTED
    await asyncio.sleep(300)
    assert [report(each)[1] for each in await world.inbox()] == [{"gina@other.example": "5.1.2"}]


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
async def test_who_cannot_have_it_now_holds_up_nobody_else(world: World) -> None:
    full = {BOB}
    world.abroad.says = lambda destination, recipient: LATER if recipient in full else ACCEPTED
    await world.start()
    await world.send(BOB, CAROL, message=numbered(0))
    await asyncio.sleep(1)
    await world.send(BOB, CAROL, message=numbered(1))
    await world.send(CAROL, message=numbered(2))
    await asyncio.sleep(1)

    def got(person: str) -> list[bytes]:
        return [message for _, recipient, message in world.abroad.taken if recipient == person]

    signed = [b"X-Signed: yes\r\n" + numbered(number) for number in range(3)]
    assert got(CAROL) == signed
    assert got(BOB) == []
    assert await world.waiting() == [("there.example", (BOB,))] * 2
    (seen,) = world.queue.destinations()
    assert (seen.state, seen.fault, seen.messages) == ("waiting", "puts messages off: 452 4.2.2", 2)
    full.clear()
    await asyncio.sleep(2 * FIRST_SECONDS)
    assert got(BOB) == signed[:2]
    assert got(CAROL) == signed


@fast
async def test_what_is_put_off_for_good_comes_back(world: World) -> None:
    world.abroad.says = lambda destination, recipient: LATER
    await world.start()
    await world.send(BOB)
    await asyncio.sleep(3.1 * DAY_SECONDS)
    (bounce,) = await world.inbox()
    assert report(bounce)[0].startswith(f"{BOB}: not delivered in 2 days: full.")


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
    assert len(world.abroad.times("dead.example")) < 10


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
async def test_who_is_refused_is_bounced_at_once_and_the_others_are_served(world: World) -> None:
    world.abroad.says = lambda destination, recipient: REFUSED if recipient == BOB else ACCEPTED
    await world.start()
    await world.send(BOB, CAROL)
    await asyncio.sleep(1)
    (bounce,) = await world.inbox()
    text, statuses = report(bounce)
    assert statuses == {BOB: "5.1.1"}
    assert f"{BOB}: nobody of that name." in text
    assert b"6f0b2a1e-9b1c-4a64-8a55-0c7fd9a3d0b7@localhost" in bounce
    assert [recipient for _, recipient, _ in world.abroad.taken] == [CAROL]
    assert await world.waiting() == []


@fast
async def test_a_report_that_cannot_be_delivered_is_dropped_and_counted(world: World) -> None:
    world.abroad.says = lambda destination, recipient: REFUSED
    await world.start()
    await world.send(BOB, sender="")
    await asyncio.sleep(1)
    assert world.abroad.tried[0][2].sender == ""
    assert await world.waiting() == []
    assert await world.store.mailboxes.messages() == 0
    assert world.queue.totals().dropped_reports == 1


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
    assert world.queue.totals().messages == 0
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
async def test_a_relay_that_was_off_for_days_tries_before_it_returns_anything(world: World) -> None:
    world.abroad.down["there.example"] = dead()
    await world.start()
    await world.send(BOB)
    await asyncio.sleep(10)
    await world.stop()
    await asyncio.sleep(4 * DAY_SECONDS)
    del world.abroad.down["there.example"]
    await world.restart()
    await asyncio.sleep(1000)
    assert len(world.abroad.taken) == 1
    assert await world.inbox() == []


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
async def test_a_fault_of_ours_costs_one_message_its_turn_and_no_more(world: World) -> None:
    world.abroad.fault = ZeroDivisionError("bob12345")
    await world.start()
    await world.send(BOB)
    await asyncio.sleep(1)
    world.abroad.fault = None
    await world.send(DAVE)
    await asyncio.sleep(2 * FIRST_SECONDS)
    assert len(world.abroad.taken) == 2


@fast
async def test_a_destination_that_is_not_well_is_left_alone_as_a_whole(world: World) -> None:
    world.abroad.says = lambda destination, recipient: Verdict.defer(451, "4.3.0", "no room")
    await world.start()
    for number in range(20):
        await world.send(BOB, sender=f"s{number}@relay.example")
    await asyncio.sleep(FIRST_SECONDS / 2)
    assert len(world.abroad.tried) == 1
    (seen,) = world.queue.destinations()
    assert (seen.state, seen.fault) == ("failing", "not well: 451 4.3.0")
    world.abroad.says = lambda destination, recipient: ACCEPTED
    await asyncio.sleep(2 * FIRST_SECONDS)
    assert len(world.abroad.taken) == 20


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


# What the keeper can do


@fast
async def test_a_destination_that_is_held_is_left_alone_and_stays_so(world: World) -> None:
    world.abroad.down["there.example"] = dead()
    await world.start()
    await world.send(BOB)
    await asyncio.sleep(1)
    assert await world.queue.hold("there.example", held=True) == 1
    del world.abroad.down["there.example"]
    await world.restart()
    await world.send(CAROL)
    await world.send(DAVE)
    await asyncio.sleep(DAY_SECONDS)
    assert [recipient for _, recipient, _ in world.abroad.taken] == [DAVE]
    (seen,) = world.queue.destinations()
    assert (seen.state, seen.messages, seen.next_seconds, seen.age_days) == ("held", 2, None, 1)
    assert all(each.held for each in await world.store.queue.waiting())
    assert await world.queue.hold("there.example", held=False) == 2
    await asyncio.sleep(1)
    assert len(world.abroad.taken) == 3
    with pytest.raises(NoSuchDestination):
        await world.queue.hold("there.example", held=True)


@fast
async def test_what_is_held_too_long_comes_back(world: World) -> None:
    world.abroad.down["there.example"] = dead()
    await world.start()
    await world.send(BOB)
    await world.queue.hold("there.example", held=True)
    await asyncio.sleep(3.1 * DAY_SECONDS)
    assert [report(each)[1] for each in await world.inbox()] == [{BOB: "5.4.7"}]


@fast
async def test_a_keeper_who_cannot_wait(world: World) -> None:
    world.abroad.down["there.example"] = dead()
    await world.start()
    await world.send(BOB)
    await asyncio.sleep(DAY_SECONDS)
    del world.abroad.down["there.example"]
    attempts = len(world.abroad.tried)
    assert world.queue.retry("there.example") == world.queue.retry(None) == 1
    await asyncio.sleep(60)
    assert len(world.abroad.tried) == attempts + 1
    assert len(world.abroad.taken) == 1
    with pytest.raises(NoSuchDestination):
        world.queue.retry("there.example")


@fast
async def test_what_is_dropped_comes_back_once_even_if_it_is_just_being_tried(world: World) -> None:
    world.abroad.down["there.example"] = dead()
    world.abroad.seconds["there.example"] = 40.0
    await world.start()
    for _ in range(3):
        await world.send(BOB)
    await asyncio.sleep(1)
    assert await world.queue.drop("there.example") == 3
    assert len(await world.inbox()) == 2
    await asyncio.sleep(DAY_SECONDS)
    bounces = [report(each) for each in await world.inbox()]
    assert [statuses for _, statuses in bounces] == [{BOB: "5.7.0"}] * 3
    assert "dropped by the keeper" in bounces[0][0]
    assert len(world.abroad.tried) == 1
    assert await world.waiting() == []


def test_no_log_and_no_list_names_anybody(caplog: pytest.LogCaptureFixture) -> None:
    @fast
    async def live(world: World) -> None:
        world.abroad.down = {"there.example": dead(), "far.example": dead()}
        await world.start()
        await world.send(BOB)
        await world.send(DAVE)
        await asyncio.sleep(100)
        seen = repr(world.queue.destinations()) + repr(world.queue.totals())
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
