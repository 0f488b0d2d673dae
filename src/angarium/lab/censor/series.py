"""Many runs, some at a time, each in an enclosure of its own; and what came of each attempt at each scenario."""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from angarium.lab.censor.enclosure import enclosed
from angarium.lab.censor.report import Job, Line, Run
from angarium.lab.censor.scenarios import Scenario

__all__ = ["LabFailed", "Plan", "series"]

MODULE = "angarium.lab.censor"
LONGEST = 3600.0
"""Seconds that a run may take; the longest are the one over the bad line, and a distant prober's."""


class LabFailed(Exception):
    """A run could not be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done."""

    scenarios: Sequence[Scenario]
    ways: Sequence[str]
    """Only attempts by these ways in, or with such a setup; all if there are none."""
    runs: int
    texts: int
    at_once: int
    seed: int
    relay: str
    invitation: str = ""
    proxy: str = ""
    line: tuple[float, float, float] | None = None
    """Another bad line, see `Job`."""
    far: bool = False


async def series(plan: Plan, tell: Callable[[float, str], None]) -> list[Line]:
    """Do it; `tell` which part is done, and what is under way. Raises LabFailed."""
    jobs = [
        Job(
            *(scenario.name, attempt, plan.seed + run, plan.texts, plan.relay),
            *(plan.invitation, plan.proxy, plan.line, plan.far),
        )
        for scenario in plan.scenarios
        for attempt, one in enumerate(scenario.attempts)
        if not plan.ways or one.way in plan.ways or one.setup in plan.ways
        for run in range(plan.runs)
    ]
    done: dict[Job, Run] = {}
    turns = asyncio.Semaphore(plan.at_once)

    async def do(job: Job) -> None:
        async with turns:
            tell(len(done) / len(jobs), job.scenario)
            done[job] = await _one(job)
            tell(len(done) / len(jobs), job.scenario)

    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(do(job))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [
        Line(scenario.name, scenario.censor, one.way, one.setup, scenario.goal(one), runs)
        for scenario in plan.scenarios
        for attempt, one in enumerate(scenario.attempts)
        if (runs := [done[job] for job in jobs if (job.scenario, job.attempt) == (scenario.name, attempt)])
    ]


async def _one(job: Job) -> Run:
    with tempfile.TemporaryFile() as complaints:
        async with enclosed(sys.executable, "-m", MODULE, complaints=complaints) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(msgspec.json.encode(job) + b"\n")
            try:
                line = await asyncio.wait_for(process.stdout.readline(), LONGEST)
            except TimeoutError:
                raise LabFailed(f"{job.scenario}: a run took longer than {LONGEST:.0f} s") from None
        if not line:
            complaints.seek(0)
            said = complaints.read()[-2000:].decode(errors="replace").strip()
            raise LabFailed(f"{job.scenario}: {said or 'the run ended without a word'}")
        return msgspec.json.decode(line, type=Run)
