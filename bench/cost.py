"""What sealing costs the relay: delivered messages per CPU second, the seal on and off side by side.

    python bench/cost.py [--turns 8] [--size 1536] [--lanes 8] [--kind NAME ...] [--data DIR] [--json]

Two relays run at once, the same program on the same loop: one as a keeper starts it, one whose seal writes everything
as it is (`angarium.apps.unsealed`). Bare clients in this process, over TLS, drive the same load through both in turns.
Kinds of load, each with what is counted:

  texts      a text to one recipient, who waits in IDLE, fetches, flags, expunges and waits again
  groups     a text to ten such recipients; each counts as a delivery
  returning  ten texts to somebody who is away, comes back, logs in, fetches all, flags, expunges and goes
  logins     somebody comes back and finds nothing: counted is the login

Nobody sends before everybody has expunged what was sent to them before, so each relay hears the same commands, however
fast it is. A turn is sixteen short slices of one kind, each relay's turn coming as often first as last. Counted is the
CPU time of each relay's process (all its threads, user and system) over the whole turn, so that what it does between
its slices counts as well; the time of the clients does not. Each turn gives one ratio. Reported are the median of the
turns, their quartiles, and the 95 % interval of the median (bootstrap over turns).

Exit status: 0 no median is above 15 %; 1 one is; 2 a message was lost, or came twice.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from angarium.apps.check.throwaway import OPTIONS, Relay, started
from angarium.lab.clients import Imap, Submission
from angarium.lab.mails import mark_of, sealed

GOAL = 0.15
HOST = DOMAIN = "127.0.0.1"
PASSWORD = "the same for everybody"
SETTINGS = "[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n"
COMMANDS = {
    "sealed": ("angarium", "up", *OPTIONS, "--json", "--data"),
    "clear": ("angarium.apps.unsealed",),
}
TURN = ("sealed", "clear", "clear", "sealed", "clear", "sealed", "sealed", "clear") * 2
"""The order of the slices: each relay is as often before the other as after it, and as early as late."""
MEMBERS = 10
"""Recipients of a text to a group."""
WAITING = 10
"""Texts that wait for somebody who comes back."""
PATIENCE = 60.0
"""Seconds for one slice. What has not arrived by then is lost."""
RESAMPLED = 2000
TICKS = os.sysconf("SC_CLK_TCK")


class Missing(Exception):
    """A message has not arrived, or not once."""


@dataclass(slots=True)
class Books:
    """Who is to get what, and who got it: (address, mark)."""

    expected: Counter[tuple[str, str]] = field(default_factory=Counter)
    arrived: Counter[tuple[str, str]] = field(default_factory=Counter)
    _open: dict[str, tuple[set[str], asyncio.Event]] = field(default_factory=dict)

    def expect(self, mark: str, recipients: Sequence[str]) -> asyncio.Event:
        """Note what is about to be sent; the event is set when all have expunged it."""
        done = asyncio.Event()
        self.expected.update((address, mark) for address in recipients)
        self._open[mark] = set(recipients), done
        return done

    def expunged(self, address: str, mark: str) -> None:
        """Note what was fetched and expunged."""
        self.arrived[address, mark] += 1
        recipients, done = self._open.get(mark, (set(), None))
        recipients.discard(address)
        if done and not recipients:
            done.set()
            del self._open[mark]

    def check(self) -> None:
        """Raises Missing."""
        lost, twice = (self.expected - self.arrived).total(), (self.arrived - self.expected).total()
        if lost or twice:
            raise Missing(f"of {self.expected.total()} messages {lost} were lost and {twice} came twice")


class Crowd:
    """Everybody's phones at one relay."""

    def __init__(self, up: Relay, lanes: int, size: int) -> None:
        self.lanes = lanes
        self._up = up
        self._size = size
        self._books = Books()
        self._sent = 0
        self._waiting: list[tuple[Imap, asyncio.Task[None]]] = []
        self._senders: list[tuple[str, Submission]] = []
        self._members = [[f"member{lane:02}{number:02}@{DOMAIN}" for number in range(MEMBERS)] for lane in range(lanes)]
        self._away = [f"wanderer{lane:02}@{DOMAIN}" for lane in range(lanes)]

    async def come(self) -> None:
        """Make all accounts; senders stay connected, members wait for messages."""
        for lane in range(self.lanes):
            submission = await Submission.connect(HOST, self._up.port("submissions"))
            await submission.login(sender := f"sender{lane:03}@{DOMAIN}", PASSWORD)
            self._senders.append((sender, submission))
            (await self._enter(self._away[lane])).abort()
            for address in self._members[lane]:
                imap = await self._enter(address)
                self._waiting.append((imap, asyncio.create_task(self._receive(address, imap))))

    async def text(self, lane: int) -> None:
        await (await self._send(lane, self._members[lane][:1])).wait()

    async def group(self, lane: int) -> None:
        await (await self._send(lane, self._members[lane])).wait()

    async def returning(self, lane: int) -> None:
        for _ in range(WAITING):
            await self._send(lane, [self._away[lane]])
        imap = await self._enter(self._away[lane], everything=True)
        await self._fetch(self._away[lane], imap)
        imap.abort()

    async def login(self, lane: int) -> None:
        (await self._enter(self._away[lane])).abort()

    def stop(self) -> None:
        """Everybody who stayed goes."""
        for imap, task in self._waiting:
            task.cancel()
            imap.abort()
        for _, submission in self._senders:
            submission.abort()

    async def leave(self) -> None:
        """Stop, and look into every mailbox once more. Raises Missing where not everything has arrived once."""
        self.stop()
        for address in [*self._away, *(member for lane in self._members for member in lane)]:
            imap = await self._enter(address, everything=True)
            await self._fetch(address, imap)
            imap.abort()
        self._books.check()

    def cpu(self) -> float:
        """CPU seconds of the relay so far, with all its threads and with the children it has waited for."""
        pid = self._up.process.pid
        threads = time.clock_gettime(~pid << 3 | 2)  # clock_getcpuclockid(3), as Linux makes it; nanoseconds
        children = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[13:15]
        return threads + sum(map(int, children)) / TICKS

    async def _send(self, lane: int, recipients: Sequence[str]) -> asyncio.Event:
        sender, submission = self._senders[lane]
        self._sent += 1
        mark = f"{self._sent:016x}"
        done = self._books.expect(mark, recipients)
        await submission.send(sender, recipients, sealed(sender, mark, self._size))
        return done

    async def _receive(self, address: str, imap: Imap) -> None:
        while True:
            if not imap.more:
                await imap.idle()
            await self._fetch(address, imap)

    async def _fetch(self, address: str, imap: Imap) -> None:
        if fetched := await imap.fetch_new():
            await imap.delete([uid for uid, _ in fetched])
        for _, mail in fetched:
            self._books.expunged(address, mark_of(mail))

    async def _enter(self, address: str, *, everything: bool = False) -> Imap:
        imap = await Imap.connect(HOST, self._up.port("imaps"))
        await imap.login(address, PASSWORD)
        await imap.select(everything=everything)
        return imap


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of load: what a lane does in a round, how many deliveries that is, and how many rounds make a slice."""

    round: Callable[[Crowd, int], Awaitable[None]]
    deliveries: int
    rounds: int

    def of_turn(self, lanes: int) -> int:
        """Deliveries of a turn to each relay."""
        return TURN.count("sealed") * lanes * self.rounds * self.deliveries

    async def slice(self, crowd: Crowd, rounds: int) -> None:
        """Every lane does so many rounds."""

        async def lane(number: int) -> None:
            for _ in range(rounds):
                await self.round(crowd, number)

        async with asyncio.TaskGroup() as lanes:
            for number in range(crowd.lanes):
                lanes.create_task(lane(number))


KINDS = {
    "texts": Kind(Crowd.text, 1, 8),
    "groups": Kind(Crowd.group, MEMBERS, 1),
    "returning": Kind(Crowd.returning, WAITING, 2),
    "logins": Kind(Crowd.login, 1, 4),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """One kind of load. Costs are parts of the deliveries per CPU second of the relay in clear."""

    kind: str
    turns: int
    deliveries: int
    """To each relay."""
    clear_ms: float
    """CPU time of a delivery, over all turns."""
    sealed_ms: float
    cost: float
    """The median over turns."""
    cost_quartiles: tuple[float, float]
    cost_interval: tuple[float, float]
    """Where the median is, with 95 % confidence."""

    @property
    def good(self) -> bool:
        return self.cost <= GOAL


def figures(kind: str, deliveries: int, turns: Sequence[dict[str, float]]) -> Figures:
    """What the CPU seconds of each turn, of `deliveries` to each relay, come to."""
    costs = [1 - turn["clear"] / turn["sealed"] for turn in turns]
    chance = random.Random(1)
    medians = sorted(median(chance.choices(costs, k=len(costs))) for _ in range(RESAMPLED))
    low, _, high = quantiles(costs, n=4, method="inclusive")
    return Figures(
        kind=kind,
        turns=len(turns),
        deliveries=deliveries * len(turns),
        clear_ms=round(sum(turn["clear"] for turn in turns) * 1000 / deliveries / len(turns), 3),
        sealed_ms=round(sum(turn["sealed"] for turn in turns) * 1000 / deliveries / len(turns), 3),
        cost=round(median(costs), 4),
        cost_quartiles=(round(low, 4), round(high, 4)),
        cost_interval=(round(medians[RESAMPLED // 40], 4), round(medians[-RESAMPLED // 40], 4)),
    )


async def bench(
    data: Path, kinds: Sequence[str], turns: int, lanes: int, size: int, step: Callable[[], None]
) -> list[Figures]:
    """Start both relays and drive them; call `step` after each turn of a kind. Raises Missing."""
    async with contextlib.AsyncExitStack() as stack:
        crowds: dict[str, Crowd] = {}
        for name, command in COMMANDS.items():
            home = data / name
            home.mkdir(0o700, parents=True)
            (home / "angarium.toml").write_text(SETTINGS)
            up = await stack.enter_async_context(started(sys.executable, "-m", *command, str(home)))
            crowds[name] = crowd = Crowd(up, lanes, size)
            stack.callback(crowd.stop)
            await crowd.come()
        spent = await _drive(crowds, kinds, turns, step)
        for crowd in crowds.values():
            await crowd.leave()
    return [figures(name, KINDS[name].of_turn(lanes), spent[name]) for name in kinds]


async def _drive(
    crowds: dict[str, Crowd], kinds: Sequence[str], turns: int, step: Callable[[], None]
) -> dict[str, list[dict[str, float]]]:
    """CPU seconds of each turn, by kind and relay."""
    spent: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
    for name in kinds:
        for crowd in crowds.values():
            await _in_time(KINDS[name].slice(crowd, 1))
    for _ in range(turns):
        for name in kinds:
            before = {which: crowd.cpu() for which, crowd in crowds.items()}
            for which in TURN:
                await _in_time(KINDS[name].slice(crowds[which], KINDS[name].rounds))
            spent[name].append({which: crowd.cpu() - before[which] for which, crowd in crowds.items()})
            step()
    return spent


async def _in_time(work: Coroutine[Any, Any, None]) -> None:
    try:
        await asyncio.wait_for(work, PATIENCE)
    except TimeoutError:
        raise Missing(f"something has not arrived within {PATIENCE:.0f} seconds") from None


def _run(measuring: Coroutine[Any, Any, list[Figures]]) -> list[Figures]:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(measuring)
    return uvloop.run(measuring)


def show(found: Sequence[Figures], size: int) -> Table:
    columns = ("load", "deliveries", "ms each, clear", "ms each, sealed", "cost", "quartiles", "95 % interval")
    table = Table(*columns, title=f"CPU time of the relay, texts of {size:,} bytes", box=None)
    for one in found:
        low, high = one.cost_quartiles
        least, most = one.cost_interval
        table.add_row(
            *(one.kind, f"{one.deliveries:,}", f"{one.clear_ms:.2f}", f"{one.sealed_ms:.2f}", f"{one.cost:.1%}"),
            *(f"{low:.1%} to {high:.1%}", f"{least:.1%} to {most:.1%}"),
        )
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=8, help="of each kind, at least 2")
    parser.add_argument("--size", type=int, default=1536, help="bytes of ciphertext in a text")
    parser.add_argument("--lanes", type=int, default=8, help="senders at work at once, each with its own recipients")
    parser.add_argument("--kind", choices=KINDS, nargs="+", default=list(KINDS))
    parser.add_argument("--data", type=Path, help="a directory to make and to keep (default: a temporary one)")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.turns < 2:
        parser.error("a spread takes 2 turns or more")
    with contextlib.ExitStack() as stack:
        data = given.data or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        progress = stack.enter_context(Progress(console=Console(stderr=True), disable=given.json))
        bar = progress.add_task("turns", total=given.turns * len(given.kind))
        try:
            measuring = bench(data, given.kind, given.turns, given.lanes, given.size, lambda: progress.advance(bar))
            found = _run(measuring)
        except Missing as missing:
            sys.stderr.write(f"{missing}\n")
            return 2
    if given.json:
        print(json.dumps({"size": given.size, "goal": GOAL, "kinds": [asdict(one) for one in found]}))
    else:
        Console().print(show(found, given.size))
    return 0 if all(one.good for one in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
