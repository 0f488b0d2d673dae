"""`kill -9` of either of two relays that send to each other, and a count of what became of every message.

    python -m bench.between [--rounds 50] [--seed N] [--json]

Senders on both submit as fast as they can, to people on both in one transaction, at first and now and then also to an
address that does not exist at the other relay. In each round one of the two is killed at a random moment and started
again. Then what still waits is tried again, as a keeper may ask for; all of it is waited for, and read. Counted are:

  lost       answered 250, and not in a mailbox it was for; or a bounce that never came
  twice      there twice in one mailbox; or two bounces for one message
  in part    not answered, and yet in some of its mailboxes and not in others
  changed    there with another body than it was sent with
  stuck      messages that still wait for the other relay at the end
  damaged    relays whose database SQLite finds a fault with at the end

Exit status: 0 all of these are 0; 1 otherwise.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from angarium.apps.check.throwaway import Relay, relay
from angarium.edge.control import ask
from angarium.lab.clients import Imap, Refused, Submission
from angarium.lab.mails import mark_of, sealed
from angarium.lab.ports import free_ports
from bench.kill import MARK, PASSWORD, above, body_digest, table, whole

__all__ = ["Figures", "killed"]

HOST = "127.0.0.1"
NAMES = ("_one.localhost", "_two.localhost")
SETTINGS = """\
[names]
domain = "{name}"
[messages]
rate_per_minute = 1000000
rate_burst = 100000
[listen]
addresses = ["127.0.0.1"]
ports = "any"
https = {port}
[federation.routes]
"{other}" = {{ via = "127.0.0.1:{other_port}", transport = "https" }}
"""
SENDERS, RECEIVERS = 3, 3
ANSWERS = 20
"""Messages answered before a round may end,"""
SECONDS = 1.0
"""and the most seconds after that until the kill."""
DOWN = 1.0
"""Most seconds until it is started again."""
NOBODY = 0.1
"""Part of the messages that go also to nobody."""
LAST = 120.0
"""Seconds given to the queues at the end."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came out. Everything from `lost` on is to be 0."""

    rounds: int
    submitted: int
    answered: int
    copies: int
    across: int
    """Copies in mailboxes of the relay that the message was not submitted to."""
    bounced: int
    lost: int
    twice: int
    in_part: int
    changed: int
    stuck: int
    damaged: int

    @property
    def good(self) -> bool:
        return not any((self.lost, self.twice, self.in_part, self.changed, self.stuck, self.damaged))


@dataclass(slots=True)
class Letter:
    """A message on its way."""

    sender: str
    to: tuple[str, ...]
    body: bytes
    to_nobody: bool
    answered: bool = False


@dataclass
class Books:
    """What was sent, and what was found of it."""

    letters: dict[str, Letter] = field(default_factory=dict)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    bounces: Counter[tuple[str, str]] = field(default_factory=Counter)
    changed: int = 0

    @property
    def answered(self) -> int:
        return sum(letter.answered for letter in self.letters.values())

    def see(self, address: str, mail: bytes) -> None:
        """Note a message in a mailbox."""
        if b"multipart/report" in mail[:2000]:
            for mark in {one.decode() for one in MARK.findall(mail)} & self.letters.keys():
                self.bounces[address, mark] += 1
            return
        mark = mark_of(mail)
        self.found[address, mark] += 1
        self.changed += self.letters[mark].body != body_digest(mail)

    def figures(self, rounds: int, stuck: int, damaged: int) -> Figures:
        """The sum of it all."""
        lost = in_part = across = 0
        for mark, letter in self.letters.items():
            there = sum(self.found[address, mark] > 0 for address in letter.to)
            told = self.bounces[letter.sender, mark]
            lost += letter.answered and (len(letter.to) - there + (letter.to_nobody and not told))
            in_part += not letter.answered and there not in (0, len(letter.to))
            here = letter.sender.rpartition("@")[2]
            across += sum(self.found[address, mark] for address in letter.to if not address.endswith(here))
        counts = (*self.found.values(), *self.bounces.values())
        return Figures(
            rounds=rounds,
            submitted=len(self.letters),
            answered=self.answered,
            copies=self.found.total(),
            across=across,
            bounced=self.bounces.total(),
            lost=lost,
            twice=sum(count - 1 for count in counts if count > 1),
            in_part=in_part,
            changed=self.changed,
            stuck=stuck,
            damaged=damaged,
        )


class Pair:
    """The two relays, of which each may be up or down."""

    def __init__(self, directory: Path) -> None:
        self.homes = [directory / name for name in NAMES]
        self.up: list[Relay | None] = [None, None]
        self._stacks = [contextlib.AsyncExitStack(), contextlib.AsyncExitStack()]
        ports = free_ports(HOST, 2)
        for side in (0, 1):
            self.homes[side].mkdir(0o700)
            (self.homes[side] / "angarium.toml").write_text(
                SETTINGS.format(name=NAMES[side], port=ports[side], other=NAMES[1 - side], other_port=ports[1 - side])
            )

    async def start(self, side: int) -> None:
        self.up[side] = await self._stacks[side].enter_async_context(relay(self.homes[side], ()))

    async def kill(self, side: int) -> None:
        running = self.up[side]
        assert running is not None
        running.process.kill()
        await self.stop(side)

    async def stop(self, side: int) -> None:
        self.up[side] = None
        await self._stacks[side].aclose()

    async def waiting(self) -> int:
        """Messages that wait in both queues."""
        found: list[list[dict[str, Any]]] = [await ask(home / "control", "queue") for home in self.homes]
        return sum(destination["messages"] for destinations in found for destination in destinations)


