"""`kill -9` at random moments under load, and a client that checks what became of every message.

    python bench/kill.py [--rounds 100] [--seed N] [--workers 1] [--data DIR] [--json]

Senders submit as fast as they can to one, two or three mailboxes, their first message and one of ten others also to an
address that does not exist. Receivers wait in IDLE, fetch, flag and CLOSE as the apps do. In each round the relay is
killed at a random moment (one of eight rounds: while it starts), a copy of its database is examined, and it is started
again. After the last round everything is fetched. Counted are:

  lost        answered 250, and never seen in a mailbox it was for; or a bounce that never came
  twice       seen under two UIDs in one mailbox; or two bounces for one message
  came back   seen again after its expunge was answered OK
  in part     not answered, and yet in some of its mailboxes and not in others
  changed     seen with other bytes than it was sent with; or another UIDVALIDITY; or a UID given out again
  damaged     rounds after which SQLite's integrity check of the database found something

Exit status: 0 all of these are 0; 1 otherwise.
"""

import argparse
import asyncio
import contextlib
import hashlib
import itertools
import json
import random
import re
import secrets
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from angarium.apps.check.throwaway import OPTIONS, Relay, relay
from angarium.lab.clients import Imap, Submission
from angarium.lab.mails import mark_of, sealed

__all__ = ["Books", "Figures", "above", "body_digest", "killed", "make", "table", "whole"]

PASSWORD = "the same for everybody"
DOMAIN = "127.0.0.1"
SETTINGS = "[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n"
SENDERS, RECEIVERS = 8, 6
ANSWERS = 20
"""Messages answered, and one expunged, before a round may end,"""
SECONDS = 0.8
"""and the most seconds after that until the kill."""
START = 1.2
"""Most seconds until the kill, where it hits a relay that starts."""
LAST = 30.0
"""Seconds given to the receivers after the last round."""
VALIDITY = re.compile(rb"UIDVALIDITY (\d+)")
UID = re.compile(rb"UID (\d+)")
BATCH = 100
"""Messages fetched with one command."""
MARK = re.compile(rb"([0-9a-f]{16})@localhost")


@dataclass(frozen=True, slots=True)
class Figures:
    """What came out. Everything from `lost` on is to be 0."""

    rounds: int
    submitted: int
    answered: int
    fetched: int
    expunged: int
    bounced: int
    lost: int
    twice: int
    came_back: int
    in_part: int
    changed: int
    damaged: int

    @property
    def good(self) -> bool:
        return not any((self.lost, self.twice, self.came_back, self.in_part, self.changed, self.damaged))


@dataclass(slots=True)
class Box:
    """What one receiver knows of its mailbox."""

    validity: int = 0
    marks: dict[int, str] = field(default_factory=dict)
    """By UID: everything ever seen."""
    expunged: set[int] = field(default_factory=set)
    """UIDs whose expunge was answered OK."""


