"""Durations in constant memory: how many lay in each of some hundred steps, each one per cent wider than the last."""

from math import exp, log

__all__ = ["Durations"]

STEP = log(1.01)
SHORTEST = 1e-6


class Durations:
    """Of so many, the quantiles within one per cent."""

    def __init__(self) -> None:
        self.count = 0
        self.longest = 0.0
        self._steps: dict[int, int] = {}

    def add(self, seconds: float) -> None:
        """Count one more."""
        step = int(log(max(seconds, SHORTEST) / SHORTEST) / STEP)
        self._steps[step] = self._steps.get(step, 0) + 1
        self.count += 1
        if seconds > self.longest:
            self.longest = seconds

    def merge(self, other: "Durations") -> None:
        """Count what somebody else counted."""
        for step, number in other._steps.items():
            self._steps[step] = self._steps.get(step, 0) + number
        self.count += other.count
        self.longest = max(self.longest, other.longest)

    def within(self, seconds: float) -> int:
        """How many took no longer than that; those of the same step count as longer, unless none was."""
        if self.longest <= seconds:
            return self.count
        last = int(log(max(seconds, SHORTEST) / SHORTEST) / STEP)
        return sum(number for step, number in self._steps.items() if step < last)

    def quantile(self, part: float) -> float:
        """Seconds that so large a part of them did not exceed; 0 where there are none."""
        wanted, seen = part * self.count, 0
        for step in sorted(self._steps):
            seen += self._steps[step]
            if seen >= wanted:
                return min(SHORTEST * exp((step + 1) * STEP), self.longest)
        return self.longest
