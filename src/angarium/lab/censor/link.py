"""A bad line: how long a packet takes over it, and whether it arrives.

Pure: time and dice are passed in. One direction; packets wait for those before them and leave in order. Where as many
octets wait as there is room for, the next packet is lost, as in the modem's own queue.
"""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["BAD", "Line", "Link"]


@dataclass(frozen=True, slots=True)
class Line:
    """What a line is like."""

    bits: float = float("inf")
    """Per second."""
    delay: float = 0.0
    """Seconds, one way."""
    loss: float = 0.0
    """Part of the packets that do not arrive."""
    room: int = 16_000
    """Octets that may wait."""


BAD = Line(bits=8_000, delay=0.5, loss=0.05)
"""8 kbit/s, a second there and back, 5 % lost."""


class Link:
    """One direction of a line."""

    def __init__(self, line: Line, dice: Callable[[], float]) -> None:
        self._line = line
        self._dice = dice
        self._free = 0.0

    def arrival(self, size: int, now: float) -> float | None:
        """When a packet of `size` octets arrives that is sent now; None: it does not."""
        line = self._line
        begins = max(now, self._free)
        if line.bits != float("inf") and (begins - now) * line.bits / 8 + size > line.room:
            return None
        self._free = begins + size * 8 / line.bits
        return None if self._dice() < line.loss else self._free + line.delay
