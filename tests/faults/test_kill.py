"""`kill -9` under load, a few rounds of it: `python bench/kill.py` does the same at length."""

import random
from pathlib import Path

import pytest

from bench.kill import killed

ROUNDS = 3


@pytest.mark.timeout(90)
async def test_nothing_answered_is_lost_doubled_or_comes_back(tmp_path: Path) -> None:
    figures = await killed(tmp_path / "relay", ROUNDS, random.Random())
    assert figures.answered >= ROUNDS * 20
    assert figures.fetched >= figures.expunged > 0
    assert figures.bounced > 0
    assert figures.good, figures
