"""What a disk says about each pair of accounts to somebody who knows the schema and this program.

Each clue is a way in which a message to a group could show: by how much lies there, by classes of sizes and their
order, by bytes that several have in common, by where room was taken on the disk, by what was written together, or soon
after. None is meant to be weak: where a clue tells nothing, that is the seal's doing. What an examiner cannot see is 0
for every pair.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from angarium.lab.seizure.evidence import Evidence

__all__ = ["CLUES", "LOG", "clues"]

CLUES = (
    "as many messages",
    "many messages",
    "counters alike",
    "numbers alike",
    "classes of sizes",
    "order of sizes",
    "bytes in common",
    "pages side by side",
    "long bodies side by side",
    "states as long",
    "long states",
    "seen on one day",
    "devices as many",
    "written together",
    "written soon after",
    "one message in the log",
    "left in the log's index",
)
LOG = CLUES.index("written together")
"""From here on clues need the log."""

NEAR = 4
"""Pages, or long bodies, that count as side by side."""
SOON = 12
"""Transactions that count as soon after another: a phone fetches, marks and deletes in three."""
CROWD = 0.5
"""What more than this part of the accounts has in common tells nothing about two of them."""

Score = dict[tuple[int, int], float]


def clues(evidence: Evidence) -> dict[tuple[int, int], list[float]]:
    """The clues about every pair, in the order of `CLUES`."""
    people = len(evidence.accounts)

    def unlike(numbers: Sequence[float]) -> Callable[[int, int], float]:
        return lambda one, other: -abs(numbers[one] - numbers[other])

    def both(numbers: Sequence[float]) -> Callable[[int, int], float]:
        return lambda one, other: min(numbers[one], numbers[other])

    def sparse(score: Score) -> Callable[[int, int], float]:
        return lambda one, other: score.get((one, other), 0.0)

    columns = (
        unlike([math.log1p(count) for count in evidence.messages]),
        both(evidence.messages),
        unlike(evidence.counters),
        unlike(evidence.numbers),
        sparse(_alike([Counter(sizes) for sizes in evidence.sizes])),
        sparse(_alike([Counter(pairwise(sizes)) for sizes in evidence.sizes])),
        sparse(_rare(evidence.held.values(), people)),
        sparse(_side_by_side([(page, 0, account) for page, account in sorted(set(evidence.leaves))])),
        sparse(_side_by_side(_in_order(evidence.chains))),
        unlike(evidence.states),
        both(evidence.states),
        unlike(evidence.days),
        unlike(evidence.devices),
        sparse(_rare(evidence.together, people)),
        sparse(_soon_after(evidence.together, people)),
        sparse(_rare(evidence.same, people)),
        sparse(_rare(evidence.forgotten, people)),
    )
    return {pair: [column(*pair) for column in columns] for pair in evidence.pairs()}


def _alike(counted: Sequence[Mapping[Any, int]]) -> Score:
    """Cosine between accounts' counts, what few have weighing more."""
    holders: dict[Any, list[tuple[int, float]]] = defaultdict(list)
    for account, counts in enumerate(counted):
        for what, count in counts.items():
            holders[what].append((account, math.log1p(count)))
    weight = {what: math.log((1 + len(counted)) / len(found)) for what, found in holders.items()}
    norm = [
        math.sqrt(sum((math.log1p(count) * weight[what]) ** 2 for what, count in counts.items())) or 1.0
        for counts in counted
    ]
    score: Score = defaultdict(float)
    for what, found in holders.items():
        for (one, times), (other, times_there) in combinations(found, 2):
            score[one, other] += times * times_there * weight[what] ** 2 / (norm[one] * norm[other])
    return score


def _rare(sets: Iterable[set[int]], people: int) -> Score:
    """How often two are in one of the sets, small sets weighing more."""
    score: Score = defaultdict(float)
    for members in sets:
        if 1 < len(members) <= max(2, CROWD * people):
            for pair in combinations(sorted(members), 2):
                score[pair] += 1 / (len(members) - 1)
    return score


def _soon_after(steps: Sequence[set[int]], people: int) -> Score:
    """How often two were touched in different transactions shortly one after the other: an answer, or both deleting
    what both got. The sooner, and the fewer else were touched, the more it weighs."""
    score: Score = defaultdict(float)
    told = [members for members in steps if 0 < len(members) <= max(2, CROWD * people)]
    for at, earlier in enumerate(told):
        for distance, later in enumerate(told[at + 1 : at + 1 + SOON], 1):
            weight = 1 / (distance * len(earlier) * len(later))
            for one in earlier - later:
                for other in later - earlier:
                    score[min(one, other), max(one, other)] += weight
    return score


def _in_order(chains: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Long bodies by where they begin: place in that order, length, account."""
    return [(place, length, account) for place, (_, length, account) in enumerate(sorted(chains))]


def _side_by_side(laid: Sequence[tuple[int, int, int]]) -> Score:
    """How often two accounts have things of the same kind near each other: place, kind and account of each."""
    score: Score = defaultdict(float)
    for at, (place, kind, account) in enumerate(laid):
        for near, other_kind, other in laid[at + 1 : at + 1 + 4 * NEAR]:
            if near - place > NEAR:
                break
            if other != account and kind == other_kind:
                score[min(account, other), max(account, other)] += 1 / max(1, near - place)
    return score
