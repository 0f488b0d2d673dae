"""What is measured on every side: `angarium lab load` in a process of its own, and which of its figures are kept."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.peers.goals import Figure, Goal
from bench.peers.sides import FORMS, OURS, TWO, Side

__all__ = ["JOBS", "SHORT", "Failed", "Job", "Measured", "measure"]

PEERS = ("bare", "reference")
REFERENCE = ("reference",)
LONGEST = 900.0
"""Seconds one measurement may take."""
KNOWN = 1100
"""People on the list of a side, where a job does not need more."""


class Failed(Exception):
    """A side could not be measured; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Job:
    """One measurement."""

    name: str
    arguments: tuple[str, ...]
    figures: tuple[Figure, ...]
    goals: tuple[Goal, ...] = ()
    against: tuple[str, ...] = PEERS
    besides: tuple[str, ...] = ()
    """Other forms of ours that are measured too."""
    listeners: int = 64
    """People in IDLE at a time."""
    judged: bool = True
    """Whether everything has to arrive at the peers; if not, what did is the figure. At ours it always has to."""
    people: str = ""
    """The list of accounts that serves all turns; empty: new ones in each."""
    known: int = KNOWN
    """How many there are on that list."""
    searches: bool = False
    """Whether it finds how many messages have to be under way at a time: in the first turn, and they stay."""
    fresh: bool = False
    """Whether the relay is started for each turn: what others have used and left, memory for one, would serve it."""
    turns: int = 1000
    """At most so many."""
    seconds: float = 8.0
    """About how long a turn takes on a machine that does nothing else."""

    @property
    def sides(self) -> tuple[str, ...]:
        return (OURS, *self.besides, *self.against)


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
    at_once: int = 0
    """Messages under way at a time, where the job has found how many."""


RATE = Figure("delivered a second", ("deliveries_per_second",), more_is_better=True)
CPU = Figure("server CPU, ms each", ("server_cpu_ms",))
LAST = Figure("until the last has fetched it, ms", ("last_fetched_ms",))
P50 = Figure("fetched, p50, ms", ("fetched_ms", "p50"))
P99 = Figure("fetched, p99, ms", ("fetched_ms", "p99"))
SLOWEST = Figure("the slowest, ms", ("fetched_ms", "longest"))
ARRIVED = Figure("arrived within five seconds, %", ("arrived_percent",), more_is_better=True)
SECOND = Figure("fetched within a second, %", ("within_second_percent",), more_is_better=True)
HALF = Figure("messages a second, half of saturation", ("rate",), more_is_better=True)
MEMORY = Figure("KiB each", ("kib_per_connection",))
QUIET = Figure("CPU of a core, %", ("cpu_percent",))
RETURNING = Figure("who return, server CPU, ms each", ("server_cpu_ms",), kind="returning")
NEW = Figure("new, server CPU, ms each", ("server_cpu_ms",), kind="new")
LOGINS = (
    Figure("who return, a second", ("logins_per_second",), more_is_better=True, kind="returning"),
    RETURNING,
    Figure("new, a second", ("logins_per_second",), more_is_better=True, kind="new"),
    NEW,
)
FAILED = Figure("failed", ("failed",), kind="storm")
MEANWHILE = Figure("messages meanwhile, fetched, p50, ms", ("fetched_ms", "p50"), kind="storm")
STORM = (
    Figure("p50 until back, ms", ("login_ms", "p50"), kind="storm"),
    Figure("p99 until back, ms", ("login_ms", "p99"), kind="storm"),
    MEANWHILE,
    FAILED,
)


def _through(size: float, group: int, *more: str) -> tuple[str, ...]:
    return ("throughput", "--sizes", f"{size:g}", "--groups", str(group), *more)


def _full(name: str, size: float, most: float, *goals: Goal, besides: tuple[str, ...] = ()) -> Job:
    """As much as goes through."""
    wanted = (Goal(CPU, most), *goals)
    arguments = _through(size, 1, "--seconds", "4")
    return Job(name, arguments, (RATE, CPU), wanted, besides=besides, people="people", searches=True, seconds=7)


def _kept(name: str, group: int) -> Job:
    """Of people who keep their mail, new ones each turn: a mailbox that fills would make the later turns dearer."""
    arguments = _through(1.5, group, "--keep", "--seconds", "3")
    return Job(name, arguments, (RATE, CPU), against=REFERENCE, listeners=max(64, group), searches=True, seconds=9)


def _deleted(group: int, rate: float, words: str, seconds: int) -> Job:
    """Members who delete at once, of new groups each turn: what a peer has put off comes minutes later, to nobody."""
    arguments = _through(1.5, group, "--rate", f"{rate:g}", "--seconds", str(seconds), "--patience", "5")
    return Job(
        f"1.5 KiB to {group} who delete at once, {words}",
        arguments,
        (ARRIVED, SECOND, P99, SLOWEST),
        (Goal(SECOND, 100, every=True),),
        against=REFERENCE,
        listeners=max(64, group),
        judged=False,
        seconds=seconds + 6,
    )


