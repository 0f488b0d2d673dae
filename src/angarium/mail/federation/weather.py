"""What the attempts show of the destinations, and of the road to all of them; and so, when each is tried again."""

import logging
from collections.abc import Callable, Iterable, Sequence

from angarium.mail.federation.board import Board
from angarium.mail.federation.chain import Entry
from angarium.mail.federation.consignment import LEFT, Unreachable
from angarium.mail.federation.island import Island
from angarium.mail.federation.line import Attempt, Line
from angarium.mail.federation.outcome import busy
from angarium.mail.federation.road_clock import RoadClock
from angarium.mail.federation.roads import UNASKED
from angarium.mail.federation.schedule import pause, spread
from angarium.mail.verdict import Verdict

__all__ = ["Weather"]

_log = logging.getLogger("angarium.mail.federation.weather")


class Weather:
    """See the file's head.

    Args:
        board: what waits.
        road_clock: told when this becomes an island, and when it is none any more.
        clock: seconds that never go back.
        chance: from 0 up to 1, another one each time.
        stir: called when something may be tried that could not be before.
    """

    def __init__(
        self,
        board: Board,
        road_clock: RoadClock,
        clock: Callable[[], float],
        chance: Callable[[], float],
        stir: Callable[[], None],
    ) -> None:
        self._board = board
        self._road_clock = road_clock
        self._clock = clock
        self._chance = chance
        self._stir = stir
        self._island = Island(found=road_clock.since is not None)

    @property
    def island(self) -> bool:
        """Whether no relay known by name can be reached."""
        return self._island.found

    def put_off(self, entry: Entry) -> None:
        """One message has to wait, whatever its destination does."""
        entry.failures += 1
        entry.due = self._clock() + pause(entry.failures, self._chance())

    def heard(self, attempt: Attempt, verdicts: Sequence[Verdict]) -> None:
        """There is a verdict for each recipient."""
        if verdicts[0] in UNASKED:
            return
        said = busy(verdicts)
        if said is not None:
            self._back_off(attempt, f"not well: {said.code} {said.enhanced}")
        else:
            attempt.line.answered()
        if verdicts[0] != LEFT and self._island.answered(attempt.entry.destination):
            self._changed()

    def unreachable(self, attempt: Attempt, failure: Unreachable) -> None:
        """The destination as a whole was not reached."""
        self._back_off(attempt, str(failure))
        if self._island.failed(attempt.entry.destination, failure.fault):
            self._changed()

    def first(self, destinations: int) -> float:
        """When to try one of so many destinations for the first time, at the start."""
        return self._clock() + spread(destinations, self._chance())

    def soon(self, lines: Iterable[Line]) -> None:
        """Try these destinations soon, whatever was to be waited for."""
        chosen = list(lines)
        for line in chosen:
            line.soon(self.first(len(chosen)))
            self._board.stir(line)
        self._stir()

    def _back_off(self, attempt: Attempt, fault: str) -> None:
        line = attempt.line
        if line.failed(attempt, fault):
            line.due = self._clock() + pause(line.failures, self._chance())

    def _changed(self) -> None:
        self._road_clock.island(found=self._island.found)
        if self._island.found:
            _log.warning("no other relay that is known by name can be reached: mail for them waits, and does not age")
            return
        _log.warning("there is a road to other relays again: what waited is sent")
        self.soon(self._board.lines.values())
