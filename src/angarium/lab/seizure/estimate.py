"""How well guesses order what is so before what is not: the area under the curve, and how sure that figure is.

A guesser sees clues about pairs of people. It learns which clues tell (one alone, or all weighed together by Fisher's
discriminant), and is judged on pairs that it has not seen. 0.5 is what throwing dice gives. There are two guessers:

* `trial` has one disk. It learns on half the people and is judged on the other half, then the other way round. Its
  interval comes from leaving out a tenth of the people at a time: pairs with a person in common are not independent, so
  counting pairs would make it too narrow.
* `practised` has run relays of its own, as anybody can: it learns on all disks but one, and is judged on all pairs of
  that one. Its interval comes from the spread between disks.
"""

import math
import random
from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import compress
from operator import mul
from typing import NamedTuple

__all__ = ["Estimate", "Pair", "Trial", "area", "combined", "practised", "trial"]

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
    everyone, those = Counter(scores), Counter(compress(scores, linked))
    ranks, at = 0.0, 0
    for score in sorted(everyone):
        tied = everyone[score]
        ranks += those[score] * (at + (tied + 1) / 2)
        at += tied
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


def practised(disks: Sequence[Sequence[Pair]]) -> list[float]:
    """The area on each disk of a guesser who has learnt on all the others; nothing if there are fewer than three."""
    told = [_Told(disk) for disk in disks if 0 < sum(pair.linked for pair in disk) < len(disk)]
    if len(told) < 3:
        return []
    return [told[at].area(_best([*told[:at], *told[at + 1 :]])) for at in range(len(told))]


class _Told:
    """A disk that was learnt on: its clues as ranks, and what Fisher's discriminant needs of them."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.linked = [pair.linked for pair in pairs]
        self.rows = [array("f", row) for row in _ranked([pair.clues for pair in pairs])]
        self.alone = [area(column, self.linked) for column in zip(*self.rows, strict=True)]
        self.clouds = _clouds(self.rows, self.linked)

    def area(self, way: Sequence[float]) -> float:
        return area([_dot(way, row) for row in self.rows], self.linked)


def _best(told: Sequence[_Told]) -> list[float]:
    """The way that does best over several disks: one clue, rising or falling, or all weighed."""
    width = len(told[0].alone)
    means = [sum(column) / len(told) for column in zip(*(one.alone for one in told), strict=True)]
    weighed = _weights([cloud for one in told for cloud in one.clouds])
    at = max(range(width), key=lambda at: abs(means[at] - 0.5))
    if sum(one.area(weighed) for one in told) / len(told) >= 0.5 + abs(means[at] - 0.5):
        return weighed
    return [math.copysign(float(which == at), means[at] - 0.5) for which in range(width)]


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
        for value, tied in sorted(Counter(column).items()):
            ranks[value] = (2 * at + tied) / len(column) - 1
            at += tied
        columns.append([ranks[value] for value in column])
    return [list(row) for row in zip(*columns, strict=True)]


class _Cloud(NamedTuple):
    """Rows of one class."""

    linked: bool
    size: int
    mean: list[float]
    scatter: list[list[float]]
    """Sums of products of what they differ by from their mean."""


def _discriminant(rows: Sequence[Sequence[float]], linked: Sequence[bool]) -> list[float]:
    """Weights that part two classes best if each is a cloud of one common shape (Fisher 1936), with a little ridge."""
    return _weights(_clouds(rows, linked))


def _clouds(rows: Sequence[Sequence[float]], linked: Sequence[bool]) -> list[_Cloud]:
    """The two classes of rows."""
    clouds = []
    for which in (True, False):
        columns = list(zip(*compress(rows, (one is which for one in linked)), strict=True))
        means = [math.fsum(column) / len(column) for column in columns]
        centred = [[value - mean for value in column] for column, mean in zip(columns, means, strict=True)]
        scatter = [[sum(map(mul, one, other)) for other in centred] for one in centred]
        clouds.append(_Cloud(which, len(columns[0]), means, scatter))
    return clouds


def _weights(clouds: Sequence[_Cloud]) -> list[float]:
    """Fisher's weights from clouds of any number of disks."""
    width, count = len(clouds[0].mean), sum(cloud.size for cloud in clouds)
    scatter = [
        [math.fsum(cloud.scatter[at][to] for cloud in clouds) + 0.01 * count * (at == to) for to in range(width)]
        for at in range(width)
    ]
    means = []
    for which in (True, False):
        some = [cloud for cloud in clouds if cloud.linked is which]
        total = sum(cloud.size for cloud in some)
        means.append([math.fsum(cloud.size * cloud.mean[at] for cloud in some) / total for at in range(width)])
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
    return float(sum(map(mul, weights, row)))
