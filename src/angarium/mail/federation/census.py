"""What waits for other relays, as the keeper sees it: destinations and counts, never people.

Words are of a kind: what another server said to a person's message is that person's to read.
"""

from collections.abc import Callable

from msgspec import Struct

from angarium.mail.federation.board import Board
from angarium.mail.federation.line import Line
from angarium.reach.trust import keeps_its_key

__all__ = ["Destination", "Totals", "destinations", "totals"]


class Destination(Struct, frozen=True):
    """One relay that something waits for."""

    name: str
    messages: int
    octets: int
    age_days: int
    """Of the oldest message, in days on which there was a road."""
    state: str
    """"waiting"; "failing": it could not be reached; "held": by the keeper; "island": there is no road."""
    fault: str
    """What was wrong last, in words; empty: nothing."""
    next_seconds: int | None
    """Until it is tried again, about; None where it is held, or being tried."""


class Totals(Struct, frozen=True):
    """All of it together."""

    messages: int
    octets: int
    destinations: int
    failing: int
    """Destinations that could not be reached."""
    held: int
    dropped_reports: int
    """Reports that could not be delivered and were dropped, since the relay started."""
    island_since_day: int | None
    """Since 1970-01-01 (UTC); None: there is a road, as far as is known."""


def destinations(board: Board, *, day: int, now: float, island: bool) -> list[Destination]:
    """Each destination, most messages first. `day` by the clock that queued mail ages by, `now` in its seconds."""
    found = [_destination(line, day, now, island) for line in board.lines.values() if len(line)]
    return sorted(found, key=lambda each: (-each.messages, each.name))


def totals(board: Board, *, dropped: int, since: int | None) -> Totals:
    """The sums. `since`: the day on which this became an island."""

    def count(which: Callable[[Line], bool]) -> int:
        return sum(1 for line in board.lines.values() if len(line) and which(line))

    return Totals(
        messages=len(board),
        octets=board.octets,
        destinations=count(lambda line: True),
        failing=count(lambda line: line.failures > 0 and not line.held),
        held=count(lambda line: line.held),
        dropped_reports=dropped,
        island_since_day=since,
    )


def _destination(line: Line, day: int, now: float, island: bool) -> Destination:
    entries = list(line.entries())
    due = max(line.due, min(entry.due for entry in entries))
    return Destination(
        name=line.destination,
        messages=len(entries),
        octets=sum(entry.octets for entry in entries),
        age_days=max(0, day - min(entry.day for entry in entries)),
        state=_state(line, island),
        fault=line.fault or _put_off(line),
        next_seconds=None if line.held or line.under_way else max(0, round(due - now)),
    )


def _state(line: Line, island: bool) -> str:
    if line.held:
        return "held"
    if island and not keeps_its_key(line.destination):
        return "island"
    return "failing" if line.failures else "waiting"


def _put_off(line: Line) -> str:
    said = next((entry.said for entry in line.entries() if entry.said is not None), None)
    return "" if said is None else f"puts messages off: {said.code} {said.enhanced}"
