"""What grows from wave to wave, and what only comes and goes."""

import random

import pytest

from angarium.lab.load.trend import slope

TIDE = (1.0, 50.0, 90.0, 20.0)


def test_the_tide_is_no_growth() -> None:
    assert slope([TIDE, TIDE, TIDE]) == 0


def test_what_each_wave_adds_is_found_in_the_noise() -> None:
    chance = random.Random(1)
    waves = [[at + 3 * wave + chance.gauss(0, 0.5) for at in TIDE * 6] for wave in range(3)]
    waves[1][5] += 1000
    assert slope(waves) == pytest.approx(3, abs=0.3)


def test_one_wave_says_nothing() -> None:
    assert slope([TIDE]) == 0