@dataclass(slots=True)
class Books:
    """What was sent, and what was seen of it."""

    to: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By mark: the mailboxes it goes to."""
    digest: dict[str, bytes] = field(default_factory=dict)
    bounces: dict[str, str] = field(default_factory=dict)
    """By mark: the sender who is to hear that one of its recipients does not exist."""
    answered: set[str] = field(default_factory=set)
    boxes: defaultdict[str, Box] = field(default_factory=lambda: defaultdict(Box))
    returned: defaultdict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    """UIDs of the bounces for a message, by sender and mark."""
    changed: int = 0
    back: set[tuple[str, int]] = field(default_factory=set)

    def see(self, address: str, uid: int, mail: bytes) -> None:
        """Note a message in a mailbox."""
        box, mark = self.boxes[address], mark_of(mail)
        if uid in box.expunged:
            self.back.add((address, uid))
        if box.marks.setdefault(uid, mark) != mark or self.digest.get(mark) != body_digest(mail):
            self.changed += 1

    @property
    def expunged(self) -> int:
        """Copies whose expunge was answered."""
        return sum(len(box.expunged) for box in self.boxes.values())

    def complete(self) -> bool:
        """Whether everything answered was seen."""
        return not self.missing()

    def missing(self) -> set[tuple[str, str]]:
        """Mailbox and mark of what was answered and not seen."""
        seen = {(address, mark) for address, box in self.boxes.items() for mark in box.marks.values()}
        return {(address, mark) for mark in self.answered for address in self.to[mark]} - seen

    def figures(self, rounds: int, damaged: int) -> Figures:
        """The sum of it all."""
        lost, twice, in_part = len(self.missing()), 0, 0
        copies: defaultdict[str, set[str]] = defaultdict(set)
        for address, box in self.boxes.items():
            twice += len(box.marks) - len(set(box.marks.values()))
            for mark in box.marks.values():
                copies[mark].add(address)
        for mark in self.to.keys() - self.answered:
            in_part += copies[mark] not in (set(), set(self.to[mark]))
        for mark, sender in self.bounces.items():
            count = len(self.returned[sender, mark])
            lost += count == 0 and mark in self.answered
            in_part += mark not in self.answered and bool(count) != bool(copies[mark])
            twice += max(0, count - 1)
        return Figures(
            rounds=rounds,
            submitted=len(self.to),
            answered=len(self.answered),
            fetched=sum(len(box.marks) for box in self.boxes.values()),
            expunged=self.expunged,
            bounced=sum(map(len, self.returned.values())),
            lost=lost,
            twice=twice,
            came_back=len(self.back),
            in_part=in_part,
            changed=self.changed,
            damaged=damaged,
        )


async def killed(
    data: Path, rounds: int, chance: random.Random, step: Callable[[], None] = lambda: None, *, workers: int = 1
) -> Figures:
    """Kill the relay of a new data directory, of so many processes, so many times; call `step` after each."""
    make(data, workers)
    books, damaged = Books(), 0
    for number in range(rounds):
        if number % 8 == 7:
            await _killed_at_start(data, chance)
        else:
            await _round(data, books, chance)
        damaged += not await asyncio.to_thread(whole, data)
        step()
    async with relay(data) as up:
        await _last(up, books, chance)
    return books.figures(rounds, damaged)


def make(data: Path, workers: int = 1) -> None:
    """A data directory whose relay lets clients send as fast as they can."""
    data.mkdir(0o700, parents=True, exist_ok=True)
    (data / "angarium.toml").write_text(f"{SETTINGS}[limits]\nworkers = {workers}\n")


def whole(data: Path) -> bool:
    """Whether SQLite finds the database in a data directory without fault. Looks at a copy: opening repairs the log."""
    with tempfile.TemporaryDirectory() as copy:
        for name in ("store.db", "store.db-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(data / name, copy)
        with contextlib.closing(sqlite3.connect(Path(copy) / "store.db")) as connection:
            try:
                return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            except sqlite3.DatabaseError:
                return False


async def _round(data: Path, books: Books, chance: random.Random) -> None:
    async with relay(data) as up:
        if not books.answered:
            for number in range(RECEIVERS):  # a message to a mailbox that does not exist is refused
                await _look(up, _receiver(number), books.see)
        enough = len(books.answered) + ANSWERS
        async with asyncio.TaskGroup() as load:
            for number in range(RECEIVERS):
                load.create_task(_until_gone(_receive(up, _receiver(number), books, chance)))
            for number in range(SENDERS):
                load.create_task(_until_gone(_send(up, _sender(number), books, chance)))
            async with asyncio.timeout(60):
                while len(books.answered) < enough or not books.expunged:  # noqa: ASYNC110 - a look now and then is all it takes
                    await asyncio.sleep(0.005)
            await asyncio.sleep(chance.uniform(0, SECONDS))
            up.process.kill()
            await up.process.wait()


async def _killed_at_start(data: Path, chance: random.Random) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "angarium", "up", "--data", str(data), *OPTIONS, "--json"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await asyncio.sleep(chance.uniform(0, START))
    process.kill()
    await process.wait()


async def _until_gone(client: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(ConnectionError):
        await client


async def _send(up: Relay, sender: str, books: Books, chance: random.Random) -> None:
    """Submit one message after another until the relay is gone."""
    submission = await Submission.connect(DOMAIN, up.port("submissions"))
    await submission.login(sender, PASSWORD)
    for number in itertools.count():
        mark = secrets.token_hex(8)
        to = tuple(chance.sample([_receiver(number) for number in range(RECEIVERS)], chance.randint(1, 3)))
        mail = sealed(sender, mark, size=chance.choice((1500, 1500, 1500, 90_000)))
        strangers = (f"{secrets.token_hex(6)}@{DOMAIN}",) if not number or chance.random() < 0.1 else ()
        books.to[mark], books.digest[mark] = to, body_digest(mail)
        if strangers:
            books.bounces[mark] = sender
        await submission.send(sender, (*to, *strangers), mail)
        books.answered.add(mark)


async def _receive(up: Relay, address: str, books: Books, chance: random.Random) -> None:
    """Fetch, note, delete, until the relay is gone. Begins with everything that is there: what was deleted must not be.

    The app would ask for new UIDs only; this client is more curious.
    """
    box = books.boxes[address]
    imap = await Imap.connect(DOMAIN, up.port("imaps"))
    await imap.login(address, PASSWORD)
    (validity,) = [int(found[1]) for line in await imap.command('SELECT "INBOX"') if (found := VALIDITY.search(line))]
    if box.validity and box.validity != validity:
        books.changed += 1
    box.validity = validity
    held: list[int] = []
    after = 0
    while True:
        for uid, mail in await above(imap, after):
            books.see(address, uid, mail)
            held.append(uid)
            after = uid
        if held and (not box.expunged or chance.random() < 0.7):
            await imap.delete(held)
            box.expunged.update(held)
            held = []
            continue  # what came before this SELECT will not be announced
        await imap.idle()


async def above(imap: Imap, after: int) -> list[tuple[int, bytes]]:
    """Everything with a UID above `after`, in order, however much it is."""
    there = [
        int(found[1]) for line in await imap.command(f"UID FETCH {after + 1}:* (UID)") if (found := UID.search(line))
    ]
    new = sorted(uid for uid in there if uid > after)
    return [mail for at in range(0, len(new), BATCH) for mail in await imap.fetch(new[at : at + BATCH])]


async def _last(up: Relay, books: Books, chance: random.Random) -> None:
    """Everything that is left, and the bounces."""
    receivers = [asyncio.create_task(_receive(up, _receiver(number), books, chance)) for number in range(RECEIVERS)]
    until = time.monotonic() + LAST
    while time.monotonic() < until and not books.complete():  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.05)
    for task in receivers:
        task.cancel()
    await asyncio.gather(*receivers, return_exceptions=True)
    for number in range(RECEIVERS):  # once more from the beginning: what was deleted stays away
        await _look(up, _receiver(number), books.see)
    for number in range(SENDERS):
        await _look(up, _sender(number), lambda address, uid, mail: _note_bounce(books, address, uid, mail))


async def _look(up: Relay, address: str, note: Callable[[str, int, bytes], None]) -> None:
    imap = await Imap.connect(DOMAIN, up.port("imaps"))
    await imap.login(address, PASSWORD)
    await imap.select()
    for uid, mail in await above(imap, 0):
        note(address, uid, mail)
    imap.abort()


def _note_bounce(books: Books, address: str, uid: int, mail: bytes) -> None:
    for mark in {found.decode() for found in MARK.findall(mail)}:
        if mark in books.bounces:
            books.returned[address, mark].add(uid)


def body_digest(mail: bytes) -> bytes:
    """Of what the relay must not change: the body."""
    return hashlib.blake2b(mail.partition(b"\r\n\r\n")[2], digest_size=16).digest()


def _sender(number: int) -> str:
    return f"sender{number:03}@{DOMAIN}"


def _receiver(number: int) -> str:
    return f"mailbox{number:03}@{DOMAIN}"


def table(title: str, figures: Mapping[str, int]) -> Table:
    """Counts by their names, for a person."""
    table = Table("what", "count", title=title)
    for name, count in figures.items():
        table.add_row(name.replace("_", " "), f"{count:,}")
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None, help="of the moments and sizes, not of the machine's")
    parser.add_argument("--workers", type=int, default=1, help="processes of the relay; the first one is killed")
    parser.add_argument("--data", type=Path, help="a directory to make and to keep (default: a temporary one)")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        data = given.data or Path(stack.enter_context(tempfile.TemporaryDirectory())) / "relay"
        progress = stack.enter_context(Progress(console=Console(stderr=True), disable=given.json))
        bar = progress.add_task("rounds", total=given.rounds)
        rounds = killed(
            data, given.rounds, random.Random(given.seed), lambda: progress.advance(bar), workers=given.workers
        )
        figures = asyncio.run(rounds)
    if given.json:
        print(json.dumps(asdict(figures)))
    else:
        Console().print(table(f"kill -9 under load, {time.monotonic() - began:.0f} s", asdict(figures)))
    return 0 if figures.good else 1


if __name__ == "__main__":
    sys.exit(main())
