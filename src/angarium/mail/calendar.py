"""What day it is to who deletes by it: a clock that jumps is not believed at once.

A machine's clock may be years off until the network has set it, or for as long as somebody mistypes it. Mail deleted
for it is gone; mail kept a day too long harms nobody. So of two days the earlier counts, and a day that comes sooner
than time has passed must have lasted for `HOLD_SECONDS`.

Refuses to know the hour. What it believes is forgotten with the process: a clock that is wrong when the relay starts,
and stays so, is believed.
"""

import logging
import time
from collections.abc import Callable

__all__ = ["HOLD_SECONDS", "Calendar", "passed"]

_log = logging.getLogger("angarium.mail.calendar")

DAY_SECONDS = 86_400
HOLD_SECONDS = DAY_SECONDS
"""How long a clock that jumped ahead must run before it is believed."""
MARGIN_DAYS = 1
"""How far ahead of the time that has passed the clock may be: midnight comes at any moment."""


class Calendar:
    """See the file's head."""

    def __init__(self, today: Callable[[], int], passed: Callable[[], float]) -> None:
        """`today`: the clock's day, since 1970-01-01 (UTC). `passed`: seconds since any moment, not of that clock."""
        self._today = today
        self._passed = passed
        self._day, self._since = today(), passed()
        self._doubted: float | None = None

    def day(self) -> int:
        """The day by which may be deleted; never later than the clock's."""
        said, now = self._today(), self._passed()
        lived = self._day + int((now - self._since) // DAY_SECONDS)
        if said <= lived + MARGIN_DAYS:
            self._believe(said, now)
            return said
        if self._doubted is None:
            self._doubted = now
            _log.error(
                "the clock has jumped ahead by %d days: nothing is deleted for it until it has run so for %d hours",
                said - lived,
                HOLD_SECONDS // 3600,
            )
        if now - self._doubted < HOLD_SECONDS:
            return lived
        self._believe(said, now)
        return said

    def _believe(self, day: int, now: float) -> None:
        if day != self._day:
            self._day, self._since = day, now
        self._doubted = None


def passed() -> float:
    """Seconds since the machine started, its sleep included where the system counts it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
