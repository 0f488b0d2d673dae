"""Whether a delivery costs more where there is more: two whole relays, a small and a large one, in turns.

    python bench/growth_relay.py [--small N] [--large N] [--waiting N] [--people N] [--turns N] [--seconds S]
                                 [--keep DIR] [--try] [--json]

`bench/growth.py` asks this of the store alone. Here both data directories are filled through the store, offline: so
many accounts, `--waiting` messages for each. Then a relay is started on each, as it comes, but for limits that stop
nobody and for retention, which deletes nothing. `angarium lab load` puts texts to one on both in alternating turns, the
same number under way at a time; `--people` of the accounts take part, and log in before it is counted. Told is the CPU
time of all processes of each relay for each delivery, with all that follows it: median and quartiles of the turns, and
how much more the large one took.

Who takes part has a password that costs what it costs; the others' are cheap to make, and nobody tries them. With
`--keep` the filled directories stay there and are used again. The large one as the project promises it (100,000
accounts, a million messages) takes minutes to fill, and some GB. `--try` is all of it in small, and says nothing.

Exit status: 0 the large one took at most `GOAL` more; 1 it took more; 2 it could not be measured.
"""

import argparse
import asyncio
import json
import os
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from angarium.apps.home import Home
from angarium.lab.load.target import DOMAIN, Account, LoadFailed, throwaway, unlimited
from angarium.store.interfaces import Letter, StoreError
from angarium.store.sealed import Sealed
from angarium.store.store import Store, open_sqlite
from bench.peers.goals import Figure
from bench.peers.jobs import Failed, Job, measure
from bench.peers.sides import Side

GOAL = 0.20
CHEAP = 8
"""KiB that argon2 takes for who does not take part."""
MADE_AT_ONCE = 64
FILLED_AT_ONCE = 200
DELIVERIES_AT_ONCE = 8
SIZE = 1536
AT_ONCE = 16
FOREVER = """\
[retention]
message_days = 0
large_seen_days = 0
account_days = 0
"""
LIST, FILLED = "people", "filled.json"
CPU = Figure("CPU", ("server_cpu_ms",))
RATE = Figure("rate", ("deliveries_per_second",), more_is_better=True)


@dataclass(frozen=True)
class Plan:
    """What a data directory is filled with."""

    accounts: int
    waiting: int
    people: int

    def made(self, directory: Path) -> bool:
        """Whether it is there already. Raises ValueError: something else is."""
        try:
            found = json.loads((directory / FILLED).read_text())
        except OSError:
            return False
        if found != vars(self):
            raise ValueError(f"{directory} is filled with {found}, and not with {vars(self)}: take another directory")
        return True


async def fill(directory: Path, plan: Plan, progress: Progress) -> None:
    """Make a relay's data directory with so much in it."""
    shutil.rmtree(directory, ignore_errors=True)  # half filled
    data = directory / "data"
    data.mkdir(mode=0o700, parents=True)
    (data / "angarium.toml").write_text(unlimited() + FOREVER)
    home = Home(data)
    home.make({})
    people = [Account.new(DOMAIN) for _ in range(plan.people)]
    (directory / LIST).write_text("".join(f"{one.address} {one.password}\n" for one in people))
    named = [(one.address.partition("@")[0], one.password) for one in people]
    others = [(f"account{at:07}", "password") for at in range(plan.accounts - plan.people)]
    making = progress.add_task(f"{plan.accounts:,} accounts", total=plan.accounts)
    for some, memory in ((named, None), (others, CHEAP)):
        seal = Sealed(home.root_key()) if memory is None else Sealed(home.root_key(), memory=memory)
        store = open_sqlite(data, seal)
        for start in range(0, len(some), MADE_AT_ONCE):
            made = some[start : start + MADE_AT_ONCE]
            await asyncio.gather(*(store.accounts.create(name, word, day=today()) for name, word in made))
            progress.advance(making, len(made))
        await store.close()
    store = open_sqlite(data, Sealed(home.root_key(), memory=CHEAP))
    await _deliver(store, [name for name, _ in named + others], plan.waiting, progress)
    assert await store.mailboxes.messages() == plan.accounts * plan.waiting
    assert await store.accounts.count() == plan.accounts
    await store.close()
    (directory / FILLED).write_text(json.dumps(vars(plan)))


async def _deliver(store: Store, names: list[str], waiting: int, progress: Progress) -> None:
    """So many messages for each, in no order that mailboxes have."""
    filling = progress.add_task(f"{len(names) * waiting:,} messages", total=len(names) * waiting)
    message, chance = os.urandom(SIZE), random.Random(1)
    for _ in range(waiting):
        chance.shuffle(names)
        left = iter(range(0, len(names), FILLED_AT_ONCE))

        async def worker(left: Iterator[int] = left) -> None:
            for start in left:
                some = names[start : start + FILLED_AT_ONCE]
                await store.mailboxes.deliver([Letter(message, tuple(some))], day=today())
                progress.advance(filling, len(some))

        await asyncio.gather(*(worker() for _ in range(DELIVERIES_AT_ONCE)))


