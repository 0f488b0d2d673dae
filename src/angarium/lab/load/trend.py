"""Whether something grows from one wave to the next, where it also rises and falls within each.

The seasonal slope after Hirsch, Slack and Smith (1982): Theil's median of all slopes, taken only between moments at the
same place of two waves. What comes and goes with the hour is in none of them, and single odd moments do not matter.
"""

from collections.abc import Sequence
from itertools import combinations
from statistics import median

__all__ = ["slope"]


def slope(waves: Sequence[Sequence[float]]) -> float:
    """By how much it grows in a wave; `waves` hold the values of the same moments. 0 where there is but one."""
    slopes = [
        (later - earlier) / (last - first)
        for (first, before), (last, after) in combinations(enumerate(waves), 2)
        for earlier, later in zip(before, after, strict=True)
    ]
    return median(slopes) if slopes else 0.0
