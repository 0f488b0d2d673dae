"""What is measured on every side: `angarium lab load` in a process of its own, and which of its figures are kept."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.peers.sides import OURS, Side

__all__ = ["JOBS", "SHORT", "Failed", "Figure", "Job", "Measured", "measure"]

PEERS = ("bare", "reference")
LONGEST = 900.0
"""Seconds one measurement may take."""


class Failed(Exception):
    """A side could not be measured; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that is kept."""

    words: str
    path: tuple[str, ...]
    """Where it stands in a line of the report."""
    more_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One measurement."""

    name: str
    arguments: tuple[str, ...]
    figures: tuple[Figure, ...]
    against: tuple[str, ...] = PEERS
    listeners: int = 64
    """People in IDLE at a time."""
    judged: bool = True
    """Whether everything has to arrive; if not, what did is the figure."""

    @property
    def sides(self) -> tuple[str, ...]:
        return (OURS, *self.against)


@dataclass(frozen=True, slots=True)
class Measured:
    """One turn of a job on a side."""

    job: str
    side: str
    figures: Mapping[str, float]
    lost: int
    """Deliveries that did not arrive in time."""
    generator_busy: float
    load_before: float


RATE = Figure("delivered a second", ("deliveries_per_second",), more_is_better=True)
CPU = Figure("server CPU, ms each", ("server_cpu_ms",))
P50 = Figure("fetched, p50, ms", ("fetched_ms", "p50"))
P99 = Figure("fetched, p99, ms", ("fetched_ms", "p99"))
ARRIVED = Figure("arrived within five seconds, %", ("arrived_percent",), more_is_better=True)


def _through(size: float, group: int, *more: str) -> tuple[str, ...]:
    return ("throughput", "--sizes", f"{size:g}", "--groups", str(group), *more)


JOBS = (
    Job("1.5 KiB to one", _through(1.5, 1), (RATE, CPU)),
    Job("10 KiB to one", _through(10, 1), (RATE, CPU)),
    Job("100 KiB to one", _through(100, 1), (RATE, CPU)),
    Job("1.5 KiB to one, 20 a second", _through(1.5, 1, "--rate", "20", "--seconds", "20"), (P50, P99, CPU)),
    Job("1.5 KiB to 20 who keep it", _through(1.5, 20, "--keep"), (RATE, CPU)),
    Job("1.5 KiB to 200 who keep it", _through(1.5, 200, "--keep"), (RATE, CPU), listeners=200),
    # Last, since what a peer has put off it tries again minutes later, when others would be measured.
    Job(
        "1.5 KiB to 20 who delete at once, two such a second",
        _through(1.5, 20, "--rate", "2", "--patience", "5"),
        (ARRIVED, P99),
        judged=False,
    ),
)
SHORT = (
    Job("1.5 KiB to one", _through(1.5, 1, "--seconds", "1", "--at-once", "4", "--receivers", "8"), (RATE, CPU)),
    Job("1.5 KiB to one, 20 a second", _through(1.5, 1, "--seconds", "1", "--rate", "20", "--receivers", "8"), (P50,)),
)
"""Says that everything runs, and nothing about speed."""


def measure(job: Job, side: Side) -> Measured:
    """One turn. Raises Failed."""
    command = [
        *(sys.executable, "-m", "angarium", "lab", "load", *job.arguments, "--json"),
        *("--host", side.host, "--imaps", str(side.imaps), "--submissions", str(side.submissions)),
        *("--domain", side.domain, "--server-pids", ",".join(map(str, side.pids))),
    ]
    try:
        process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        raise Failed(f"{job.name}, {side.name}: no end after {LONGEST:.0f} seconds") from None
    if process.returncode not in (0, 1):
        raise Failed(f"{job.name}, {side.name}: {process.stderr.strip()[-1000:]}")
    report = json.loads(process.stdout)
    (line,) = report["lines"]
    faults: Mapping[str, Any] = line["faults"]
    wrong = [name for name in ("refused", "lost", "doubled", "changed", "strange") if faults[name]]
    if wrong and (job.judged or wrong != ["lost"]):
        raise Failed(
            f"{job.name}, {side.name}: {', '.join(f'{faults[name]} {name}' for name in wrong)} {faults['why']}"
        )
    return _kept(job, side, line, report["load_before"])


def _kept(job: Job, side: Side, line: dict[str, Any], load: float) -> Measured:
    lost = line["faults"]["lost"]
    line["arrived_percent"] = 100 * (1 - lost / max(1, line["messages"] * line["recipients"]))
    figures = {figure.words: _value(line, figure.path) for figure in job.figures}
    return Measured(job.name, side.name, figures, lost, line["spent"]["generator_busy"], load)


def _value(line: Any, path: Sequence[str]) -> float:
    for step in path:
        line = line[step]
    return float(line)
