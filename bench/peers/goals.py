"""What is wanted of a figure, and whether it was reached: ours alone, or ours beside a peer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Figure", "Goal"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that is kept."""

    words: str
    path: tuple[str, ...]
    """Where it stands in a line of the report."""
    more_is_better: bool = False
    kind: str = ""
    """Of which line, where the mode tells several."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal."""

    figure: Figure
    limit: float
    """The figure's, at most or at least as it is better; or how many times better than the peer it has to be."""
    peer: str = ""
    """Beside whom; empty: ours alone."""
    every: bool = False
    """Whether each turn has to reach it, and not only their median."""

    @property
    def words(self) -> str:
        """As it stands in the table."""
        if self.peer:
            return f"≥ {self.limit:g} × {self.peer}"
        return f"{'≥' if self.figure.more_is_better else '≤'} {self.limit:g}{', every turn' if self.every else ''}"

    def met(self, median: float, turns: Sequence[float], times: Mapping[str, float]) -> bool:
        """Whether it was reached, by our median, our turns, and how many times better ours is than each peer."""
        if self.peer:
            return times[self.peer] >= self.limit
        values = turns if self.every else [median]
        return all(value >= self.limit if self.figure.more_is_better else value <= self.limit for value in values)
