"""How long a message may take to come in: as long as it comes at walking pace, and a moment more.

A limit for the whole would be too short for a large file on a poor line, or so long that a peer who sends a byte now
and then could keep a connection for hours.
"""

__all__ = ["Pace"]

GRACE_SECONDS = 60.0
OCTETS_PER_SECOND = 1024


class Pace:
    """One message's time."""

    def __init__(self, now: float) -> None:
        """`now` is in seconds, of the clock that the deadline is compared with."""
        self.deadline = now + GRACE_SECONDS

    def count(self, octets: int) -> None:
        """So many bytes more have come: they have earned their time."""
        self.deadline += octets / OCTETS_PER_SECOND
