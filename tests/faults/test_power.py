"""Power cuts, a few of them: `python bench/power.py` and `bench/start.py` do the same at length."""

import asyncio
import os
import random
from pathlib import Path

import pytest

from bench import start
from bench.power import cuts, recorded
from tests.faults.conftest import may_trace

pytestmark = pytest.mark.skipif(not may_trace(), reason="Debian's strace is missing or may not trace here")


async def test_what_was_said_is_there_after_every_cut(tmp_path: Path) -> None:
    recording = await asyncio.to_thread(recorded, tmp_path / "store", 120)
    figures = await cuts(recording, 25, random.Random())
    assert figures.cuts == 25
    assert figures.expunged > 5
    assert figures.good, figures


async def test_the_cuts_find_a_store_that_does_not_flush(tmp_path: Path) -> None:
    recording = await asyncio.to_thread(recorded, tmp_path / "store", 50, careless=True)
    lost = 0
    for seed in range(10):  # most cuts fall where even this store has just flushed
        lost += (await cuts(recording, 20, random.Random(seed))).lost
        if lost:
            break
    assert lost


@pytest.mark.skipif(os.geteuid() != 0, reason="a relay lets itself be traced by root only")
async def test_a_first_start_that_is_cut_off_is_followed_by_one_that_works(tmp_path: Path) -> None:
    recording = await asyncio.to_thread(start.recorded, tmp_path / "first")
    figures = await asyncio.to_thread(start.cuts, recording, 16, random.Random())
    assert figures.cuts == 16
    assert figures.good, figures
