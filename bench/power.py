"""Power cuts: what the store promised is on every disk that a cut may leave behind.

    python bench/power.py [--cuts 1000] [--letters 300] [--seed N] [--unsealed] [--careless] [--json]

A sealed store in a process of its own delivers, expunges, checkpoints and says what it has done, under Debian's
strace. Then, at random moments of that recording, every other one where the log is emptied, the files are made again as
`angarium.lab.power` says they may be found; each is opened by the store as it is, and examined. With `--careless` the
recorded store does not flush at every commit: a control, which must find losses. Counted are:

  lost       said to be delivered, and not there (or there with other bytes)
  twice      there under two UIDs
  came back  said to be expunged, and there
  damaged    cuts after which the store did not open, its integrity check found something, or nothing could be delivered
  stale      cuts after which a UID was given out again

Exit status: 0 all of these are 0; 1 otherwise.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import random
import secrets
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from angarium.lab.power import RECORDER, Disk, Event, Resized, Said, events
from angarium.store.interfaces import Letter, Owner, StoreError
from angarium.store.seal import Clear, Seal
from angarium.store.sealed import Sealed
from angarium.store.sqlite import backend, wal
from angarium.store.store import Store, open_sqlite

__all__ = ["Figures", "cuts", "recorded"]

SEALED: Seal = Sealed(bytes(32))
UNSEALED: Seal = Clear(bytes(32))
NAMES = ("alice", "bobby", "carol")
PASSWORD = "password"
WORKERS = 4
EMPTYING = 8
"""Events before a log is cut to nothing that may belong to its emptying."""


@dataclass(slots=True)
class Figures:
    """What came out. Everything from `lost` on is to be 0."""

    cuts: int = 0
    delivered: int = 0
    """Said to be delivered before the last cut, in copies."""
    expunged: int = 0
    lost: int = 0
    twice: int = 0
    came_back: int = 0
    damaged: int = 0
    stale: int = 0

    @property
    def good(self) -> bool:
        return not any((self.lost, self.twice, self.came_back, self.damaged, self.stale))


@dataclass(slots=True)
class Promised:
    """What the recorded store had said up to a moment: letters, by mailbox and identity."""

    accounts: set[str] = field(default_factory=set)
    delivered: dict[tuple[str, str], int] = field(default_factory=dict)
    """With the highest UID that was known of the mailbox then."""
    going: set[tuple[str, str]] = field(default_factory=set)
    """An expunge has begun, and may have happened."""
    gone: set[tuple[str, str]] = field(default_factory=set)

    def hear(self, line: str) -> None:
        """Take a line of the recorded program."""
        verb, name, *rest = line.split()
        match verb:
            case "made":
                self.accounts.add(name)
            case "delivered":
                self.delivered[name, rest[0]] = 0
            case "expunging":
                self.going.add((name, rest[0]))
                self.delivered[name, rest[0]] = int(rest[1])
            case "expunged":
                self.gone.add((name, rest[0]))


# The program that is recorded


async def work(directory: Path, letters: int, seal: Seal, *, careless: bool) -> None:
    """Deliver so many letters, expunge some, and say so; with a log that is cut all the time."""
    wal.SIZE, wal.LONG, wal.REST = 200_000, 300_000, 0.01
    if careless:
        backend.PRAGMAS = (*backend.PRAGMAS, "synchronous = NORMAL")
    store = open_sqlite(directory, seal)
    owners = {}
    for name in NAMES:
        owners[name] = await store.accounts.create(name, PASSWORD, day=1)
        say("made", name)
    left = iter(range(letters))

    async def worker() -> None:
        for at in left:
            names = random.sample(NAMES, random.randint(1, 2))
            await store.mailboxes.deliver([Letter(letter(str(at)), tuple(names))], day=1)
            for name in names:
                say("delivered", name, str(at))
            if random.random() < 0.3:
                await expunge(store, owners[random.choice(names)])
            if random.random() < 0.05:
                await asyncio.sleep(0.03)  # the log is cut

    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    await store.close()


async def expunge(store: Store, owner: Owner) -> None:
    """Destroy one message, as an app does."""
    entries = (await store.mailboxes.snapshot(owner, "INBOX")).entries
    if not entries:
        return
    uid = random.choice(entries).uid
    body = await store.mailboxes.body(owner, "INBOX", uid)
    if body is None:
        return
    say("expunging", owner.name, identity(body), str(uid))
    await store.mailboxes.flag(owner, "INBOX", [uid], add=frozenset({"\\Deleted"}))
    if uid in await store.mailboxes.expunge(owner, "INBOX", [uid]):
        say("expunged", owner.name, identity(body))


def say(*words: str) -> None:
    """A line in one system call."""
    os.write(1, " ".join(words).encode() + b"\n")


def letter(identity: str) -> bytes:
    """A message that knows who it is and whether it is whole."""
    content = identity.encode() + b"\n" + secrets.token_bytes(random.choice((300, 3000, 3000, 30_000, 100_000)))
    return hashlib.blake2b(content, digest_size=32).digest() + content


def identity(body: bytes) -> str:
    """Who it is, or "" where it is not whole."""
    content = body[32:]
    whole = hashlib.blake2b(content, digest_size=32).digest() == body[:32]
    return content.partition(b"\n")[0].decode() if whole else ""


# The cuts


def recorded(directory: Path, letters: int, *, unsealed: bool = False, careless: bool = False) -> Path:
    """Run the store under the recorder; return the recording. `directory` is made."""
    directory.mkdir(parents=True)
    recording = directory / "recording"
    program: tuple[str, ...] = (sys.executable, __file__, "--work", str(directory / "data"), "--letters", str(letters))
    program += ("--unsealed",) * unsealed + ("--careless",) * careless
    subprocess.run([*RECORDER, str(recording), *program], check=True, stdout=subprocess.DEVNULL)
    return recording


async def cuts(recording: Path, count: int, chance: random.Random, seal: Seal = SEALED) -> Figures:
    """Cut the power at so many moments of a recording, and look at what is left each time."""
    figures, promised = Figures(), Promised()
    with tempfile.TemporaryDirectory() as directory:
        for files in _after_cuts(recording, count, chance, promised):
            left = Path(directory) / str(figures.cuts)
            left.mkdir()
            for name, content in files.items():
                (left / name).write_bytes(content)
            await _examine(left, seal, promised, figures)
            figures.cuts += 1
            for file in left.iterdir():
                file.unlink()
    figures.delivered, figures.expunged = len(promised.delivered), len(promised.gone)
    return figures


def _after_cuts(recording: Path, count: int, chance: random.Random, promised: Promised) -> Iterator[dict[str, bytes]]:
    """Files by name, in the order of the cuts; `promised` is what the program had said until then."""
    root = str(recording.parent / "data")
    with recording.open() as lines:
        happened = list(events(lines))
    moments = Counter(chance.choice(_moments(happened, chance)) for _ in range(count))
    disk = Disk(root)
    for at, event in enumerate(happened):
        disk.take(event)
        if isinstance(event, Said):
            promised.hear(event.text.decode())
        for _ in range(moments[at]):
            yield {Path(path).name: content for path, content in disk.after_a_cut(chance).items()}


def _moments(happened: Sequence[Event], chance: random.Random) -> Sequence[int]:
    """Where a cut may fall: anywhere, or, every other time, where a log is being emptied."""
    emptied = [(at, event.path) for at, event in enumerate(happened) if isinstance(event, Resized) and not event.size]
    if not emptied or chance.random() < 0.5:
        return range(len(happened))
    end, log = chance.choice(emptied)
    return [at for at in range(max(0, end - EMPTYING), end + 1) if getattr(happened[at], "path", "") == log]


async def _examine(directory: Path, seal: Seal, promised: Promised, figures: Figures) -> None:
    try:
        store = open_sqlite(directory, seal)
        try:
            for name in NAMES:
                if name in promised.accounts:
                    await _examine_mailbox(store, name, promised, figures)
        finally:
            await store.close()
        with contextlib.closing(sqlite3.connect(directory / "store.db")) as connection:
            figures.damaged += connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
    except (StoreError, sqlite3.Error):
        figures.damaged += 1


async def _examine_mailbox(store: Store, name: str, promised: Promised, figures: Figures) -> None:
    owner = await store.accounts.login(name, PASSWORD, day=1)
    snapshot = await store.mailboxes.snapshot(owner, "INBOX")
    bodies = [await store.mailboxes.body(owner, "INBOX", entry.uid) for entry in snapshot.entries]
    found = Counter(identity(body) for body in bodies if body is not None)
    expected = {at for to, at in promised.delivered if to == name and (to, at) not in promised.going}
    figures.lost += len(expected - found.keys()) + found[""]
    figures.twice += sum(count - 1 for at, count in found.items() if at)
    figures.came_back += sum((name, at) in promised.gone for at in found)
    seen = max((uid for (to, _), uid in promised.delivered.items() if to == name), default=0)
    figures.stale += snapshot.uidnext <= seen
    await store.mailboxes.deliver([Letter(letter("after"), (name,))], day=1)
    figures.damaged += (await store.mailboxes.snapshot(owner, "INBOX")).uidnext != snapshot.uidnext + 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--letters", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None, help="of the moments and sectors")
    parser.add_argument("--unsealed", action="store_true")
    parser.add_argument("--careless", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    seal = UNSEALED if given.unsealed else SEALED
    if given.work:
        asyncio.run(work(given.work, given.letters, seal, careless=given.careless))
        return 0
    with tempfile.TemporaryDirectory() as directory:
        recording = recorded(Path(directory) / "store", given.letters, unsealed=given.unsealed, careless=given.careless)
        figures = asyncio.run(cuts(recording, given.cuts, random.Random(given.seed), seal))
    if given.json:
        print(json.dumps(asdict(figures)))
    else:
        for name, count in asdict(figures).items():
            print(f"{name.replace('_', ' '):<12}{count:>8,}")
    return 0 if figures.good else 1


if __name__ == "__main__":
    sys.exit(main())