JOBS = (
    _full("1.5 KiB to one", 1.5, 1.0, Goal(RATE, 15, "reference"), Goal(RATE, 8, "bare"), besides=(TWO,)),
    _full("10 KiB to one", 10, 1.3),
    _full("100 KiB to one", 100, 4.0),
    Job(
        "1.5 KiB to one, 20 a second",
        _through(1.5, 1, "--rate", "20", "--seconds", "10"),
        (P50, P99, CPU),
        (Goal(P50, 5), Goal(P99, 15)),
        against=REFERENCE,
        people="people",
        seconds=12,
    ),
    Job(
        "1.5 KiB to one, half of saturation",
        _through(1.5, 1, "--load", "50%", "--seconds", "8"),
        (HALF, P50, P99, CPU),
        (Goal(P99, 50),),
        against=REFERENCE,
        people="people",
        searches=True,
        seconds=14,
    ),
    _kept("1.5 KiB to 20 who keep it", 20),
    _kept("1.5 KiB to 200 who keep it", 200),
    Job(
        "1.5 KiB to 1,000 who keep it",
        ("fanout", "--keep", "--times", "3"),
        (LAST, CPU),
        (Goal(LAST, 1200),),
        against=REFERENCE,
        listeners=1000,
        people="keepers",
        seconds=22,
    ),
    Job(
        "logins",
        ("login", "--seconds", "3"),
        LOGINS,
        (Goal(RETURNING, 2.5), Goal(NEW, 10)),
        against=REFERENCE,
        people="people",
        seconds=10,
    ),
    Job(
        "1,000 back within four seconds",
        ("storm", "--within", "4"),
        STORM,
        against=REFERENCE,
        listeners=1064,
        people="people",
        seconds=18,
    ),
    # How fast they are back is the generator's own figure here, which has as much to do as the relay.
    Job(
        "5,000 back at once",
        ("storm", "--connections", "5000"),
        (MEANWHILE, FAILED),
        (Goal(FAILED, 0, every=True),),
        against=(),
        listeners=5064,
        people="crowd",
        known=5100,
        seconds=33,
    ),
    # Half a minute after it began to wait, the reference puts a connection away.
    Job(
        "1,000 connections in IDLE",
        ("idle", "--connections", "1000", "--seconds", "36"),
        (MEMORY, QUIET),
        against=("reference", "compress"),
        listeners=1000,
        fresh=True,
        turns=2,
        seconds=60,
    ),
    Job(
        "10,000 connections in IDLE",
        ("idle", "--connections", "10000", "--seconds", "10"),
        (MEMORY, QUIET),
        (Goal(MEMORY, 18), Goal(QUIET, 1)),
        against=(),
        listeners=10_000,
        fresh=True,
        seconds=38,
    ),
    # Last, since what a peer has put off it tries again minutes later, when others would be measured.
    _deleted(20, 2, "two such a second", 6),
    _deleted(200, 0.5, "one in two seconds", 8),
)
BRIEF = ("--seconds", "1", "--receivers", "8")
SHORT = (
    Job(
        "1.5 KiB to one",
        _through(1.5, 1, "--at-once", "4", *BRIEF),
        (RATE, P50, CPU),
        (Goal(CPU, 1.0), Goal(RATE, 8, "bare")),
        people="people",
        seconds=6,
    ),
)
"""Says that everything runs, and nothing about speed."""


def measure(job: Job, side: Side, at_once: int = 0) -> Measured:
    """One turn, with so many messages under way at a time if that is known. Raises Failed."""
    command = [
        *(sys.executable, "-m", "angarium", "lab", "load", *job.arguments, "--json"),
        *("--host", side.host, "--imaps", str(side.imaps), "--submissions", str(side.submissions)),
        *("--domain", side.domain, "--server-pids", ",".join(map(str, side.pids))),
        *("--pin", str(max(os.sched_getaffinity(0)))),
        *(("--accounts", str(side.people(job.people, job.known))) if job.people else ()),
        *(("--at-once", str(at_once)) if at_once else ()),
    ]
    try:
        process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        raise Failed(f"{job.name}, {side.name}: no end after {LONGEST:.0f} seconds") from None
    if process.returncode not in (0, 1) and not process.stdout:  # 2 with a report: some of it is withheld
        raise Failed(f"{job.name}, {side.name}: {process.stderr.strip()[-1000:]}")
    report = json.loads(process.stdout)
    lines: list[dict[str, Any]] = report["lines"]
    lost = sum(_lost(job, side, line) for line in lines)
    figures = {}
    for figure in job.figures:
        found = [line for line in lines if _told(figure, line)]
        if not found:
            raise Failed(f"{job.name}, {side.name}: {'; '.join(report['withheld']) or 'it is not told'}")
        figures[figure.words] = _value(found[0], figure.path)
    busy = max(line["spent"]["generator_busy"] for line in lines)
    under_way = int(lines[0].get("at_once", 0)) if job.searches else 0
    return Measured(job.name, side.name, figures, lost, busy, report["load_before"], under_way)


def _told(figure: Figure, line: dict[str, Any]) -> bool:
    """Whether it is this line that has the figure."""
    return line.get(figure.path[0]) is not None and (
        not figure.kind or figure.kind in (line.get("kind"), line.get("note"))
    )


def _lost(job: Job, side: Side, line: dict[str, Any]) -> int:
    """How many deliveries did not arrive in time. Raises Failed where they had to, or where anything else was wrong."""
    faults: dict[str, Any] = line.get("faults") or {"failed": line.get("failed", 0), "why": line.get("why", "")}
    wrong = {name: count for name, count in faults.items() if count and name != "why"}
    if "failed" in wrong and FAILED in job.figures:
        return 0
    if wrong and (job.judged or side.name in FORMS or wrong.keys() != {"lost"}):
        counts = ", ".join(f"{count} {name}" for name, count in wrong.items())
        raise Failed(f"{job.name}, {side.name}: {counts}. {faults['why']}")
    return int(wrong.get("lost", 0))


def _value(line: Any, path: Sequence[str]) -> float:
    for step in path:
        line = line[step]
    return float(line)
