"""How many newcomers may be on their way in at once: as many as keep nobody who is inside waiting.

After an outage all come back in the same moment, and each of them costs a processor as much as several messages. Who is
inside and talking has precedence. What shows whether he gets it is how late the event loop is: whatever newcomers cost,
in the handshake or in the login behind it, whoever has something ready waits just so long. So there is a window: while
the loop is late it shrinks, though never to nothing, and as long as it is not late it grows. Who comes slowly, over a
bad line, takes a place for longer and no time of ours, and the window grows by it.

Pure: told how late the loop was; refuses to know clocks, and who comes.
"""

__all__ = ["FEWEST", "LATE_SECONDS", "Window"]

FEWEST = 8
"""So many at once are always let in: who is inside may have work without end, and newcomers get their part too."""
LATE_SECONDS = 0.008
"""A message takes some ten turns of the loop; a loop that is late by more than this is felt."""


class Window:
    """So many places, between `FEWEST` and `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.places = min(FEWEST, most)

    def measured(self, late: float) -> None:
        """The loop was so many seconds late; to be told again and again while newcomers wait for a place."""
        if late > LATE_SECONDS:
            self.places = max(min(FEWEST, self._most), self.places * 3 // 4)
        else:
            self.places = min(self._most, self.places + 1 + self.places // 8)
