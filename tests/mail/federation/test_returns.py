"""What is returned, and when: two days go by at once."""

import asyncio
from itertools import pairwise

import pytest

from angarium.mail import notices
from angarium.mail.federation.consignment import Fault
from angarium.mail.federation.schedule import FIRST_SECONDS, LONGEST_SECONDS
from angarium.mail.verdict import Verdict
from tests.mail.federation.fast import DAY_SECONDS, World, dead, fast, now, numbered, report

BOB, CAROL = "bob12345@there.example", "carol123@there.example"
LATER = Verdict.defer(452, "4.2.2", "full")


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
    assert world.queue.desk.destinations() == []


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
async def test_what_is_put_off_for_good_comes_back(world: World) -> None:
    world.abroad.says = lambda destination, recipient: LATER
    await world.start()
    await world.send(BOB)
    await asyncio.sleep(3.1 * DAY_SECONDS)
    (bounce,) = await world.inbox()
    assert report(bounce)[0].startswith(f"{BOB}: not delivered in 2 days: full.")


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
async def test_what_is_held_too_long_comes_back(world: World) -> None:
    world.abroad.down["there.example"] = dead()
    await world.start()
    await world.send(BOB)
    await world.queue.desk.hold("there.example", held=True)
    await asyncio.sleep(3.1 * DAY_SECONDS)
    assert [report(each)[1] for each in await world.inbox()] == [{BOB: "5.4.7"}]


def test_a_fault_of_ours_returns_it_later(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object, **__: object) -> bytes:
        raise ZeroDivisionError("bob12345")

    @fast
    async def live(world: World) -> None:
        world.abroad.down["there.example"] = dead()
        await world.start()
        await world.send(BOB)
        with monkeypatch.context() as patched:
            patched.setattr(notices, "bounce", broken)
            await asyncio.sleep(3.1 * DAY_SECONDS)
        assert world.queue.desk.totals().messages == 1
        await asyncio.sleep(2 * LONGEST_SECONDS)
        assert [report(each)[1] for each in await world.inbox()] == [{BOB: "5.4.7"}]
        assert await world.waiting() == []

    live()
    assert "a message could not be returned: ZeroDivisionError" in caplog.text
    assert "bob" not in caplog.text
