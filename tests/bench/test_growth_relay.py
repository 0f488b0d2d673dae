"""Whether more makes a whole relay dearer, in short: both are filled, measured and used again; no figure is judged."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from rich.progress import Progress

from bench.growth_relay import Plan, fill, quartiles

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]
PEOPLE, LARGE, WAITING = 64, 80, 2
"""People enough for all who send, so that the generator makes nobody."""


async def growth(*words: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.growth_relay", *words),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_what_is_there_is_kept_the_other_is_filled_and_both_are_measured(tmp_path: Path) -> None:
    await fill(tmp_path / "small", Plan(PEOPLE, WAITING, PEOPLE), Progress(disable=True))
    kept = (tmp_path / "small" / "filled.json").stat().st_mtime_ns
    plan = ("--small", str(PEOPLE), "--large", str(LARGE), "--waiting", str(WAITING), "--people", str(PEOPLE))
    brief = ("--turns", "1", "--seconds", "0.5", "--keep", str(tmp_path), "--json")
    status, out, err = await growth(*plan, *brief)
    assert status in (0, 1), err
    found = json.loads(out)
    assert (found["small"]["accounts"], found["small"]["messages"]) == (PEOPLE, WAITING * PEOPLE)
    assert (found["large"]["accounts"], found["large"]["messages"]) == (LARGE, WAITING * LARGE)
    for side in ("small", "large"):
        low, median, high = found[side]["cpu_ms"]
        assert 0 < low <= median <= high
    assert len(found["turns"]) == 1
    assert (tmp_path / "small" / "filled.json").stat().st_mtime_ns == kept
    assert Plan(LARGE, WAITING, PEOPLE).made(tmp_path / "large")
    status, _, err = await growth(*plan, *brief, "--waiting", "3")
    assert (status, "take another directory" in err) == (2, True)


def test_what_was_half_filled_is_filled_again(tmp_path: Path) -> None:
    plan = Plan(3, 2, 1)
    assert not plan.made(tmp_path)
    (tmp_path / "filled.json").write_text('{"accounts": 3, "waiting": 2, "people": 1}')
    assert plan.made(tmp_path)
    with pytest.raises(ValueError, match="take another directory"):
        Plan(4, 2, 1).made(tmp_path)


def test_quartiles_lie_between_the_least_and_the_most() -> None:
    assert quartiles([1.0, 2.0, 3.0]) == [1.5, 2.0, 2.5]
    assert quartiles([1.0]) == [1.0, 1.0, 1.0]
