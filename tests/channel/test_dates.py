"""Days in both calendars, against days that are known."""

from datetime import UTC, date, timedelta

import pytest

from angarium.channel.dates import Calendars, at, solar_hijri, zone


@pytest.mark.parametrize(
    ("gregorian", "solar"),
    [
        ("1906-08-05", (1285, 5, 13)),  # the Constitutional Revolution
        ("1951-03-20", (1329, 12, 29)),  # oil is nationalised
        ("1979-02-11", (1357, 11, 22)),
        ("2000-03-20", (1379, 1, 1)),
        ("2017-03-20", (1395, 12, 30)),  # the last day of a leap year
        ("2017-03-21", (1396, 1, 1)),
        ("2021-03-20", (1399, 12, 30)),
        ("2022-09-16", (1401, 6, 25)),
        ("2024-03-20", (1403, 1, 1)),
        ("2025-03-20", (1403, 12, 30)),
        ("2025-03-21", (1404, 1, 1)),
        ("2026-03-21", (1405, 1, 1)),
        ("2026-09-22", (1405, 6, 31)),
        ("2026-09-23", (1405, 7, 1)),
        ("2029-03-20", (1408, 1, 1)),
        ("2030-03-20", (1408, 12, 30)),
    ],
)
def test_known_days(gregorian: str, solar: tuple[int, int, int]) -> None:
    assert solar_hijri(date.fromisoformat(gregorian)) == solar


def test_every_day_follows_the_one_before() -> None:
    day, last = date(1850, 1, 1), (0, 0, 0)
    while day.year < 2100:
        found = solar_hijri(day)
        if last != (0, 0, 0):
            year, month, of_month = last
            assert found in {(year, month, of_month + 1), (year, month + 1, 1), (year + 1, 1, 1)}
            assert 1 <= found[2] <= (31 if found[1] <= 6 else 30)
            if found[:2] == (year + 1, 1):
                assert (month, of_month) in {(12, 29), (12, 30)}
        day, last = day + timedelta(1), found


def test_times_that_no_calendar_reaches() -> None:
    assert at(-5, UTC).year == 1970
    assert at(10**15, UTC).year == 9999
    assert at(10**15, zone("Asia/Tehran")).year == 9999


def test_as_it_is_written() -> None:
    months = [f"m{number}" for number in range(1, 13)]
    solar = [f"s{number}" for number in range(1, 13)]
    persian = Calendars(months, solar, True, "۰۱۲۳۴۵۶۷۸۹")
    english = Calendars(months, solar, False, "0123456789")
    day = date(2026, 11, 26)
    assert persian.days(day) == ("۵ s9 ۱۴۰۵", "۲۶ m11 ۲۰۲۶")
    assert english.days(day) == ("26 m11 2026", "5 s9 1405")
    assert persian.month_name(persian.month(day)) == "s9 ۱۴۰۵"
    assert english.month_name(english.month(day)) == "m11 2026"
