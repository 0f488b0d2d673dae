"""Days in two calendars, as a newsroom's readers write them: Gregorian and Solar Hijri.

Pure. Years of the Solar Hijri calendar begin at the equinox as seen from Tehran; which years are leap years follows a
cycle of 33, which agrees with the equinox from 1799 to 2253. Before and after, days may be one off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["Calendars", "Day", "at", "solar_hijri", "zone"]

Day = tuple[int, int, int]
"""Year, month, day of the month."""

CYCLE_YEARS, CYCLE_DAYS = 33, 12053
LEAP = (1, 5, 9, 13, 17, 22, 26, 30)
"""Leap years of a cycle."""
FIRST_MONTHS_DAYS = 6 * 31
KNOWN_YEAR, KNOWN_DAY = 1403, date(2024, 3, 20).toordinal()
"""A year that began on a day known from the calendar of Iran."""
LATIN = "0123456789"
LATEST = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


def _days_before(year: int) -> int:
    """Days from the first of the era to the first of a year."""
    cycles, rest = divmod(year - 1, CYCLE_YEARS)
    return (year - 1) * 365 + cycles * len(LEAP) + sum(1 for leap in LEAP if leap <= rest)


@lru_cache(maxsize=1 << 12)
def solar_hijri(day: date) -> Day:
    """A day in the Solar Hijri calendar."""
    since = day.toordinal() - KNOWN_DAY + _days_before(KNOWN_YEAR)
    year = since * CYCLE_YEARS // CYCLE_DAYS + 1
    while _days_before(year) > since:
        year -= 1
    while _days_before(year + 1) <= since:
        year += 1
    rest = since - _days_before(year)
    if rest < FIRST_MONTHS_DAYS:
        return year, rest // 31 + 1, rest % 31 + 1
    rest -= FIRST_MONTHS_DAYS
    return year, rest // 30 + 7, rest % 30 + 1


def zone(name: str) -> tzinfo:
    """A time zone by its name.

    Raises:
        ValueError: there is none of that name here.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError(f"there is no time zone {name}: it is called like Asia/Tehran") from None


def at(seconds: int, where: tzinfo) -> datetime:
    """When that was, there. What no calendar reaches is brought to its nearest end: clocks of others may be wrong."""
    return datetime.fromtimestamp(max(0, min(seconds, LATEST)), where)


@lru_cache
def signs(digits: str) -> Mapping[int, str]:
    """Which sign stands for each of 0 to 9."""
    return {ord("0") + each: sign for each, sign in enumerate(digits)}


@dataclass(frozen=True, slots=True)
class Calendars:
    """How days are written in one language."""

    months: Sequence[str]
    solar_months: Sequence[str]
    solar_first: bool
    digits: str

    def number(self, value: int | str) -> str:
        """A number in the digits of the language."""
        return str(value) if self.digits == LATIN else str(value).translate(signs(self.digits))

    def days(self, day: date) -> tuple[str, str]:
        """A day in both calendars, the usual one first."""
        gregorian = self._day((day.year, day.month, day.day), self.months)
        solar = self._day(solar_hijri(day), self.solar_months)
        return (solar, gregorian) if self.solar_first else (gregorian, solar)

    def _day(self, day: Day, months: Sequence[str]) -> str:
        return f"{self.number(day[2])} {months[day[1] - 1]} {self.number(day[0])}"

    def month(self, day: date) -> tuple[int, int]:
        """The year and month that a day is filed under."""
        return solar_hijri(day)[:2] if self.solar_first else (day.year, day.month)

    def month_name(self, month: tuple[int, int]) -> str:
        """What a month is called, with its year."""
        months = self.solar_months if self.solar_first else self.months
        return f"{months[month[1] - 1]} {self.number(month[0])}"
