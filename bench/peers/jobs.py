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
    kind: str = ""
    """Of which line, where the mode tells several."""


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
LAST = Figure("until the last has fetched it, ms", ("last_fetched_ms",))
P50 = Figure("fetched, p50, ms", ("fetched_ms", "p50"))
P99 = Figure("fetched, p99, ms", ("fetched_ms", "p99"))
ARRIVED = Figure("arrived within five seconds, %", ("arrived_percent",), more_is_better=True)
MEMORY = Figure("KiB each", ("kib_per_connection",))
QUIET = Figure("CPU of a core, %", ("cpu_percent",))
LOGINS = (
    Figure("who return, a second", ("logins_per_second",), more_is_better=True, kind="returning"),
    Figure("who return, server CPU, ms each", ("server_cpu_ms",), kind="returning"),
    Figure("new, a second", ("logins_per_second",), more_is_better=True, kind="new"),
    Figure("new, server CPU, ms each", ("server_cpu_ms",), kind="new"),
)
STORM = (
    Figure("p50 until back, ms", ("login_ms", "p50"), kind="storm"),
    Figure("p99 until back, ms", ("login_ms", "p99"), kind="storm"),
)


def _through(size: float, group: int, *more: str) -> tuple[str, ...]:
    return ("throughput", "--sizes", f"{size:g}", "--groups", str(group), *more)


JOBS = (
    Job("1.5 KiB to one", _through(1.5, 1), (RATE, CPU)),
    Job("10 KiB to one", _through(10, 1), (RATE, CPU)),
    Job("100 KiB to one", _through(100, 1), (RATE, CPU)),
    Job("1.5 KiB to one, 20 a second", _through(1.5, 1, "--rate", "20", "--seconds", "20"), (P50, P99, CPU)),
    Job("1.5 KiB to 20 who keep it", _through(1.5, 20, "--keep"), (RATE, CPU)),
    Job("1.5 KiB to 200 who keep it", _through(1.5, 200, "--keep"), (RATE, CPU), listeners=200),
    Job("1.5 KiB to 1,000 who keep it", ("fanout", "--keep", "--times", "3"), (LAST, CPU), listeners=1000),
    Job("logins", ("login",), LOGINS),
    Job("1,000 back at once", ("storm",), STORM, listeners=1064),
    # Half a minute after it began to wait, the reference puts a connection away.
    Job(
        "1,000 connections in IDLE",
        ("idle", "--connections", "1000", "--seconds", "60"),
        (MEMORY, QUIET),
        against=("reference", "compress"),
        listeners=1000,
    ),
    # Last, since what a peer has put off it tries again minutes later, when others would be measured.
    Job(
        "1.5 KiB to 20 who delete at once, two such a second",
        _through(1.5, 20, "--rate", "2", "--patience", "5"),
        (ARRIVED, P99),
        judged=False,
    ),
)
BRIEF = ("--seconds", "1", "--receivers", "8")
SHORT = (
    Job("1.5 KiB to one", _through(1.5, 1, "--at-once", "4", *BRIEF), (RATE, CPU)),
    Job("1.5 KiB to one, 20 a second", _through(1.5, 1, "--rate", "20", *BRIEF), (P50,), against=("reference",)),
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
    lines: list[dict[str, Any]] = report["lines"]
    lost = sum(_lost(job, side, line) for line in lines)
    figures = {}
    for figure in job.figures:
        found = [line for line in lines if not figure.kind or line.get("kind") == figure.kind]
        if not found:
            raise Failed(f"{job.name}, {side.name}: {'; '.join(report['withheld']) or 'it is not told'}")
        figures[figure.words] = _value(found[0], figure.path)
    busy = max(line["spent"]["generator_busy"] for line in lines)
    return Measured(job.name, side.name, figures, lost, busy, report["load_before"])


def _lost(job: Job, side: Side, line: dict[str, Any]) -> int:
    """How many deliveries did not arrive in time. Raises Failed where they had to, or where anything else was wrong."""
    faults: dict[str, Any] = line.get("faults") or {"failed": line.get("failed", 0), "why": line.get("why", "")}
    wrong = {name: count for name, count in faults.items() if count and name != "why"}
    if wrong and (job.judged or wrong.keys() != {"lost"}):
        counts = ", ".join(f"{count} {name}" for name, count in wrong.items())
        raise Failed(f"{job.name}, {side.name}: {counts}. {faults['why']}")
    lost = int(wrong.get("lost", 0))
    if "recipients" in line:
        line["arrived_percent"] = 100 * (1 - lost / max(1, line["messages"] * line["recipients"]))
    return lost


def _value(line: Any, path: Sequence[str]) -> float:
    for step in path:
        line = line[step]
    return float(line)
