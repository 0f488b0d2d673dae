"""How far people have come on the way from a link to a text, when, and what their line had carried by then.

Told by the events of their cores. Refuses to know the censor, and what a line is.
"""

import time
from collections.abc import Callable, Mapping

from angarium.lab.core import Event

__all__ = ["Stages"]

DONE = 1000
"""Progress of what is through."""
KINDS = {
    "ConfigureProgress": "account",
    "ImapInboxIdle": "online",
    "SecurejoinJoinerProgress": "verified",
    "SecurejoinInviterProgress": "verified",
    "IncomingMsg": "a text",
}

Carried = Callable[[str], tuple[int, int]]
"""Octets that somebody's line has carried, there and back."""


class Stages:
    """What each person has reached, each stage once."""

    def __init__(self, carried: Carried, clock: Callable[[], float] = time.perf_counter) -> None:
        self._carried = carried
        self._clock = clock
        self._last: dict[str, tuple[float, int, int]] = {}
        self._reached: dict[str, dict[str, tuple[float, int, int]]] = {}

    def begin(self, *people: str) -> None:
        """They set out."""
        self._reached.clear()
        self._last = {person: (self._clock(), *self._carried(person)) for person in people}

    def heard(self, person: str, event: Event) -> None:
        """Something happened in somebody's core."""
        stage = KINDS.get(event.kind)
        through = event.fields.get("progress", DONE) == DONE
        reached = self._reached.setdefault(person, {})
        if stage is None or stage in reached or not through or person not in self._last:
            return
        now = (self._clock(), *self._carried(person))
        before = self._last[person]
        reached[stage] = now[0] - before[0], now[1] - before[1], now[2] - before[2]
        self._last[person] = now

    @property
    def notes(self) -> Mapping[str, float]:
        """Of each stage the seconds since the one before, and what the line carried meanwhile."""
        found = {}
        for person, reached in self._reached.items():
            for stage, (seconds, up, down) in reached.items():
                found[f"{person}, {stage}: seconds"] = round(seconds, 1)
                found[f"{person}, {stage}: octets up"] = up
                found[f"{person}, {stage}: octets down"] = down
        return found
