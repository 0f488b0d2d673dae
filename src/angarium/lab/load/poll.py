"""One thread that waits for many sockets, and says how much of the time it did not wait.

An event loop of the least there can be: the generator shares the machine with the server it measures, and what it
spends per event is missing there. How much of its time it was busy (running, or ready and waiting for a processor) says
whether a figure is the server's or its own. All times are of one clock, monotonic, in seconds.
"""

import heapq
import select
from collections import deque
from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import TypeAlias

__all__ = ["Handler", "Poll"]

Handler: TypeAlias = Callable[[int], None]
"""Is told what happened, in epoll's bits."""


class Poll:
    """Sockets, timers, and work that is to be done soon."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._soon: deque[Callable[[], None]] = deque()
        self.waited = 0.0
        """Seconds spent waiting for something to happen."""

    @property
    def watched(self) -> int:
        """How many sockets there are."""
        return len(self._handlers)

    def watch(self, descriptor: int, events: int, handler: Handler) -> None:
        """Call a handler when something happens to a socket; instead of the one before, if there was one."""
        known = descriptor in self._handlers
        self._handlers[descriptor] = handler
        (self._epoll.modify if known else self._epoll.register)(descriptor, events)

    def forget(self, descriptor: int) -> None:
        """Watch a socket no longer."""
        if self._handlers.pop(descriptor, None):
            self._epoll.unregister(descriptor)

    def soon(self, work: Callable[[], None]) -> None:
        """Do something in the next turn, when whoever asks has finished."""
        self._soon.append(work)

    def at(self, when: float, work: Callable[[], None]) -> None:
        """Do something at a time of `monotonic`."""
        heapq.heappush(self._timers, (when, next(self._order), work))

    def run(self, until: Callable[[], bool], seconds: float) -> bool:
        """Go on until something is true, at most so long; return whether it is."""
        end = monotonic() + seconds
        while not until():
            left = end - monotonic()
            if left <= 0:
                return False
            self._turn(min(left, 0.1))
        return True

    def rest(self, seconds: float) -> None:
        """Go on for so long."""
        self.run(lambda: False, seconds)

    def close(self) -> None:
        """End; the sockets are their owners'."""
        self._epoll.close()

    def _turn(self, longest: float) -> None:
        began = monotonic()
        if self._soon:
            longest = 0
        elif self._timers:
            longest = max(0.0, min(longest, self._timers[0][0] - began))
        happened = self._epoll.poll(longest)
        now = monotonic()
        self.waited += now - began
        for descriptor, events in happened:
            if handler := self._handlers.get(descriptor):
                handler(events)
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        for _ in range(len(self._soon)):
            self._soon.popleft()()