def today() -> int:
    """Days since 1970-01-01 (UTC)."""
    return int(time.time() // 86_400)


@dataclass(frozen=True, slots=True)
class Relay(Side):
    """One that is up, with the people who take part."""

    def people(self, which: str, count: int) -> Path:
        """The list that was made when it was filled."""
        return self.lists / which


@contextmanager
def up(name: str, directory: Path) -> Iterator[Relay]:
    """A relay on a filled directory. Raises LoadFailed."""
    with throwaway(data=directory / "data") as target:
        yield Relay(name, target.host, target.imaps, target.submissions, target.domain, target.pids, directory)


def compared(given: argparse.Namespace, directory: Path, progress: Progress) -> dict[str, Any]:
    """Fill both where they are not, and measure. Raises LoadFailed, Failed, StoreError, ValueError."""
    plans = {
        name: Plan(accounts, given.waiting, min(given.people, given.small))
        for name, accounts in (("small", given.small), ("large", given.large))
    }
    for name, plan in plans.items():
        if not plan.made(directory / name):
            asyncio.run(fill(directory / name, plan, progress))
    people = plans["small"].people
    words = ("throughput", "--sizes", "1.5", "--groups", "1", "--at-once", str(AT_ONCE), "--receivers", str(people))
    job = Job("growth", (*words, "--seconds", f"{given.seconds:g}"), (CPU, RATE), people=LIST, known=people)
    turns: list[dict[str, dict[str, float]]] = []
    with up("small", directory / "small") as small, up("large", directory / "large") as large:
        bar = progress.add_task("turns", total=2 * (given.turns + 1))
        for number in range(given.turns + 1):
            turn = {}
            for relay in (small, large) if number % 2 else (large, small):
                turn[relay.name] = dict(measure(job, relay).figures)
                progress.advance(bar)
            turns.append(turn)
    del turns[0]  # it warms both
    found: dict[str, Any] = {
        name: {
            **vars(plan),
            "messages": plan.accounts * plan.waiting,
            "bytes": sum(file.stat().st_size for file in (directory / name / "data").glob("store.db*")),
            "cpu_ms": quartiles([turn[name]["CPU"] for turn in turns]),
            "rate": quartiles([turn[name]["rate"] for turn in turns]),
        }
        for name, plan in plans.items()
    }
    more = [turn["large"]["CPU"] / turn["small"]["CPU"] - 1 for turn in turns]
    return {**found, "more": quartiles(more), "turns": turns, "load": os.getloadavg()[1]}


def quartiles(values: Sequence[float]) -> list[float]:
    """The lower one, the median, the upper one."""
    if len(values) < 2:
        return [*values] * 3
    return [round(value, 4) for value in statistics.quantiles(values, n=4, method="inclusive")]


def shown(found: dict[str, Any]) -> str:
    """For a person."""
    lines = [
        f"{found[side]['accounts']:>9,} accounts, {found[side]['messages']:>9,} messages,"
        f" {found[side]['bytes'] / 2**20:>7,.0f} MiB:"
        f" {found[side]['cpu_ms'][1]:.3f} ms of CPU each delivery"
        f" ({found[side]['cpu_ms'][0]:.3f} to {found[side]['cpu_ms'][2]:.3f}), {found[side]['rate'][1]:,.0f} a second"
        for side in ("small", "large")
    ]
    low, median, high = found["more"]
    lines.append(
        f"more in the large one, median of {len(found['turns'])} turns: {median:.1%} ({low:.1%} to {high:.1%})"
    )
    lines.append(f"The goal is at most {GOAL:.0%}. Load of the machine in the last five minutes: {found['load']:.1f}.")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=1_000, help="accounts in the small relay")
    parser.add_argument("--large", type=int, default=100_000, help="accounts in the large one")
    parser.add_argument("--waiting", type=int, default=10, help="messages for each account before it is measured")
    parser.add_argument("--people", type=int, default=1_000, help="who take part [at most all of the small one]")
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=8, help="of one turn")
    parser.add_argument("--keep", type=Path, help="where the filled directories stay, to be used again")
    parser.add_argument("--try", dest="brief", action="store_true", help="all in small, to see that it works")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    if given.brief:
        given.small, given.large, given.people, given.turns, given.seconds = 100, 1_000, 70, 2, 1.0
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with (
            tempfile.TemporaryDirectory(prefix=f"growth-{secrets.token_hex(2)}-") as temporary,
            Progress(*columns, console=Console(stderr=True), disable=given.json) as progress,
        ):
            found = compared(given, given.keep or Path(temporary), progress)
    except (Failed, LoadFailed, OSError, StoreError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    print(json.dumps(found) if given.json else shown(found))
    return 0 if given.brief or found["more"][1] <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
