"""What the decoy takes beside nginx, measured in short: both say the same, every step is timed; figures are not judged.

`python -m bench.decoy` does the same at length.
"""

import asyncio
import json
import shutil
import sys

import pytest

from angarium.lab.censor.enclosure import PATH
from angarium.lab.censor.sighting import Sighting
from bench.decoy import KINDS, steps

pytestmark = pytest.mark.skipif(shutil.which("nginx", path=PATH) is None, reason="needs Debian's nginx")


async def test_both_are_visited_alike_and_every_step_is_timed() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.decoy", "--visits", "4", "--pause", "0", "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    told = json.loads(out)
    timed = {(step["kind"], step["step"]) for step in told["steps"]}
    after = {"connect", "first", "last", "end", "cpu"}
    shaken = after | {"hello", "handshake"}
    wanted = {"a page": shaken | {"tickets"}, "hasty": shaken, "in clear": after}
    assert {kind.name for kind in KINDS} == {kind for kind, _ in timed}
    for kind, names in wanted.items():
        assert {step for name, step in timed if name == kind} == names
    for step in told["steps"]:
        for low, middle, high in (step["relay"], step["nginx"]):
            assert 0 < low <= middle <= high
    assert 0 <= told["together"] <= 1


async def test_the_least_that_python_can_do_says_the_same_and_is_timed_too() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.decoy", "--visits", "4", "--pause", "0", "--floor", "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert {step["kind"] for step in json.loads(out)["steps"]} == {"a page", "hasty"}


def test_who_takes_longer_is_told_by_that_step_and_by_how_much() -> None:
    def visits(more: float) -> list[Sighting]:
        took = [{"connect": 1e-5 * (turn % 7), "first": 1e-4 + 1e-6 * (turn % 5)} for turn in range(60)]
        return [Sighting(kind.name, took={**each, "first": each["first"] + more}) for each in took for kind in KINDS]

    found = {(step.kind, step.step): step for step in steps({"relay": visits(3e-4), "nginx": visits(0)})}
    assert found["a page", "first"].told > 0.9
    assert found["a page", "first"].longer == (300, 300)
    assert found["a page", "connect"].told < 0.6
    assert found["a page", "connect"].longer == (0, 0)
