"""A bad line: how long a packet takes over it, and whether it arrives.

Pure: time and dice are passed in. One direction; packets wait for those before them, and leave and arrive in order.
Where as many octets wait as there is room for, the next packet is lost, as in the modem's own queue.
"""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["BAD", "FAR", "JUDGED", "Line", "Link"]


@dataclass(frozen=True, slots=True)
class Line:
    """What a line is like."""

    bits: float = float("inf")
    """Per second."""
    delay: float = 0.0
    """Seconds, one way."""
    variation: float = 0.0
    """Seconds by which the delay of a packet is longer or shorter at most; any is as likely."""
    loss: float = 0.0
    """Part of the packets that do not arrive."""
    room: int = 16_000
    """Octets that may wait."""


BAD = Line(bits=8_000, delay=0.5, loss=0.05)
"""8 kbit/s, a second there and back, 5 % lost."""
FAR = tuple(Line(delay=0.04, variation=variation) for variation in (0.0002, 0.0005, 0.001))
"""To another country, with more or less of other people's packets on the way."""
JUDGED = FAR[1]
"""... of which by this one a relay is judged."""


class Link:
    """One direction of a line."""

    def __init__(self, line: Line, dice: Callable[[], float]) -> None:
        self._line = line
        self._dice = dice
        self._free = 0.0
        self._before = 0.0

    def arrival(self, size: int, now: float) -> float | None:
        """When a packet of `size` octets arrives that is sent now; None: it does not."""
        line = self._line
        begins = max(now, self._free)
        if line.bits != float("inf") and (begins - now) * line.bits / 8 + size > line.room:
            return None
        self._free = begins + size * 8 / line.bits
        if self._dice() < line.loss:
            return None
        varied = line.variation * (2 * self._dice() - 1) if line.variation else 0.0
        self._before = max(self._before, self._free + line.delay + varied)
        return self._before
