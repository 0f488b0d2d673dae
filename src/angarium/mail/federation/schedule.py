"""When something that failed is tried again: sooner at first, then ever more rarely, and never all at one moment.

Nothing of it is written down. A relay that starts tries everything anew, spread out.
"""

__all__ = ["FIRST_SECONDS", "LONGEST_SECONDS", "SPREAD_SECONDS", "pause", "spread"]

FIRST_SECONDS = 5.0
"""After the first failure in a row, for a relay that is started again is away for seconds, and people are talking; then
twice as long each time,"""
LONGEST_SECONDS = 7200.0
"""up to this (RFC 5321, 4.5.4.1, has at least half an hour in mind for machines that are down: soon reached),"""
JITTER = 0.25
"""give or take such a part of it."""
SPREAD_SECONDS = 30.0
"""Over which first attempts are spread, where many could begin at once: at the start, and when a road is back;"""
APART_SECONDS = 0.5
"""no more than this for each destination."""


def pause(failures: int, chance: float) -> float:
    """Seconds until the next attempt.

    Args:
        failures: how many there were in a row, this one included.
        chance: from 0 up to 1.
    """
    doublings = min(max(failures, 1) - 1, 32)
    return min(FIRST_SECONDS * 2.0**doublings, LONGEST_SECONDS) * (1 + JITTER * (2 * chance - 1))


def spread(destinations: int, chance: float) -> float:
    """Seconds until the first attempt at one of so many destinations. `chance` from 0 up to 1."""
    return min(SPREAD_SECONDS, APART_SECONDS * destinations) * chance
