"""A clock that jumps: days are believed when time has passed, or when they have lasted."""

import logging

import pytest

from angarium.mail.calendar import DAY_SECONDS, HOLD_SECONDS, Calendar, passed


class Clocks:
    """What the machine's clock says, and how much time has passed."""

    today = 20_000
    seconds = 5_000.0

    def calendar(self) -> Calendar:
        return Calendar(lambda: self.today, lambda: self.seconds)

    def sleep(self, days: float, *, jump: int | None = None) -> None:
        self.seconds += days * DAY_SECONDS
        self.today += int(days) if jump is None else jump


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_days_pass(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    for _ in range(5):
        assert calendar.day() == clocks.today
        clocks.sleep(1)


def test_midnight_may_come_at_any_moment(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    clocks.sleep(0, jump=1)
    assert calendar.day() == clocks.today


def test_a_relay_that_was_not_asked_for_long(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    clocks.sleep(40)
    assert calendar.day() == clocks.today


def test_a_jump_ahead_is_told_once_and_not_believed(clocks: Clocks, caplog: pytest.LogCaptureFixture) -> None:
    calendar = clocks.calendar()
    clocks.sleep(0, jump=3650)
    for _ in range(20):
        assert calendar.day() == 20_000
        clocks.sleep(0.04, jump=0)
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(said) == 1
    assert "jumped ahead by 3650 days" in said[0]


def test_days_go_on_meanwhile(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    clocks.sleep(3, jump=3650)
    assert calendar.day() == 20_003


def test_a_jump_that_is_taken_back_did_nothing(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    clocks.sleep(0, jump=3650)
    calendar.day()
    clocks.sleep(0.9, jump=-3650)
    assert calendar.day() == 20_000
    clocks.sleep(0.2, jump=3650)
    assert calendar.day() < 20_010, "its time begins anew"


def test_a_jump_that_lasts_is_believed(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    clocks.sleep(0, jump=30)
    calendar.day()
    clocks.sleep(HOLD_SECONDS / DAY_SECONDS)
    assert calendar.day() == clocks.today
    clocks.sleep(1)
    assert calendar.day() == clocks.today


def test_of_two_days_the_earlier_counts(clocks: Clocks) -> None:
    calendar = clocks.calendar()
    clocks.sleep(0, jump=-20_000)
    assert calendar.day() == 0
    clocks.sleep(0, jump=20_000)
    assert calendar.day() == 0, "back again is a jump ahead"


def test_the_clock_it_is_measured_by_runs() -> None:
    assert passed() <= passed()
