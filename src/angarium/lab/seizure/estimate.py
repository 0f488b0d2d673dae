"""How well guesses order what is so before what is not: the area under the curve, and how sure that figure is.

The guesser sees clues about pairs of people. It learns, on half the people, which clues tell (one alone, or all
weighed together by Fisher's discriminant) and is judged on pairs of the other half, then the other way round. 0.5 is
what throwing dice gives. The interval comes from leaving out a tenth of the people at a time: pairs with a person in
common are not independent, so counting pairs would make it too narrow.
"""

import math
import random
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

__all__ = ["Estimate", "Pair", "Trial", "area", "combined", "trial"]

Z = 1.96
BLOCKS = 10


class Pair(NamedTuple):
    """Two people, whether they share a group, and what the examiner sees of the two."""

    one: int
    other: int
    linked: bool
    clues: Sequence[float]


class Estimate(NamedTuple):
    """An area under the curve, with the ends of its 95 % interval."""

    area: float
    low: float
    high: float


class Trial(NamedTuple):
    """What one guesser achieved on one disk."""

    area: float
    error: float
    """Standard error of the area."""
    alone: list[float]
    """The area each clue alone would give, over all pairs; the largest of many is above 0.5 by chance."""


def area(scores: Sequence[float], linked: Sequence[bool]) -> float:
    """The chance that a linked pair scores above one that is not, ties counted half; 0.5 if either kind is missing."""
    positive = sum(linked)
    if not 0 < positive < len(linked):
        return 0.5
    ranks, at = 0.0, 0
    for _, group in groupby(sorted(zip(scores, linked, strict=True)), key=lambda scored: scored[0]):
        tied = [is_linked for _, is_linked in group]
        ranks += sum(tied) * (at + (len(tied) + 1) / 2)
        at += len(tied)
    return (ranks - positive * (positive + 1) / 2) / (positive * (len(linked) - positive))


def trial(pairs: Sequence[Pair], seed: int = 0) -> Trial:
    """Let a guesser learn on half the people and guess on the other half, both ways."""
    people = sorted({person for pair in pairs for person in pair[:2]})
    random.Random(seed).shuffle(people)  # noqa: S311 (a measurement that can be repeated)
    half = set(people[: len(people) // 2])
    first = [pair for pair in pairs if pair.one in half and pair.other in half]
    second = [pair for pair in pairs if pair.one not in half and pair.other not in half]
    scored = [(second, _scores(first, second)), (first, _scores(second, first))]
    achieved = _mean_area(scored, set())
    without = [_mean_area(scored, set(people[block::BLOCKS])) for block in range(BLOCKS)]
    middle = sum(without) / BLOCKS
    error = math.sqrt((BLOCKS - 1) / BLOCKS * sum((one - middle) ** 2 for one in without))
    linked = [pair.linked for pair in pairs]
    columns = zip(*(pair.clues for pair in pairs), strict=True)
    return Trial(achieved, error, [area(column, linked) for column in columns])


def combined(trials: Sequence[Trial]) -> Estimate:
    """Several disks in one figure. Of the spread within and between them the larger is taken."""
    count = len(trials)
    middle = sum(one.area for one in trials) / count
    squares = sum(one.error**2 for one in trials) / count**2
    if count > 2:
        squares = max(squares, sum((one.area - middle) ** 2 for one in trials) / (count - 1) / count)
    return Estimate(middle, max(0.0, middle - Z * math.sqrt(squares)), min(1.0, middle + Z * math.sqrt(squares)))


def _mean_area(scored: Sequence[tuple[Sequence[Pair], Sequence[float]]], without: set[int]) -> float:
    areas = []
    for pairs, scores in scored:
        kept = [
            (score, pair.linked)
            for pair, score in zip(pairs, scores, strict=True)
            if pair.one not in without and pair.other not in without
        ]
        areas.append(area([score for score, _ in kept], [linked for _, linked in kept]))
    return sum(areas) / len(areas)


def _scores(learnt: Sequence[Pair], judged: Sequence[Pair]) -> list[float]:
    """Scores of the pairs judged, by whatever did best on the pairs learnt."""
    linked = [pair.linked for pair in learnt]
    if not learnt or not 0 < sum(linked) < len(linked):
        return [0.0] * len(judged)
    seen = _ranked([pair.clues for pair in learnt])
    ways = [_unit(at, len(seen[0])) for at in range(len(seen[0]))]
    ways += [[-weight for weight in way] for way in ways]
    ways.append(_discriminant(seen, linked))
    best = max(ways, key=lambda way: area([_dot(way, row) for row in seen], linked))
    return [_dot(best, row) for row in _ranked([pair.clues for pair in judged])]


def _ranked(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """Each clue as its rank among the pairs, -1 to 1, ties in the middle: no clue outweighs others by its unit."""
    columns = []
    for column in zip(*rows, strict=True):
        ranks, at = dict[float, float](), 0
        for value, group in groupby(sorted(column)):
            tied = len(list(group))
            ranks[value] = (2 * at + tied) / len(column) - 1
            at += tied
        columns.append([ranks[value] for value in column])
    return [list(row) for row in zip(*columns, strict=True)]


def _discriminant(rows: Sequence[Sequence[float]], linked: Sequence[bool]) -> list[float]:
    """Weights that part two classes best if each is a cloud of one common shape (Fisher 1936), with a little ridge."""
    classes = [
        [row for row, is_linked in zip(rows, linked, strict=True) if is_linked is which] for which in (True, False)
    ]
    means = [[sum(column) / len(members) for column in zip(*members, strict=True)] for members in classes]
    width = len(rows[0])
    scatter = [[0.01 * len(rows) * (at == to) for to in range(width)] for at in range(width)]
    for members, mean in zip(classes, means, strict=True):
        for row in members:
            centred = [value - middle for value, middle in zip(row, mean, strict=True)]
            for at, value in enumerate(centred):
                if value:
                    line = scatter[at]
                    for to in range(width):
                        line[to] += value * centred[to]
    return _solved(scatter, [one - other for one, other in zip(*means, strict=True)])


def _solved(matrix: list[list[float]], wanted: Sequence[float]) -> list[float]:
    """The solution of linear equations whose matrix is positive definite (Gauss)."""
    rows = [[*row, value] for row, value in zip(matrix, wanted, strict=True)]
    for at, pivot in enumerate(rows):
        rows[at] = pivot = [value / pivot[at] for value in pivot]
        for other, row in enumerate(rows):
            if other != at and row[at]:
                rows[other] = [value - row[at] * taken for value, taken in zip(row, pivot, strict=True)]
    return [row[-1] for row in rows]


def _unit(at: int, width: int) -> list[float]:
    return [float(at == to) for to in range(width)]


def _dot(weights: Sequence[float], row: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, row, strict=True))
