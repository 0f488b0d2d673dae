"""What day it is, for every room: a clock that jumps, or was wrong when the relay started, is not believed at once.

A machine's clock may be years off until the network has set it, or for as long as somebody mistypes it. Mail deleted
for it is gone; mail kept a day too long harms nobody. So there are two days, the same on most days:

* `today` is written down: what the clock says, but never a day before `due`. Nothing seems older than it is.
* `due` is what is deleted by, or found expired: the last day that was believed, and the days that have passed since. A
  clock ahead of that is believed when it has reached the second day after the one on which it was first seen ahead,
  without another jump. A clock that is behind is not believed.

What outlasts the process is the last day believed and the day that is doubted, both since 1970-01-01 (UTC). So a relay
that was off for weeks deletes two days after it is back: after people have fetched what waited. One that has never
believed any day believes the clock. Refuses to know the hour.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["DAY_SECONDS", "Believed", "Calendar", "clock", "passed"]

_log = logging.getLogger("angarium.mail.calendar")

DAY_SECONDS = 86_400
MARGIN_DAYS = 1
"""How far from the days that have passed the clock may be: midnight comes at any moment."""
LASTING_DAYS = 2
"""A doubted clock is believed so many days, by itself, after it was first seen ahead,"""
ABSENT_DAYS = 7
"""if the relay was off meanwhile, only where it is no more than so many."""
KEEP_SECONDS = 3600
"""Between two looks whether there is another day to keep."""


class Believed(NamedTuple):
    """What outlasts the process."""

    day: int
    """The last day believed."""
    doubted: int | None = None
    """The day that the clock said when it was first seen ahead; None where it is not."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A clock that is ahead: since which day of its own, and on what day and when this process first saw it."""

    first: int
    day: int
    since: float


class Calendar:
    """See the file's head.

    Args:
        kept: what an earlier process believed last; None: nothing yet.
        clock: the machine's day, since 1970-01-01 (UTC).
        passed: seconds since any moment, by another clock than that.
    """

    def __init__(self, kept: Believed | None, clock: Callable[[], int], passed: Callable[[], float]) -> None:
        self._clock = clock
        self._passed = passed
        said, now = clock(), passed()
        self._counted_from = self._last = said if kept is None else kept.day
        self._since = now
        self._doubt: _Doubt | None = None
        if kept is not None and kept.doubted is not None and kept.doubted <= said <= kept.doubted + ABSENT_DAYS:
            self._doubt = _Doubt(kept.doubted, said, now)
        self._told = ""

    def today(self) -> int:
        """The day to write down."""
        return max(self._clock(), self.due())

    def due(self) -> int:
        """The day to delete by. Never before one that it was already."""
        said, now = self._clock(), self._passed()
        lived = self._counted_from + self._days(now - self._since)
        if said <= lived + MARGIN_DAYS:
            self._doubt = None
            self._tell_behind(lived - said)
        elif self._lasts(said, now):
            self._counted_from, self._since, self._doubt = said, now, None
        else:
            self._tell_ahead(said - lived)
            said = lived
        self._last = max(self._last, lived, said)
        return self._last

    @property
    def believed(self) -> Believed:
        """What is to outlast the process, as of now."""
        day = self.due()
        return Believed(day, self._doubt.first if self._doubt else None)

    async def run(
        self, keep: Callable[[Believed], None], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Have what is believed written down by `keep`, now and whenever it changes, until cancelled.

        `keep` runs in a thread, and may raise OSError: then it is tried again.
        """
        kept: Believed | None = None
        while True:
            believed = self.believed
            if believed != kept:
                try:
                    await asyncio.to_thread(keep, believed)
                    kept = believed
                except OSError as error:
                    _log.error("what day it is cannot be written down: %s", error.strerror)
            await sleep(KEEP_SECONDS)

    def _lasts(self, said: int, now: float) -> bool:
        """Whether the clock, which is ahead, has been so for long enough without another jump."""
        doubt = self._doubt
        if doubt is None or not 0 <= said - doubt.day <= self._days(now - doubt.since) + MARGIN_DAYS:
            self._doubt = doubt = _Doubt(said, said, now)
        return said - doubt.first >= LASTING_DAYS

    def _days(self, seconds: float) -> int:
        return int(seconds // DAY_SECONDS)

    def _tell_ahead(self, days: int) -> None:
        if self._told != "ahead":
            _log.error("the clock has jumped ahead by %d days: it is believed if it still says so in two days", days)
        self._told = "ahead"

    def _tell_behind(self, days: int) -> None:
        if days <= MARGIN_DAYS:
            self._told = ""
            return
        if self._told != "behind":
            _log.error("the clock is %d days behind the last day that was believed: set it", days)
        self._told = "behind"


def clock() -> int:
    """What the machine takes for today, in days since 1970-01-01 (UTC)."""
    return int(time.time() // DAY_SECONDS)


def passed() -> float:
    """Seconds since the machine started, its sleep included where the system counts it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
