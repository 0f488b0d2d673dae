"""The whole measurement of who gets through: each scenario of the lab's censor by its best way, ours and the peer.

    .venv/bin/python -m bench.reach DIRECTORY [--peer] [--runs 10] [--texts 100] [--at-once 3] [--only S05 ...]
                                    [--through 'nice -n 5']

Scenario by scenario, what came of it in a file of JSON each in the directory; what is there is not measured again, so
a run that was broken off goes on where it was. `--through` is a command that each measurement is started by. `--table`
measures nothing and writes the rows for docs/reach.md. Takes hours: those that send encrypt for all who take part, and
one machine does it for all. Root only, as the lab is where users have no namespaces, and as the peer is always.
"""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from angarium.lab.censor.report import Line, Report
from angarium.lab.censor.scenarios import SCENARIOS

PEER = shlex.join((sys.executable, "-m", "bench.peers.up")) + " --domain {domain} --pages {site}"


class Measurement(NamedTuple):
    """A scenario by one way in."""

    scenario: str
    way: str
    """Or one setup, as the lab's table has it."""
    idle: bool = False
    """Most of it is waiting, so that all runs may go on at once."""
    ours: bool = False
    """The peer has no such way, or the same by another name."""
    once: bool = False
    """One run says it: a thousand answers."""

    @property
    def setups(self) -> int:
        """How many rows of the lab's table it is."""
        attempts = next(scenario.attempts for scenario in SCENARIOS if scenario.name == self.scenario)
        return sum(self.way in (attempt.way, attempt.setup) for attempt in attempts)

    def file(self, side: str) -> str:
        """Where what came of it is kept."""
        return f"{side}-{self.scenario}-{self.way.replace(',', '').replace(' ', '-')}.json"


ALL: Sequence[Measurement] = (
    Measurement("S14", "domain"),
    Measurement("S01", "domain"),
    Measurement("S02", "ip"),
    Measurement("S02", "domain"),
    Measurement("S02", "invitation", ours=True),
    Measurement("S03", "ip"),
    Measurement("S03", "spare"),
    Measurement("S05", "443"),
    Measurement("S06", "port", ours=True),
    Measurement("S07", "domain"),
    Measurement("S09", "domain"),
    Measurement("S10", "domain"),
    Measurement("S11", "front"),
    Measurement("S12", "domain", once=True),
    Measurement("S12", "decoy", ours=True, once=True),
    Measurement("S14", "443"),
    Measurement("S16", "domain", idle=True),
    Measurement("S15", "ip", idle=True),
    Measurement("S22", "invitation, from before", ours=True),
    Measurement("S22", "invitation, open, silent for 100 s"),
    Measurement("S22", "domain, from before"),
)
"""The peer listens on the reference's ports, so on no other; and its invitation is the name alone, so that it is
measured by `domain` where that can be."""


def command(one: Measurement, given: argparse.Namespace) -> list[str]:
    """What measures it."""
    runs = 1 if one.once else given.runs
    at_once = runs * one.setups if one.idle else given.at_once
    words = [sys.executable, "-m", "angarium", "lab", "censor", one.scenario, "--way", one.way, "--json"]
    words += ["--runs", str(runs), "--texts", str(given.texts), "--at-once", str(at_once)]
    return [*shlex.split(given.through), *words, *(["--relay", PEER] if given.peer else [])]


def rows(report: str) -> list[str]:
    """The rows of a table for a report of the lab's."""
    return [_row(line) for line in msgspec.json.decode(report, type=Report).lines]


def _row(line: Line) -> str:
    names = dict.fromkeys(name for run in line.runs for name in run.notes)
    cells = (
        *(line.scenario, line.setup, f"{line.passed} of {len(line.runs)}"),
        f"{sum(run.arrived for run in line.runs):,} of {sum(run.texts for run in line.runs):,}",
        _range([run.first for run in line.runs if run.first is not None]),
        _range([run.p95 for run in line.runs if run.p95 is not None]),
        ", ".join(f"{name} {_range([run.notes[name] for run in line.runs if name in run.notes])}" for name in names),
    )
    return f"| {' | '.join(cells)} |"


def _range(values: Sequence[float]) -> str:
    if not values:
        return "never"
    low, high = (f"{value:,.0f}" if value >= 10 else f"{value:.1f}" for value in (min(values), max(values)))
    return low if low == high else f"{low}–{high}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Who gets through, scenario by scenario.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--peer", action="store_true", help="Postfix and Dovecot instead of ours")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[], metavar="SCENARIO")
    parser.add_argument("--through", default="")
    parser.add_argument("--table", action="store_true", help="only write what is there")
    given = parser.parse_args()
    given.directory.mkdir(parents=True, exist_ok=True)
    for one in ALL:
        if (given.only and one.scenario not in given.only) or (given.peer and one.ours):
            continue
        file = given.directory / one.file("peer" if given.peer else "ours")
        if not given.table and not file.exists():
            done = subprocess.run(command(one, given), stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode in (0, 1):
                file.write_text(done.stdout)
            else:
                sys.stderr.write(f"{one.scenario} by {one.way}: no measurement\n")
        if file.exists():
            print("\n".join(rows(file.read_text())), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
