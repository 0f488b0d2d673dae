"""Estimates on pairs whose truth is known: clues that tell give a high area, those that do not about one half."""

import random
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from angarium.lab.seizure.estimate import Pair, Trial, area, combined, practised, trial


def pairs(people: int, seed: int, tell: float) -> list[Pair]:
    """Pairs with three clues: the second is higher by `tell` where two are linked."""
    chance = random.Random(seed)
    groups = [set(chance.sample(range(people), 6)) for _ in range(people // 4)]
    found = []
    for one, other in combinations(range(people), 2):
        linked = any({one, other} <= group for group in groups)
        clues = [chance.gauss(0, 1), chance.gauss(tell * linked, 1), 0.0]
        found.append(Pair(one, other, linked, clues))
    return found


def test_the_area() -> None:
    assert area([3, 2, 1], [True, True, False]) == 1
    assert area([1, 2, 3], [True, True, False]) == 0
    assert area([1, 1, 1, 1], [True, True, False, False]) == 0.5
    assert area([2, 1, 2, 3], [True, False, False, True]) == 0.875
    assert area([1, 2], [True, True]) == 0.5


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_the_area_is_the_chance_that_a_linked_one_scores_higher(scored: list[tuple[int, bool]]) -> None:
    there = [score for score, linked in scored if linked]
    others = [score for score, linked in scored if not linked]
    if there and others:
        wins = sum((one > other) + 0.5 * (one == other) for one in there for other in others)
        found = area([score for score, _ in scored], [linked for _, linked in scored])
        assert abs(found - wins / len(there) / len(others)) < 1e-9


def test_clues_that_tell_are_learnt() -> None:
    plain = combined([trial(pairs(60, seed, 10.0)) for seed in range(3)])
    assert plain.area > 0.99
    faint = combined([trial(pairs(60, seed, 1.0)) for seed in range(3)])
    assert 0.65 < faint.low < faint.area < faint.high < 0.9


def test_a_clue_that_tells_by_being_low_is_learnt_too() -> None:
    assert trial(pairs(60, 1, -10.0)).area > 0.99


def test_clues_that_tell_nothing_give_one_half() -> None:
    blind = combined([trial(pairs(60, seed, 0.0)) for seed in range(5)])
    assert abs(blind.area - 0.5) < 0.06
    assert blind.low < 0.5 < blind.high


def test_each_clue_alone() -> None:
    nothing, something, constant = trial(pairs(60, 1, 10.0)).alone
    assert abs(nothing - 0.5) < 0.1
    assert something > 0.99
    assert constant == 0.5


def test_without_linked_pairs_there_is_nothing_to_learn() -> None:
    assert trial([pair._replace(linked=False) for pair in pairs(20, 1, 1.0)]).area == 0.5


def test_the_interval_takes_the_larger_spread() -> None:
    alike = [Trial(0.6, 0.03, [])] * 4
    assert combined(alike).high - combined(alike).area < 0.04
    apart = [Trial(area, 0.001, []) for area in (0.5, 0.6, 0.7, 0.8)]
    assert combined(apart).high - combined(apart).area > 0.1


def test_who_practised_on_other_disks_guesses_better_or_as_well() -> None:
    assert min(practised([pairs(40, seed, 10.0) for seed in range(3)])) > 0.99
    assert min(practised([pairs(40, seed, -10.0) for seed in range(3)])) > 0.99
    assert abs(sum(practised([pairs(60, seed, 0.0) for seed in range(5)])) / 5 - 0.5) < 0.05


def test_two_disks_are_too_few_to_practise() -> None:
    assert practised([pairs(20, seed, 1.0) for seed in range(2)]) == []
    nobody = [pair._replace(linked=False) for pair in pairs(20, 3, 1.0)]
    assert practised([pairs(20, 1, 1.0), pairs(20, 2, 1.0), nobody]) == []
