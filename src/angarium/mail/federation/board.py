"""All destinations, and which attempt is made next: so many at once, and nobody delayed by those who are slow or dead.

Of the attempts under way only some may be at destinations that are not known to answer, and a second one at the same
destination begins only while there is plenty of room. Large messages have a share of the memory to themselves; small
ones never wait for it.

Knows the time only as it is told. Holds no message: an index of who waits for what.
"""

from collections import OrderedDict
from collections.abc import Iterator
from heapq import heappop, heappush

from angarium.mail.federation.chain import Entry
from angarium.mail.federation.line import Attempt, Line

__all__ = ["AT_ONCE", "Board"]

AT_ONCE = 64
"""Attempts under way in all,"""
DOUBTED = 32
"""of them at destinations that are not known to answer;"""
PLENTY = 48
"""under way at most, when a further one at the same destination begins."""
LARGE = 262_144
"""Messages of more octets are large;"""
LARGE_BYTES = 128 << 20
"""those under way take so many octets, or one of them what it takes."""
REMEMBERED = 4096
"""Destinations that answered last, and for which nothing waits now, that are still known to answer."""


class Board:
    """See the file's head."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.weight = 0
        self.octets = 0
        """Of all that waits."""
        self._known: dict[int, Entry] = {}
        self._served: OrderedDict[str, Line] = OrderedDict()
        self._ready: dict[bool, OrderedDict[str, Line]] = {True: OrderedDict(), False: OrderedDict()}
        self._alarms: list[tuple[float, str]] = []
        self._alarm: dict[str, float] = {}
        self._under_way = self._doubted = self._large = 0
        self._doubtful: set[Attempt] = set()
        self._starved: set[str] = set()

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._known)

    def add(self, entry: Entry, *, due: float = 0.0) -> Line:
        """A message more. `due`: nothing is tried at its destination before, if it is a new one."""
        line = self.lines.get(entry.destination)
        if line is None:
            served = self._served.pop(entry.destination, None)
            line = self.lines[entry.destination] = Line(entry.destination, due=due) if served is None else served
        if entry.number not in self._known:
            self._known[entry.number] = entry
            self.weight += entry.weight
            self.octets += entry.octets
            line.held = line.held or entry.held
            line.add(entry)
            self.stir(line)
        return line

    def remove(self, entry: Entry) -> None:
        """It waits no more."""
        if self._known.pop(entry.number, None) is None:
            return
        self.weight -= entry.weight
        self.octets -= entry.octets
        line = self.lines[entry.destination]
        line.remove(entry)
        self._tidy(line)

    def take(self, now: float) -> Iterator[Attempt]:
        """The attempts to make now; each is under way until `arrived` and `done`."""
        self._wake(now)
        for open_ in (True, False):
            ready = self._ready[open_]
            while ready and self._under_way < AT_ONCE and (open_ or self._doubted < DOUBTED):
                name, line = ready.popitem(last=False)
                attempt = self._next(line, now)
                if attempt is None:
                    self._sleep(line, now)
                    continue
                self._begin(attempt)
                ready[name] = line  # behind the others: it may have more
                yield attempt

    def when(self) -> float | None:
        """When to look again, as far as that is a matter of time."""
        return self._alarms[0][0] if self._alarms else None

    def arrived(self, attempt: Attempt) -> None:
        """Nothing of it is under way any more: another may begin."""
        self._under_way -= 1
        if attempt in self._doubtful:
            self._doubtful.discard(attempt)
            self._doubted -= 1
        if attempt.entry.octets > LARGE:
            self._large -= attempt.entry.octets
            for name in self._starved & self.lines.keys():
                self.lines[name].look_again()
                self.stir(self.lines[name])
            self._starved.clear()

    def done(self, attempt: Attempt) -> None:
        """What it came to is told and settled: the sender's next may go."""
        attempt.line.done(attempt)
        if not self._tidy(attempt.line):
            self.stir(attempt.line)

    def stir(self, line: Line) -> None:
        """Something about it has changed: look at it."""
        self._ready[not line.open].pop(line.destination, None)
        self._ready[line.open][line.destination] = line

    def _next(self, line: Line, now: float) -> Attempt | None:
        if line.under_way and self._under_way >= PLENTY:
            return None
        largest = max(LARGE, LARGE_BYTES - self._large) if self._large else float("inf")
        attempt = line.next(now, largest)
        if attempt is None and self._large:
            self._starved.add(line.destination)
        return attempt

    def _begin(self, attempt: Attempt) -> None:
        self._under_way += 1
        if not attempt.line.open:
            self._doubtful.add(attempt)
            self._doubted += 1
        if attempt.entry.octets > LARGE:
            self._large += attempt.entry.octets

    def _sleep(self, line: Line, now: float) -> None:
        wake = line.wake(now)
        if wake is not None and wake < self._alarm.get(line.destination, float("inf")):
            self._alarm[line.destination] = wake
            heappush(self._alarms, (wake, line.destination))

    def _wake(self, now: float) -> None:
        while self._alarms and self._alarms[0][0] <= now:
            when, name = heappop(self._alarms)
            if self._alarm.get(name) == when:
                del self._alarm[name]
            if name in self.lines:
                self.stir(self.lines[name])

    def _tidy(self, line: Line) -> bool:
        """Take a destination off for which nothing waits; whether it answered is still remembered."""
        if not line.empty:
            return False
        self.lines.pop(line.destination, None)
        for ready in self._ready.values():
            ready.pop(line.destination, None)
        self._alarm.pop(line.destination, None)
        line.held = False
        if line.open:
            self._served[line.destination] = line
            if len(self._served) > REMEMBERED:
                self._served.popitem(last=False)
        return True
