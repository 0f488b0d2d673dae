"""How long a text takes through the relay: from its submission to its being fetched, on loopback.

A relay in a process of its own, and pairs of bare protocol clients in this one: each pair has a sender that submits a
text at a time and a receiver that waits in IDLE, fetches, deletes and expunges as the apps do. What is left out is what
the apps add: encrypting, decrypting, storing. What is in, beside the relay, is this program's own TLS and parsing.

    python bench/latency.py [--texts 1000] [--rate 20] [--runs 3] [--json]

The floor (bench/floor.py) takes turns with the relay: a server that says the same and does nothing, to the same
clients over the same TLS. What a text takes longer through the relay is the relay's own share.

Prints, in milliseconds:

  answered   from MAIL FROM to the 250 (the message is on disk)
  announced  from MAIL FROM to the receiver's `* n EXISTS`
  fetched    from MAIL FROM to the receiver having the whole message: three round trips after the announcement
  own share  fetched through the relay less fetched through the floor, percentile by percentile
  cpu        CPU time for each delivery, of the relay (from /proc) and of this program, expunging included
"""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from angarium.apps.check.links import site
from angarium.apps.check.throwaway import Relay, relay, started
from angarium.lab.clients import Imap, Submission
from angarium.lab.mails import mark_of, sealed

FLOOR = Path(__file__).with_name("floor.py")
PER_PAIR = 1.0
"""Texts a second that a pair exchanges: what every relay allows a sender in the long run."""
WARM = 40
"""Texts sent before the first that counts."""
LAST = 30.0
"""Seconds to wait for the last text."""
SETTLE = 0.5
"""Seconds after the last text was fetched, until it is expunged; what comes twice is seen then."""


@dataclass
class Run:
    """The moments of every text, by its mark (`time.perf_counter`), and the CPU time spent."""

    expected: int
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    sent: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    announced: dict[str, float] = field(default_factory=dict)
    fetched: dict[str, float] = field(default_factory=dict)
    twice: int = 0
    relay_cpu_ms: float = 0.0
    own_cpu_ms: float = 0.0

    def since_sent(self, moments: dict[str, float]) -> list[float]:
        return [(moment - self.sent[mark]) * 1000 for mark, moment in moments.items()]

    def figures(self) -> dict[str, float]:
        figures: dict[str, float] = {}
        for name in ("answered", "announced", "fetched"):
            values = self.since_sent(getattr(self, name))
            figures[f"{name}_p50_ms"] = round(median(values), 2)
            figures[f"{name}_p99_ms"] = round(quantiles(values, n=100)[98], 2)
        return {
            "texts": len(self.sent),
            "lost": len(self.sent.keys() - self.fetched.keys()),
            "twice": self.twice,
            **figures,
            "cpu_of_relay_ms": round(self.relay_cpu_ms / len(self.sent), 2),
            "cpu_of_this_program_ms": round(self.own_cpu_ms / len(self.sent), 2),
        }


@dataclass(frozen=True)
class Pair:
    """A sender and a receiver, both logged in."""

    sender: Submission
    receiver: Imap
    from_address: str
    to_address: str

    async def submit(self, run: Run, mark: str) -> None:
        message = sealed(self.from_address, mark)
        run.sent[mark] = time.perf_counter()
        await self.sender.send(self.from_address, [self.to_address], message)
        run.answered[mark] = time.perf_counter()

    async def receive(self, current: Callable[[], Run]) -> None:
        while True:
            if not self.receiver.more:
                await self.receiver.idle()
            announced = time.perf_counter()
            fetched = await self.receiver.fetch_new()
            now, run = time.perf_counter(), current()
            for _, message in fetched:
                mark = mark_of(message)
                run.twice += mark in run.fetched
                run.announced[mark], run.fetched[mark] = announced, now
            if len(run.fetched) == run.expected:
                run.complete.set()
            if fetched:
                await self.receiver.delete([uid for uid, _ in fetched])


