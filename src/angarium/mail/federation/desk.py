"""What the keeper may see of the queue, and do about it."""

from collections.abc import Callable

from angarium.mail.federation import census
from angarium.mail.federation.board import Board
from angarium.mail.federation.line import Line
from angarium.mail.federation.returns import Returns
from angarium.mail.federation.road_clock import RoadClock
from angarium.mail.federation.settlement import Settlement
from angarium.mail.federation.weather import Weather
from angarium.mail.verdict import Verdict
from angarium.store.outbound import OutQueue

__all__ = ["Desk", "NoSuchDestination"]

_DROPPED = Verdict.reject(554, "5.7.0", "dropped by the keeper")


class NoSuchDestination(Exception):
    """Nothing waits for it."""


class Desk:
    """See the file's head. A destination is the domain part of an address, in lower case; an IP address without
    brackets."""

    def __init__(
        self,
        board: Board,
        store: OutQueue,
        weather: Weather,
        returns: Returns,
        settlement: Settlement,
        road_clock: RoadClock,
        clock: Callable[[], float],
    ) -> None:
        self._board = board
        self._store = store
        self._weather = weather
        self._returns = returns
        self._settlement = settlement
        self._road_clock = road_clock
        self._clock = clock

    def destinations(self) -> list[census.Destination]:
        """What waits where."""
        clock = self._road_clock
        return census.destinations(self._board, day=clock.day(), now=self._clock(), island=clock.since is not None)

    def totals(self) -> census.Totals:
        """How much waits, and whether this is an island."""
        return census.totals(self._board, dropped=self._settlement.dropped, since=self._road_clock.since)

    def retry(self, destination: str | None) -> int:
        """Try one destination, or all, soon; returns how many messages that is. Raises NoSuchDestination."""
        lines = [self._line(destination)] if destination else list(self._board.lines.values())
        self._weather.soon(lines)
        return sum(len(line) for line in lines if not line.held)

    async def hold(self, destination: str, *, held: bool) -> int:
        """Leave a destination alone, or no longer; durable on return. Returns how many messages that is.

        Raises:
            NoSuchDestination: see there.
            StoreError: it is so until the process ends, and the store does not know of it.
        """
        line = self._line(destination)
        line.held = held
        entries = list(line.entries())
        for entry in entries:
            entry.held = held
        if not held:
            self._weather.soon([line])
        await self._store.hold([entry.number for entry in entries], held=held)
        return len(entries)

    async def drop(self, destination: str) -> int:
        """Return everything that waits for a destination to its senders. Returns how many. Raises NoSuchDestination."""
        return await self._returns.give_back(list(self._line(destination).entries()), lambda _: _DROPPED)

    def _line(self, destination: str) -> Line:
        line = self._board.lines.get(destination)
        if line is None:
            raise NoSuchDestination(destination)
        return line
