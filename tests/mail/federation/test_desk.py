"""What the keeper can do about the queue."""

import asyncio

import pytest

from angarium.mail.federation.desk import NoSuchDestination
from tests.mail.federation.fast import DAY_SECONDS, World, dead, fast, report

BOB, CAROL, DAVE = "bob12345@there.example", "carol123@there.example", "dave1234@far.example"


@fast
async def test_a_destination_that_is_held_is_left_alone_and_stays_so(world: World) -> None:
    world.abroad.down["there.example"] = dead()
    await world.start()
    await world.send(BOB)
    await asyncio.sleep(1)
    assert await world.queue.desk.hold("there.example", held=True) == 1
    del world.abroad.down["there.example"]
    await world.restart()
    await world.send(CAROL)
    await world.send(DAVE)
    await asyncio.sleep(DAY_SECONDS)
    assert [recipient for _, recipient, _ in world.abroad.taken] == [DAVE]
    (seen,) = world.queue.desk.destinations()
    assert (seen.state, seen.messages, seen.next_seconds, seen.age_days) == ("held", 2, None, 1)
    assert all(each.held for each in await world.store.queue.waiting())
    assert await world.queue.desk.hold("there.example", held=False) == 2
    await asyncio.sleep(1)
    assert len(world.abroad.taken) == 3
    with pytest.raises(NoSuchDestination):
        await world.queue.desk.hold("there.example", held=True)


@fast
async def test_a_keeper_who_cannot_wait(world: World) -> None:
    world.abroad.down["there.example"] = dead()
    await world.start()
    await world.send(BOB)
    await asyncio.sleep(DAY_SECONDS)
    del world.abroad.down["there.example"]
    attempts = len(world.abroad.tried)
    assert world.queue.desk.retry("there.example") == world.queue.desk.retry(None) == 1
    await asyncio.sleep(60)
    assert len(world.abroad.tried) == attempts + 1
    assert len(world.abroad.taken) == 1
    with pytest.raises(NoSuchDestination):
        world.queue.desk.retry("there.example")


@fast
async def test_what_is_dropped_comes_back_once_even_if_it_is_just_being_tried(world: World) -> None:
    world.abroad.down["there.example"] = dead()
    world.abroad.seconds["there.example"] = 40.0
    await world.start()
    for _ in range(3):
        await world.send(BOB)
    await asyncio.sleep(1)
    assert await world.queue.desk.drop("there.example") == 3
    assert len(await world.inbox()) == 2
    await asyncio.sleep(DAY_SECONDS)
    bounces = [report(each) for each in await world.inbox()]
    assert [statuses for _, statuses in bounces] == [{BOB: "5.7.0"}] * 3
    assert "dropped by the keeper" in bounces[0][0]
    assert len(world.abroad.tried) == 1
    assert await world.waiting() == []
