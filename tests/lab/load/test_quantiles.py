"""Quantiles within a hundredth."""

import random

import pytest

from angarium.lab.load.quantiles import Durations


@pytest.mark.parametrize("part", [0.5, 0.95, 0.99])
def test_a_quantile_is_within_a_hundredth(part: float) -> None:
    chance = random.Random(7)
    values = sorted(chance.lognormvariate(-5, 1) for _ in range(10_000))
    halves = Durations(), Durations()
    for number, value in enumerate(values):
        halves[number % 2].add(value)
    halves[0].merge(halves[1])
    assert halves[0].count == 10_000
    assert halves[0].longest == values[-1]
    assert halves[0].quantile(part) == pytest.approx(values[round(part * 10_000) - 1], rel=0.012)


def test_of_nothing_there_is_no_quantile() -> None:
    assert Durations().quantile(0.5) == 0


def test_one_is_all() -> None:
    durations = Durations()
    durations.add(0.25)
    assert [durations.quantile(part) for part in (0, 0.5, 1)] == [0.25] * 3


def test_how_many_took_no_longer() -> None:
    durations = Durations()
    assert durations.within(1) == 0
    for seconds in (0.2, 0.5, 0.9, 1.5):
        durations.add(seconds)
    assert [durations.within(seconds) for seconds in (0.1, 0.3, 1.0, 1.5, 9)] == [0, 1, 3, 4, 4]
