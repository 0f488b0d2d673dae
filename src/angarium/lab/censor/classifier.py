"""How well two servers are told apart by single answers: boosted stumps, trained on some answers and tried on others.

Each stump looks at one thing that was noted (of one kind of probe, or of all) and divides the answers by it: what is a
word, by the word; what is a time, by where it lies among the times of its kind of probe. Each round takes the stump
that divides best what those before it got wrong (Schapire and Singer, "Improved Boosting Algorithms Using
Confidence-rated Predictions", 1999). Nothing is known beforehand of what servers differ in.

Pure, and slow: some tens of seconds for a few thousand answers.
"""

import bisect
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from angarium.lab.censor.sighting import Sighting

__all__ = ["Accuracy", "right_about", "told_apart"]

FOLDS, BLOCK = 5, 15
"""Answers are divided into so many parts by the order in which they came, so many at a time, or fewer of few."""
ROUNDS = 40
FINE, COARSE = 12, 4
"""Parts that times are divided into: over all kinds of probes, and for one kind."""
Z = 1.96
"""Standard deviations on both sides of which 95 of 100 lie."""

Parts = Mapping[str, str]
Crowd = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often it was right. Half is what a coin has."""

    right: int
    of: int

    @classmethod
    def of_all(cls, right: Collection[bool]) -> "Accuracy":
        """Of so many answers, about each of which it was right or not."""
        return cls(sum(right), len(right))

    @property
    def share(self) -> float:
        """Of 1."""
        return self.right / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Between which the true share lies, 95 of 100 times (Wilson)."""
        share, squared = self.share, Z * Z / self.of
        middle, half = share + squared / 2, Z * math.sqrt(share * (1 - share) / self.of + squared / (4 * self.of))
        return (middle - half) / (1 + squared), (middle + half) / (1 + squared)


def told_apart(
    one: Sequence[Sighting], other: Sequence[Sighting], *, words: bool = True, times: Collection[str] | None = None
) -> Accuracy:
    """How often it is right about answers of two servers, see `right_about`."""
    return Accuracy.of_all(right_about(one, other, words=words, times=times))


def right_about(
    one: Sequence[Sighting],
    other: Sequence[Sighting],
    *,
    words: bool = True,
    times: Collection[str] | None = None,
    parts: Sequence[int] | None = None,
) -> list[bool]:
    """Try every answer on stumps that were trained on others; whether they are right, first about one, then the other.

    `words`: whether these may be looked at; `times`: which of them, by name; None: all. `parts`: in which part each
    answer of either is; those of one are tried on what was learnt of all other parts. None: by the order in which they
    came.
    """
    if parts is None:
        block = max(1, min(BLOCK, len(one) // FOLDS))
        parts = [number // block % FOLDS for number in range(max(len(one), len(other)))]
    labelled = [(seen, +1, part) for seen, part in zip(one, parts, strict=False)]
    labelled += [(seen, -1, part) for seen, part in zip(other, parts, strict=False)]
    right = [False] * len(labelled)
    for held_out in sorted(set(parts)):
        train = [(seen, label) for seen, label, part in labelled if part != held_out]
        look = _Look([seen for seen, _ in train], words=words, times=times)
        stumps = _trained([(look.parts(seen), label) for seen, label in train])
        for number, (seen, label, part) in enumerate(labelled):
            if part == held_out:
                right[number] = (_score(stumps, look.parts(seen)) > 0) == (label > 0)
    return right


class _Look:
    """What is looked at in an answer: parts by name, in which times are ranks among those that were trained on."""

    def __init__(self, train: Sequence[Sighting], *, words: bool, times: Collection[str] | None) -> None:
        self._words, self._times = words, times
        self._known: dict[tuple[Crowd, str], list[float]] = defaultdict(list)
        for seen in train:
            for crowd in _crowds(seen):
                for name, took in seen.took.items():
                    self._known[crowd, name].append(took)
        for known in self._known.values():
            known.sort()

    def parts(self, seen: Sighting) -> Parts:
        return dict(self._parts(seen))

    def _parts(self, seen: Sighting) -> Iterator[tuple[str, str]]:
        for name, said in seen.said.items() if self._words else ():
            yield name, said
            yield f"{seen.probe}: {name}", said
        for name, took in seen.took.items():
            if self._times is not None and name not in self._times:
                continue
            for crowd in _crowds(seen):
                if known := self._known.get((crowd, name)):
                    rank = _rank(known, took)
                    yield f"{name}, {crowd[0]}", str(int(rank * FINE))
                    if crowd[0] == "in time":
                        yield f"{seen.probe}: {name}, in time", str(int(rank * COARSE))


def _rank(known: Sequence[float], took: float) -> float:
    """Where a time lies among those that are known, of 1; one beyond them as the last of them."""
    rank, edge = (bisect.bisect_left(known, took) + bisect.bisect_right(known, took)) / 2, 0.5
    return min(max(rank, edge), len(known) - edge) / len(known)


def _crowds(seen: Sighting) -> Iterator[Crowd]:
    """Among which answers its times are ranked: those to the same probe. Of hosts of several sorts there are few of
    each sort, so that more are asked for there.
    """
    yield "in time", seen.sort, seen.probe
    if seen.sort:
        yield "in time, of its kind", seen.sort, seen.kind
        yield "in time, of all", seen.sort, ""


def _trained(examples: Sequence[tuple[Parts, int]]) -> list[tuple[str, dict[str, float]]]:
    """Stumps: what each looks at, and how much what it finds there speaks for the first server."""
    weights = [1 / len(examples)] * len(examples)
    least = 1 / len(examples)
    stumps = []
    for _ in range(ROUNDS):
        sums: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
        for (parts, label), weight in zip(examples, weights, strict=True):
            for name, part in parts.items():
                sums[name][part][label > 0] += weight
        if not sums:  # there is nothing to be seen
            break
        name, found = min(sums.items(), key=lambda each: _left(each[1]))
        votes = {part: 0.5 * math.log((yes + least) / (no + least)) for part, (no, yes) in found.items()}
        stumps.append((name, votes))
        weights = [
            weight * math.exp(-label * votes.get(parts.get(name, ""), 0.0))
            for (parts, label), weight in zip(examples, weights, strict=True)
        ]
        total = sum(weights)
        weights = [weight / total for weight in weights]
    return stumps


def _left(found: Mapping[str, Sequence[float]]) -> float:
    """How much is left undecided by a division: less is better (Schapire and Singer's Z)."""
    seen = sum(map(sum, found.values()))
    return 1 - seen + 2 * sum(math.sqrt(no * yes) for no, yes in found.values())


def _score(stumps: Sequence[tuple[str, Mapping[str, float]]], parts: Parts) -> float:
    return sum(votes.get(parts.get(name, ""), 0.0) for name, votes in stumps)
