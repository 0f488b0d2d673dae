"""Our relay and the peers side by side, on this machine, in one run.

    make peers                                  # all jobs, five turns, 40 minutes; writes into docs/performance.md
    .venv/bin/python -m bench.peers.run [--turns 5] [--job NAME ...] [--write FILE] [--json FILE] [--short]

Root only: the peers are Debian's Postfix, Dovecot and OpenDKIM, with users of their own (`stack.py` says how they are
set, tests/needs.sh installs them). All are up during the whole run. Each job (`jobs.py`) is put on one after the other
by `angarium lab load`, in turns whose order alternates, so that a busy moment of the machine meets all alike. Told are
the medians of the turns, their least and most, how many times better ours is (the median of each turn's own ratio),
and which goals are met. How long all of it takes is told before it begins. How many messages have to be under way for
the most to go through is found in the first turn of a job on each side, and kept for the others; most accounts stay.

Exit status: 0 measured; 2 something was left out: it could not be measured, or a message was lost where none may be.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from angarium.lab.load.target import LoadFailed
from bench.peers.debounce import NotFound
from bench.peers.jobs import JOBS, SHORT, Failed, Job, Measured, measure
from bench.peers.sides import Side, many_listeners, sides
from bench.peers.stack import missing, versions
from bench.peers.table import markdown, placed, rows

SEARCH = 8.0
"""Seconds it takes to find how many messages have to be under way."""
DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"


def order(job: Job, turns: int) -> Iterator[str]:
    """Whose turn it is: forwards and backwards by turns, so that each side is as often before another as after it."""
    for turn in range(min(turns, job.turns)):
        yield from job.sides if turn % 2 == 0 else reversed(job.sides)


def expected(job: Job, turns: int) -> float:
    """Seconds all turns of a job take, on a machine that does nothing else."""
    return len(job.sides) * (min(turns, job.turns) * job.seconds + SEARCH * job.searches)


def run(
    jobs: Sequence[Job],
    turns: int,
    up: Sequence[Side],
    step: Callable[[str, float], None],
    keep: Callable[[Measured], None],
) -> dict[str, str]:
    """All turns of all jobs.

    Args:
        jobs: what is measured.
        turns: of each.
        up: those whose turns they are, but for jobs that start one for each turn.
        step: is called before each turn, with its name and how long it should take.
        keep: is called after it.

    Returns:
        Why jobs were given up, by name.
    """
    there = {side.name: side for side in up}
    given_up = {}
    for job in jobs:
        under_way = dict.fromkeys(job.sides, 0)
        try:
            for name in order(job, turns):
                step(f"{job.name}: {name}", job.seconds + SEARCH * (job.searches and not under_way[name]))
                with sides([name]) if job.fresh else nullcontext([there[name]]) as (side,):
                    found = measure(job, side, under_way[name])
                under_way[name] = found.at_once
                keep(found)
        except (Failed, LoadFailed, RuntimeError) as why:
            given_up[job.name] = str(why)
    return given_up


def notes(turns: int, jobs: Sequence[Job], found: Sequence[Measured]) -> list[str]:
    """What has to be known of a run to read its table."""
    fewer = [f"{job.turns} of {job.name}" for job in jobs if job.turns < turns]
    loads = [each.load_before for each in found]
    busy = max(each.generator_busy for each in found)
    programs = ", ".join(f"{name} {version}" for name, version in versions().items())
    told = (
        f"Turns: {', '.join([str(turns), *fewer])}; figures are their medians, with the least and the most of them.",
        f"{os.cpu_count()} processors, the generator on the same, busy for {busy:.0%} of the time at most.",
        f"Load of the machine before each turn: {min(loads):.1f} to {max(loads):.1f}, median {median(loads):.1f}.",
        f"Linux {platform.release()}, Python {platform.python_version()}, {programs}.",
    )
    return [" ".join(told)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5, help="of each job on each side")
    parser.add_argument("--job", action="append", choices=[job.name for job in JOBS], help="only this one, or these")
    parser.add_argument("--write", type=Path, help="the document with the marks [default: docs/performance.md]")
    parser.add_argument("--json", type=Path, help="a file for all figures of all turns")
    parser.add_argument("--short", action="store_true", help="a second each, to see that it works; writes no document")
    given = parser.parse_args()
    if given.turns < 1:
        parser.error("--turns: one at least")
    if why := missing():
        sys.stderr.write(f"the peers cannot be run: {why}\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    try:
        return _compare(given)
    except (LoadFailed, NotFound, OSError, RuntimeError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _compare(given: argparse.Namespace) -> int:
    document = given.write or (None if given.short else DOCUMENT)
    if document:
        placed(document.read_text(), "")  # sooner said than after an hour
    with contextlib.ExitStack() as stack:
        listeners = stack.enter_context(many_listeners())
        asked = SHORT if given.short else [job for job in JOBS if not given.job or job.name in given.job]
        few = f"one user may listen to {listeners} mailboxes only"
        left_out = {job.name: f"{job.name}: {few}" for job in asked if job.listeners >= listeners}
        jobs = [job for job in asked if job.name not in left_out]
        lasting = [job for job in jobs if not job.fresh]
        up = stack.enter_context(sides(list(dict.fromkeys(name for job in lasting for name in job.sides))))
        found: list[Measured] = []
        if given.json:
            stack.callback(lambda: _write(given.json, found))
        console = Console(stderr=True)
        columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
        progress = stack.enter_context(Progress(*columns, console=console, disable=not console.is_terminal))
        total = sum(expected(job, given.turns) for job in jobs)
        sys.stderr.write(f"{len(jobs)} jobs, {given.turns} turns: about {total / 60:.0f} minutes\n")
        bar = progress.add_task("", total=total)
        under_way = 0.0

        def step(doing: str, seconds: float) -> None:
            nonlocal under_way
            progress.update(bar, advance=under_way, description=doing)
            under_way = seconds
            if not console.is_terminal:
                sys.stderr.write(f"{time.strftime('%H:%M:%S')} {doing}\n")

        left_out |= run(jobs, given.turns, up, step, found.append)
    whole = [job for job in jobs if job.name not in left_out]
    for why in left_out.values():
        sys.stderr.write(f"left out: {why}\n")
    if not whole:
        return 2
    section = markdown(rows(whole, found), notes(given.turns, whole, found))
    print(section)
    if document:
        document.write_text(placed(document.read_text(), section))
    return 2 if left_out else 0


def _write(file: Path, found: Sequence[Measured]) -> None:
    """All figures of all turns, those of a run that was cut short too."""
    file.write_text(json.dumps({"versions": versions(), "turns": [asdict(each) for each in found]}, indent=1) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