async def pair(up: Relay, domain: str) -> Pair:
    sender, receiver = (f"{secrets.token_hex(5)}@{domain}" for _ in range(2))
    submission = await Submission.connect("127.0.0.1", up.port("submissions"))
    await submission.login(sender, secrets.token_hex(11))
    imap = await Imap.connect("127.0.0.1", up.port("imaps"))
    await imap.login(receiver, secrets.token_hex(11))
    await imap.select()
    return Pair(submission, imap, sender, receiver)


class Bench:
    """A relay with pairs that are logged in and receive; one run after another."""

    def __init__(self, up: Relay, pairs: list[Pair]) -> None:
        self._relay = up
        self._pairs = pairs
        self._run = Run(0)

    async def receive(self) -> None:
        """Receive until cancelled."""
        await asyncio.gather(*(each.receive(lambda: self._run) for each in self._pairs))

    async def measure(self, texts: int, rate: float) -> Run:
        """Send `texts` texts, `rate` a second, each pair in its turn; wait until all are fetched."""
        run = self._run = Run(texts)
        cpu, own = cpu_seconds(self._relay.process.pid), time.process_time()
        began = time.perf_counter()
        async with asyncio.TaskGroup() as sending:
            for number in range(texts):
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                sender = self._pairs[number % len(self._pairs)]
                sending.create_task(sender.submit(run, f"{number}-{secrets.token_hex(8)}"))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(run.complete.wait(), LAST)
        await asyncio.sleep(SETTLE)
        run.relay_cpu_ms = (cpu_seconds(self._relay.process.pid) - cpu) * 1000
        run.own_cpu_ms = (time.process_time() - own) * 1000
        return run


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (proc(5): fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def ready(up: Relay, domain: str, rate: float) -> AsyncIterator[Bench]:
    """A server with its pairs, warm and receiving."""
    subject = Bench(up, [await pair(up, domain) for _ in range(max(1, round(rate / PER_PAIR)))])
    receiving = asyncio.create_task(subject.receive())
    await subject.measure(WARM, rate)
    yield subject
    if receiving.done():
        receiving.result()
    receiving.cancel()


async def bench(texts: int, rate: float, runs: int) -> list[dict[str, float]]:
    with tempfile.TemporaryDirectory() as directory:
        async with (
            relay(Path(directory)) as up,
            started(sys.executable, str(FLOOR)) as floor,
            ready(up, site(up.ready.invitation).name, rate) as subject,
            ready(floor, "127.0.0.1", rate) as mute,
        ):
            figures = []
            for _ in range(runs):
                under = (await mute.measure(texts // runs, rate)).figures()
                over = (await subject.measure(texts // runs, rate)).figures()
                figures.append(over | share(over, under))
            return figures


def share(over: dict[str, float], under: dict[str, float]) -> dict[str, float]:
    """What the floor takes, and what the relay takes beyond it."""
    floor = {name: under[name] for name in ("fetched_p50_ms", "fetched_p99_ms")}
    return {f"floor_{name}": value for name, value in floor.items()} | {
        name.replace("fetched", "own_share"): round(over[name] - value, 2) for name, value in floor.items()
    }


def show(figures: list[dict[str, float]]) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("")
    for number in range(len(figures)):
        table.add_column(f"run {number + 1}", justify="right")
    for name in figures[0]:
        table.add_row(name.replace("_", " "), *(f"{run[name]:g}" for run in figures))
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description="How long a text takes through the relay.")
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=20, help="texts a second")
    parser.add_argument("--runs", type=int, default=3, help="the texts are spread over so many runs")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = asyncio.run(bench(options.texts, options.rate, options.runs))
    if options.json:
        print(json.dumps({"rate": options.rate, "runs": figures}))
    else:
        Console().print(show(figures))
    return 0 if all(run["lost"] == run["twice"] == 0 for run in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