async def killed(
    directory: Path, rounds: int, chance: random.Random, step: Callable[[], None] = lambda: None
) -> Figures:
    """Kill one of two relays so many times; call `step` after each."""
    books = Books()
    async with _running(directory) as pair:
        for side in (0, 1):
            for number in range(RECEIVERS):
                await _login(pair, side, _receiver(side, number))
        senders = [
            asyncio.create_task(_send(pair, side, number, books, chance))
            for side in (0, 1)
            for number in range(SENDERS)
        ]
        for _ in range(rounds):
            await _round(pair, books, chance)
            step()
        for task in senders:
            task.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        stuck = await _drained(pair)
        for side in (0, 1):
            await _read(pair, side, books)
    damaged = [not await asyncio.to_thread(whole, home) for home in pair.homes]
    return books.figures(rounds, stuck, sum(damaged))


@contextlib.asynccontextmanager
async def _running(directory: Path) -> AsyncIterator[Pair]:
    pair = Pair(directory)
    try:
        async with asyncio.TaskGroup() as starting:
            for side in (0, 1):
                starting.create_task(pair.start(side))
        yield pair
    finally:
        for side in (0, 1):
            await pair.stop(side)


async def _round(pair: Pair, books: Books, chance: random.Random) -> None:
    enough = books.answered + ANSWERS
    async with asyncio.timeout(90):
        while books.answered < enough:  # noqa: ASYNC110 - a look now and then is all it takes
            await asyncio.sleep(0.01)
    await asyncio.sleep(chance.uniform(0, SECONDS))
    side = chance.randrange(2)
    await pair.kill(side)
    await asyncio.sleep(chance.uniform(0, DOWN))
    await pair.start(side)


async def _send(pair: Pair, side: int, number: int, books: Books, chance: random.Random) -> None:
    """Submit one message after another, over a new connection when the relay has gone."""
    sender = f"sender{number:03}@{NAMES[side]}"
    while True:
        running = pair.up[side]
        if running is not None:
            with contextlib.suppress(ConnectionError, Refused, OSError):
                submission = await Submission.connect(HOST, running.port("submissions"))
                try:
                    await submission.login(sender, PASSWORD)
                    for count in itertools.count():
                        to_nobody = not count or chance.random() < NOBODY
                        await _submit(submission, sender, 1 - side, books, chance, to_nobody=to_nobody)
                finally:
                    submission.abort()
        await asyncio.sleep(0.05)


async def _submit(
    submission: Submission, sender: str, there: int, books: Books, chance: random.Random, *, to_nobody: bool
) -> None:
    mark = secrets.token_hex(8)
    everybody = [_receiver(side, number) for side in (0, 1) for number in range(RECEIVERS)]
    to = tuple({_receiver(there, chance.randrange(RECEIVERS)), *chance.sample(everybody, chance.randint(1, 3))})
    mail = sealed(sender, mark, size=chance.choice((1500, 1500, 1500, 90_000)))
    nobody = (f"{secrets.token_hex(6)}@{NAMES[there]}",) if to_nobody else ()
    letter = books.letters[mark] = Letter(sender, to, body_digest(mail), bool(nobody))
    await submission.send(sender, (*to, *nobody), mail)
    letter.answered = True


async def _drained(pair: Pair) -> int:
    """Messages that wait when nothing more was to be waited for, and everything was tried once more."""
    for home in pair.homes:
        await ask(home / "control", "queue-retry")
    until = time.monotonic() + LAST
    while (left := await pair.waiting()) and time.monotonic() < until:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.2)
    return left


async def _read(pair: Pair, side: int, books: Books) -> None:
    names = [_receiver(side, number) for number in range(RECEIVERS)]
    for address in (*names, *(f"sender{number:03}@{NAMES[side]}" for number in range(SENDERS))):
        imap = await _login(pair, side, address)
        await imap.select()
        for _, mail in await above(imap, 0):
            books.see(address, mail)
        imap.abort()


async def _login(pair: Pair, side: int, address: str) -> Imap:
    running = pair.up[side]
    assert running is not None
    imap = await Imap.connect(HOST, running.port("imaps"))
    await imap.login(address, PASSWORD)
    return imap


def _receiver(side: int, number: int) -> str:
    return f"mailbox{number:03}@{NAMES[side]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None, help="of the moments and sizes, not of the machine's")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, Progress(console=Console(stderr=True), disable=given.json) as progress:
        bar = progress.add_task("rounds", total=given.rounds)
        step = lambda: progress.advance(bar)  # noqa: E731
        figures = asyncio.run(killed(Path(name), given.rounds, random.Random(given.seed), step))
    if given.json:
        print(json.dumps(asdict(figures)))
    else:
        title = f"kill -9 of either of two relays, {time.monotonic() - began:.0f} s"
        Console().print(table(title, asdict(figures)))
    return 0 if figures.good else 1


if __name__ == "__main__":
    sys.exit(main())
