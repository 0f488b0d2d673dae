"""What attempts show: a destination that is not well, an island, a road again."""

import asyncio

from angarium.mail.federation.consignment import LEFT, Fault
from angarium.mail.federation.road_clock import RoadDays
from angarium.mail.federation.roads import NO_SUCH
from angarium.mail.federation.schedule import FIRST_SECONDS, LONGEST_SECONDS
from angarium.mail.verdict import ACCEPTED, Verdict
from tests.mail.federation.fast import DAY, DAY_SECONDS, World, dead, fast, numbered, report

BOB, CAROL, DAVE = "bob12345@there.example", "carol123@there.example", "dave1234@far.example"


@fast
async def test_what_a_holder_took_is_served_and_ends_no_island(world: World) -> None:
    world.abroad.down = {"there.example": dead(), "far.example": dead()}
    await world.start()
    await world.send(BOB)
    await world.send(DAVE)
    await asyncio.sleep(DAY_SECONDS)
    assert world.queue.desk.totals().island_since_day == DAY
    world.abroad.says = lambda destination, recipient: LEFT
    del world.abroad.down["there.example"]
    await asyncio.sleep(LONGEST_SECONDS * 1.3)
    assert [recipient for _, recipient, _ in world.abroad.taken] == [BOB]
    assert len(await world.waiting()) == 1
    assert world.queue.desk.totals().island_since_day == DAY


@fast
async def test_an_island_of_five_days(world: World) -> None:
    """Nothing is returned, domestic relays go on, and all of it drains at the end."""
    await world.start()
    await world.send(BOB)
    await asyncio.sleep(DAY_SECONDS / 2)
    assert world.queue.desk.totals().island_since_day is None
    world.abroad.down = {"there.example": dead(), "far.example": dead("no route", Fault.ROUTE)}
    await world.send(CAROL)
    await world.send(DAVE)
    await asyncio.sleep(5 * DAY_SECONDS)
    assert world.queue.desk.totals().island_since_day == DAY
    assert {each.state for each in world.queue.desk.destinations()} == {"island"}
    await world.send("erin@[192.0.2.9]", "frank@_home.localhost")
    await world.send(BOB, message=numbered(1))
    await asyncio.sleep(1)
    assert [destination for destination, _, _ in world.abroad.taken][1:] == ["192.0.2.9", "_home.localhost"]
    assert world.queue.desk.totals().island_since_day == DAY, "they show no road abroad"
    assert await world.inbox() == []
    assert len(await world.waiting()) == 3
    world.abroad.down = {}
    await asyncio.sleep(LONGEST_SECONDS * 1.3 + 60)
    assert [recipient for _, recipient, _ in world.abroad.taken].count(BOB) == 2
    assert {recipient for _, recipient, _ in world.abroad.taken} >= {CAROL, DAVE}
    assert await world.waiting() == []
    assert await world.inbox() == []
    assert world.queue.desk.totals().island_since_day is None


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
    assert world.queue.desk.totals().island_since_day == DAY
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
    assert world.queue.desk.totals().island_since_day == DAY
    world.abroad.down = {}
    world.abroad.says = lambda destination, recipient: NO_SUCH if destination == "other.example" else ACCEPTED
    await asyncio.sleep(300)
    assert [report(each)[1] for each in await world.inbox()] == [{"gina@other.example": "5.1.2"}]


@fast
async def test_a_destination_that_is_not_well_is_left_alone_as_a_whole(world: World) -> None:
    world.abroad.says = lambda destination, recipient: Verdict.defer(451, "4.3.0", "no room")
    await world.start()
    for number in range(20):
        await world.send(BOB, sender=f"s{number}@relay.example")
    await asyncio.sleep(FIRST_SECONDS / 2)
    assert len(world.abroad.tried) == 1
    (seen,) = world.queue.desk.destinations()
    assert (seen.state, seen.fault) == ("failing", "not well: 451 4.3.0")
    world.abroad.says = lambda destination, recipient: ACCEPTED
    await asyncio.sleep(2 * FIRST_SECONDS)
    assert len(world.abroad.taken) == 20
