"""Either of two relays is killed while they send to each other, a few rounds of it: `bench/between.py` does more."""

import random
from pathlib import Path

import pytest

from bench.between import killed

ROUNDS = 2


@pytest.mark.timeout(120)
async def test_nothing_answered_is_lost_or_doubled_on_its_way(tmp_path: Path) -> None:
    figures = await killed(tmp_path, ROUNDS, random.Random())
    assert figures.answered >= ROUNDS * 20
    assert figures.across > 0
    assert figures.bounced > 0
    assert figures.good, figures
