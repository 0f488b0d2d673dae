"""Power cuts at a relay's first start: the next start works, or says what to do, and has all that was answered.

    python bench/start.py [--cuts 200] [--seed N] [--json]

`angarium up` runs on a directory that is not there yet, under Debian's strace, and clients make accounts and send
messages as soon as it listens; then it is told to stop. At random moments of that recording (and once after each call
that touched the data directory, while cuts are left) the files are made again as `angarium.lab.power` says they may be
found, and a relay is started on them. Counted are:

  refused    starts that ended with a message to the keeper
  lost       answered 250, and not there once, with the bytes that were sent; or an account that was answered
  new key    starts with another root.key than the one under which something was answered
  damaged    databases in which SQLite's integrity check found something
  speechless starts that failed with anything but a message

Exit status: 0 all of these are 0; 1 otherwise.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import queue
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec

from angarium.apps.config import ConfigError
from angarium.apps.home import Home, HomeError
from angarium.apps.serve import Ready, serve
from angarium.apps.up import up
from angarium.edge.control import ask
from angarium.lab.clients import Imap, Submission
from angarium.lab.mails import mark_of, sealed
from angarium.lab.power import RECORDER, AllFlushed, Disk, Event, Flushed, Flushing, Said, events

__all__ = ["Figures", "cuts", "recorded"]

HOST = "127.0.0.1"
SETTINGS = {"listen.addresses": [HOST], "listen.ports": "any"}
ADA, BEN = f"ada-and-her-phone@{HOST}", f"ben-and-his-phone@{HOST}"
PASSWORD = "a password of some length"
SIZES = (1500, 90_000, 1500)
DATA = "relay"


@dataclass(slots=True)
class Figures:
    """What came out. Everything from `refused` on is to be 0."""

    cuts: int = 0
    answered: int = 0
    """Cuts before which something had been answered."""
    empty: int = 0
    """Cuts before the root key was on the disk for good."""
    refused: int = 0
    lost: int = 0
    new_key: int = 0
    damaged: int = 0
    speechless: int = 0

    @property
    def good(self) -> bool:
        return not any((self.refused, self.lost, self.new_key, self.damaged, self.speechless))


@dataclass(slots=True)
class Promised:
    """What the recorded relay had answered up to a moment."""

    accounts: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)

    def hear(self, line: str) -> None:
        """Take a line of the recorded program."""
        verb, _, what = line.strip().partition(" ")
        if verb == "made":
            self.accounts.append(what)
        elif verb == "answered":
            self.marks.append(what)


@dataclass(slots=True)
class Order:
    """What a cut has left, for the process that looks at it."""

    data: str
    key: bytes
    promised: Promised


# The program that is recorded


class _Announced(io.StringIO):
    """What `angarium up --json` writes, for another thread to read."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def write(self, text: str) -> int:
        self.lines.put(text)
        return len(text)


def work(data: Path) -> None:
    """Start the relay for the first time, as its keeper does; use it; stop it."""
    announced = _Announced()
    people = threading.Thread(target=_people, args=(announced.lines,), daemon=True)
    people.start()
    with contextlib.redirect_stdout(announced):
        status = up(data=data, listen=[HOST], ports="any", json=True)
    people.join()
    sys.exit(status)


def _people(announced: queue.SimpleQueue[str]) -> None:
    ports = {door["name"]: door["port"] for door in json.loads(announced.get())["listening"]}
    try:
        asyncio.run(_use(ports))
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


async def _use(ports: dict[str, int]) -> None:
    imap = await Imap.connect(HOST, ports["imaps"])
    await imap.login(BEN, PASSWORD)
    _say("made", BEN)
    submission = await Submission.connect(HOST, ports["submissions"])
    await submission.login(ADA, PASSWORD)
    _say("made", ADA)
    for at, size in enumerate(SIZES):
        await submission.send(ADA, [BEN], sealed(ADA, f"mark{at}", size=size))
        _say("answered", f"mark{at}")
    submission.abort()
    imap.abort()


def _say(*words: str) -> None:
    """A line in one system call."""
    os.write(1, " ".join(words).encode() + b"\n")


# The cuts


