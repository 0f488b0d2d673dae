"""Days on which there was a road."""

import asyncio

import pytest

from angarium.mail.federation.road_clock import AGAIN_SECONDS, RoadClock, RoadDays

TODAY = 20_000


class Days:
    """What day it is."""

    today = TODAY

    def clock(self, kept: RoadDays | None = None) -> RoadClock:
        return RoadClock(kept, lambda: self.today)


@pytest.fixture
def days() -> Days:
    return Days()


def test_with_a_road_it_is_the_calendar(days: Days) -> None:
    clock = days.clock()
    assert (clock.day(), clock.queueing_day(), clock.since) == (TODAY, TODAY, None)
    days.today += 3
    assert (clock.day(), clock.queueing_day()) == (TODAY + 3, TODAY + 3)


def test_on_an_island_it_stands_still(days: Days) -> None:
    clock = days.clock()
    clock.island(found=True)
    clock.island(found=True)
    assert (clock.day(), clock.queueing_day(), clock.since) == (TODAY, TODAY, TODAY)
    for _ in range(5):
        days.today += 1
        assert (clock.day(), clock.queueing_day()) == (TODAY, TODAY + 1)
    clock.island(found=False)
    clock.island(found=False)
    assert (clock.day(), clock.queueing_day(), clock.since) == (TODAY + 1, TODAY + 1, None)
    days.today += 1
    assert clock.day() == TODAY + 2


@pytest.mark.parametrize("nights", [1, 10])
def test_days_that_had_a_road_for_a_while_count(days: Days, nights: int) -> None:
    clock = days.clock()
    for _ in range(nights):
        clock.island(found=True)
        days.today += 1
        clock.island(found=False)
        clock.island(found=True)
        clock.island(found=False)
    assert clock.day() == TODAY + nights


def test_it_outlasts_the_process(days: Days) -> None:
    clock = days.clock(RoadDays(7, TODAY - 2))
    assert (clock.day(), clock.queueing_day()) == (TODAY - 9, TODAY - 8)
    clock.island(found=False)
    assert clock.day() == TODAY - 8


async def test_what_changes_is_kept(days: Days, caplog: pytest.LogCaptureFixture) -> None:
    clock = days.clock()
    kept: list[RoadDays] = []
    paused = asyncio.Event()

    def keep(found: RoadDays) -> None:
        if not paused.is_set():
            raise OSError(28, "No space left on device")
        kept.append(found)

    async def sleep(seconds: float) -> None:
        assert seconds == AGAIN_SECONDS
        paused.set()

    running = asyncio.create_task(clock.run(keep, sleep=sleep))
    await asyncio.sleep(0.01)
    assert not paused.is_set()
    clock.island(found=True)
    async with asyncio.timeout(5):
        while not kept:
            await asyncio.sleep(0.01)
        assert kept == [RoadDays(0, TODAY)]
        days.today += 4
        clock.island(found=False)
        while len(kept) < 2:
            await asyncio.sleep(0.01)
    assert kept[1] == RoadDays(3)
    assert "No space left" in caplog.text
    running.cancel()
    await asyncio.wait([running])
