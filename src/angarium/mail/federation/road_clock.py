"""The clock that queued mail ages by: it counts the days on which there was a road.

On an island it stands still, so that nothing is returned for want of a road that nobody has. A day on which there was a
road for a while counts: a network that is shut off every night returns what cannot be delivered a little later, and not
never. What is queued on an island is as old as what is queued on the first day after it.

What outlasts the process is how many days were left out, and the day on which the island was found, if it is one. There
is no moment in that. A message given up when it is older than N days has been tried for more than N days and for at
most N + 1, since the hour at which it came is known to nobody.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

__all__ = ["RoadClock", "RoadDays"]

_log = logging.getLogger("angarium.mail.federation.road_clock")

AGAIN_SECONDS = 60.0
"""Until what could not be written down is tried again."""


class RoadDays(NamedTuple):
    """What outlasts the process."""

    left_out: int = 0
    """Days without a road, so far."""
    since: int | None = None
    """The day on which this became an island, since 1970-01-01 (UTC); None: it is none."""


class RoadClock:
    """See the file's head."""

    def __init__(self, kept: RoadDays | None, today: Callable[[], int]) -> None:
        """`kept`: what an earlier process left. `today`: days since 1970-01-01 (UTC), which never goes back."""
        self._days = kept or RoadDays()
        self._today = today
        self._changed = asyncio.Event()

    @property
    def since(self) -> int | None:
        """The day on which this became an island; None: it is none."""
        return self._days.since

    def day(self) -> int:
        """The day by this clock. Never goes back."""
        left_out, since = self._days
        return (self._today() if since is None else min(self._today(), since)) - left_out

    def queueing_day(self) -> int:
        """The day to queue a message under: on an island the first one after it."""
        left_out, since = self._days
        return self.day() if since is None or self._today() <= since else since + 1 - left_out

    def island(self, *, found: bool) -> None:
        """It has become one, or is one no more."""
        left_out, since = self._days
        if found and since is None:
            self._days = RoadDays(left_out, self._today())
        elif not found and since is not None:
            self._days = RoadDays(left_out + max(0, self._today() - since - 1))
        else:
            return
        self._changed.set()

    async def run(
        self, keep: Callable[[RoadDays], None], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Have what outlasts the process written down by `keep` whenever it changes, until cancelled.

        `keep` runs in a thread, and may raise OSError: then it is tried again.
        """
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await asyncio.to_thread(keep, self._days)
            except OSError as error:
                _log.error("whether there is a road cannot be written down: %s", error.strerror)
                self._changed.set()
                await sleep(AGAIN_SECONDS)