def recorded(directory: Path) -> Path:
    """Run a first start under the recorder; return the recording. `directory` is made."""
    directory.mkdir(parents=True)
    recording = directory / "recording"
    program = (sys.executable, __file__, "--work", str(directory / DATA))
    subprocess.run([*RECORDER, str(recording), *program], check=True, stdout=subprocess.DEVNULL)
    return recording


def cuts(recording: Path, count: int, chance: random.Random) -> Figures:
    """Cut the power at so many moments of a recording, and start a relay on what is left each time.

    The relays run in a process of their own, one after the other.
    """
    root = recording.parent / DATA
    key = (root / "root.key").read_bytes()
    with tempfile.TemporaryDirectory() as directory:
        orders = []
        for number, (files, promised) in enumerate(_after_cuts(recording, count, chance)):
            left = Path(directory) / str(number)
            for path, content in files.items():
                at = left / Path(path).relative_to(root)
                at.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                at.write_bytes(content)
            orders.append(Order(str(left), key, promised))
        program = (sys.executable, __file__, "--examine")
        done = subprocess.run(program, input=msgspec.json.encode(orders), check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(done.stdout, type=Figures)


def _after_cuts(recording: Path, count: int, chance: random.Random) -> Iterator[tuple[dict[str, bytes], Promised]]:
    """The files that are left, and what had been answered."""
    root = str(recording.parent)
    with recording.open() as lines:
        happened = list(events(lines))
    ours = [at for at, event in enumerate(happened) if isinstance(event, Flushed | Said) or _within(event, root)]
    moments = sorted(chance.sample(ours, count) if count <= len(ours) else [*ours, *chance.choices(ours, k=count)])
    disk, promised = Disk(root), Promised()
    for at, event in enumerate(happened):
        disk.take(event)
        if isinstance(event, Said):
            promised.hear(event.text.decode())
        for _ in range(moments[:count].count(at)):
            yield disk.after_a_cut(chance), Promised([*promised.accounts], [*promised.marks])


def _within(event: Event, root: str) -> bool:
    return not isinstance(event, AllFlushed | Said | Flushed | Flushing) and event.path.startswith(f"{root}/")


# What is left


async def _examined(orders: list[Order]) -> Figures:
    figures = Figures()
    for order in orders:
        data = Path(order.data)
        key = data / "root.key"
        figures.cuts += 1
        figures.answered += bool(order.promised.accounts)
        figures.empty += not key.exists()
        try:
            await _start(data, order.promised, figures)
            figures.new_key += bool(order.promised.accounts) and key.read_bytes() != order.key
            figures.damaged += not _whole(data / "store.db")
        except (HomeError, ConfigError) as error:
            sys.stderr.write(f"{error}\n")
            figures.refused += 1
        except Exception as error:
            sys.stderr.write(f"{error!r}\n")
            figures.speechless += 1
    return figures


async def _start(data: Path, promised: Promised, figures: Figures) -> None:
    """Start the relay once more, and see whether everything is there. Raises what the start raises."""
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(serve(Home(data), SETTINGS, ready=ready.set_result))
    await asyncio.wait((running, ready), return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        await running
    ports = {door.name: door.port for door in ready.result().doors}
    try:
        status = await ask(Home(data).control, "status")
        figures.lost += status["accounts"] < len(promised.accounts)
        marks = [mark for mark in await _marks(ports) if mark in promised.marks]
        figures.lost += marks != promised.marks
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _marks(ports: dict[str, int]) -> list[str]:
    """What is in Ben's INBOX."""
    imap = await Imap.connect(HOST, ports["imaps"])
    await imap.login(BEN, PASSWORD)
    await imap.select(everything=True)
    marks = [mark_of(mail) for _, mail in await imap.fetch_new()]
    imap.abort()
    return marks


def _whole(database: Path) -> bool:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="of the moments and sectors")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--examine", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work)
    if given.examine:
        orders = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Order])
        sys.stdout.write(msgspec.json.encode(asyncio.run(_examined(orders))).decode())
        return 0
    with tempfile.TemporaryDirectory() as directory:
        figures = cuts(recorded(Path(directory) / "first"), given.cuts, random.Random(given.seed))
    if given.json:
        print(json.dumps(asdict(figures)))
    else:
        for name, number in asdict(figures).items():
            print(f"{name.replace('_', ' '):<12}{number:>8,}")
    return 0 if figures.good else 1


if __name__ == "__main__":
    sys.exit(main())
