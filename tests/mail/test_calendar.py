"""A clock that jumps, or was wrong at the start: days are believed when time has passed, or when they have lasted."""

import asyncio
import logging

import pytest

from angarium.mail.calendar import ABSENT_DAYS, DAY_SECONDS, KEEP_SECONDS, LASTING_DAYS, Believed, Calendar, passed

TODAY = 20_000
FAR = 3650


class Clocks:
    """What the machine's clock says, and how much time has passed."""

    today = TODAY
    seconds = 5_000.0

    def calendar(self, kept: Believed | None = None) -> Calendar:
        return Calendar(kept, lambda: self.today, lambda: self.seconds)

    def restarted(self, calendar: Calendar, days: int = 0) -> Calendar:
        """Another process, after so many days off; the machine counts its seconds anew."""
        believed = calendar.believed
        self.today, self.seconds = self.today + days, 0.0
        return self.calendar(believed)

    def sleep(self, days: float, *, jump: int | None = None) -> None:
        """So much time passes; the clock goes on by as much, or by `jump` days."""
        self.seconds += days * DAY_SECONDS
        self.today += int(days) if jump is None else jump


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def days(calendar: Calendar) -> tuple[int, int]:
    """To delete by, and to write down."""
    return calendar.due(), calendar.today()


def test_days_pass(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    for _ in range(5):
        assert days(calendar) == (clocks.today, clocks.today)
        clocks.sleep(1)


def test_midnight_may_come_at_any_moment(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    clocks.sleep(0, jump=1)
    assert days(calendar) == (TODAY + 1, TODAY + 1)
    clocks.sleep(0, jump=-1)
    assert days(calendar) == (TODAY + 1, TODAY + 1), "never a day before the last"


def test_many_small_steps_ahead_are_a_jump(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    for _ in range(10):
        clocks.sleep(0, jump=1)
        assert calendar.due() <= TODAY + 1


def test_a_relay_that_was_not_asked_for_long(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    clocks.sleep(40)
    assert days(calendar) == (clocks.today, clocks.today)


def test_a_jump_ahead_is_told_once_and_nothing_is_deleted_for_it(
    clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    calendar = clocks.calendar()
    clocks.sleep(0, jump=FAR)
    for _ in range(20):
        assert days(calendar) == (TODAY, TODAY + FAR), "what is written down may be right, and then is not too old"
        clocks.sleep(0.04, jump=0)
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(said) == 1
    assert f"jumped ahead by {FAR} days" in said[0]


def test_days_go_on_meanwhile(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    clocks.sleep(1, jump=FAR)
    assert calendar.due() == TODAY + 1


def test_a_jump_that_is_taken_back_did_nothing(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    clocks.sleep(0, jump=FAR)
    calendar.due()
    clocks.sleep(1, jump=-FAR + 1)
    assert days(calendar) == (TODAY + 1, TODAY + 1)
    clocks.sleep(1, jump=FAR)
    assert calendar.due() == TODAY + 2, "its time begins anew"


def test_a_jump_that_lasts_is_believed(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    clocks.sleep(0, jump=30)
    assert calendar.due() == TODAY
    for _ in range(LASTING_DAYS):
        assert calendar.due() < TODAY + 3
        clocks.sleep(1)
    assert days(calendar) == (clocks.today, clocks.today)
    clocks.sleep(1)
    assert days(calendar) == (clocks.today, clocks.today)


def test_a_clock_that_jumps_again_has_not_lasted(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    for _ in range(10):
        clocks.sleep(0, jump=LASTING_DAYS)
        assert calendar.due() <= TODAY + 1


def test_a_clock_that_goes_back_is_told_and_days_go_on(clocks: Clocks, caplog: pytest.LogCaptureFixture) -> None:
    calendar = clocks.calendar()
    clocks.sleep(0, jump=-TODAY)
    for day in range(3):
        assert days(calendar) == (TODAY + day, TODAY + day)
        clocks.sleep(1)
    assert [record.getMessage() for record in caplog.records] == [
        f"the clock is {TODAY} days behind the last day that was believed: set it"
    ]


def test_a_clock_that_is_wrong_at_the_start_is_not_believed(clocks: Clocks) -> None:
    calendar = clocks.restarted(clocks.calendar(), FAR)
    assert days(calendar) == (TODAY, TODAY + FAR)
    calendar = clocks.restarted(calendar, -FAR)
    assert days(calendar) == (TODAY, TODAY)
    calendar = clocks.restarted(calendar, -TODAY)
    assert days(calendar) == (TODAY, TODAY), "nor one that was not set at all"


def test_a_relay_that_was_off_for_weeks_deletes_again_when_the_day_has_lasted(clocks: Clocks) -> None:
    calendar = clocks.restarted(clocks.calendar(), 30)
    assert days(calendar) == (TODAY, TODAY + 30)
    clocks.sleep(LASTING_DAYS)
    assert days(calendar) == (clocks.today, clocks.today)


def test_a_relay_that_runs_by_the_hour_deletes_too(clocks: Clocks) -> None:
    calendar = clocks.restarted(clocks.calendar(), 4)
    for day in range(LASTING_DAYS):
        assert calendar.due() == TODAY, day
        calendar = clocks.restarted(calendar, 1)
    assert days(calendar) == (clocks.today, clocks.today)


def test_a_doubted_clock_that_jumps_while_the_relay_is_off_is_doubted_anew(clocks: Clocks) -> None:
    calendar = clocks.restarted(clocks.calendar(), FAR)
    for jump in (ABSENT_DAYS + 1, -1):
        calendar = clocks.restarted(calendar, jump)
        assert calendar.due() == TODAY


async def test_what_is_believed_is_kept_when_it_changes(clocks: Clocks, caplog: pytest.LogCaptureFixture) -> None:
    calendar = clocks.calendar()
    kept: list[Believed | None] = []

    def keep(believed: Believed) -> None:
        if len(kept) == 1:
            kept.append(None)
            raise OSError(28, "No space left on device")
        kept.append(believed)

    async def sleep(seconds: float) -> None:
        assert seconds == KEEP_SECONDS
        if len(kept) == 3:
            raise asyncio.CancelledError
        clocks.sleep(0.5, jump=int(clocks.seconds // DAY_SECONDS) % 2)

    with pytest.raises(asyncio.CancelledError):
        await calendar.run(keep, sleep=sleep)
    assert kept[0] == Believed(TODAY)
    assert kept[2] == Believed(TODAY + 1)
    assert "No space left" in caplog.text


def test_the_clock_it_is_measured_by_runs() -> None:
    assert passed() <= passed()
