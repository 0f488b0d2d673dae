"""Two processes on one database: nothing is lost, whoever dies; the log stays short, and is cut when both rest."""

import asyncio
import random
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from angarium.store.directory import DirectoryInUse, Hold
from angarium.store.interfaces import Letter, Owner
from angarium.store.sealed import Sealed
from angarium.store.sqlite import wal
from angarium.store.store import Store, open_sqlite

HERE = Path(__file__).parent
ROOT = bytes(32)


class Neighbour:
    """The other process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def beside(cls, directory: Path, hold: Hold, long: int = wal.LONG) -> "Neighbour":
        made = cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, str(HERE / "neighbour.py"), str(directory), str(hold.descriptor), str(long)),
                pass_fds=(hold.descriptor,),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        )
        assert await made.line() == "joined"
        return made

    def say(self, *words: object) -> None:
        assert self.process.stdin
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())

    async def line(self) -> str:
        assert self.process.stdout
        return (await self.process.stdout.readline()).decode().strip()

    async def done(self) -> int:
        """Wait until it has done what it was told, or is no more; how many steps it has said it took."""
        steps = 0
        while (line := await self.line()) not in ("done", ""):
            steps = int(line) + 1
        return steps

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        assert await self.process.wait() == 0


class House:
    """This process's store, and the hold on the directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.hold = Hold(directory)
        self.store: Store = open_sqlite(directory, Sealed(ROOT, memory=8, spread=1), shared=self.hold)

    @property
    def log(self) -> int:
        return (self.directory / "store.db-wal").stat().st_size

    async def deliver(self, name: str, count: int) -> None:
        for number in range(count):
            await self.store.mailboxes.deliver([Letter(b"from this process, %d" % number, (name,))], day=1)

    async def messages(self, owner: Owner) -> list[bytes | None]:
        entries = (await self.store.mailboxes.snapshot(owner, "INBOX")).entries
        assert [entry.uid for entry in entries] == sorted({entry.uid for entry in entries})
        return [await self.store.mailboxes.body(owner, "INBOX", entry.uid) for entry in entries]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path / "data")
    yield made
    await made.store.close()


def whole(directory: Path) -> bool:
    with closing(sqlite3.connect(directory / "store.db")) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_both_write_to_one_mailbox_and_each_message_has_a_number_of_its_own(house: House) -> None:
    alice = await house.store.accounts.create("alice", "password", day=1)
    other = await Neighbour.beside(house.directory, house.hold)
    other.say("deliver", "alice", 100)
    await house.deliver("alice", 100)
    assert await other.done() == 100
    found = await house.messages(alice)
    expected = [b"from %s process, %d" % (who, number) for who in (b"this", b"the other") for number in range(100)]
    assert sorted(filter(None, found)) == sorted(expected)
    snapshot = await house.store.mailboxes.snapshot(alice, "INBOX")
    first = next(iter(snapshot.entries)).modseq
    assert [entry.modseq for entry in snapshot.entries] == list(range(first, first + 200)), "every commit counts one"
    other.say("expunge", "alice")
    await other.done()
    assert await house.messages(alice) == []
    await other.end()


async def test_neither_waits_long_while_the_other_writes_all_the_time(house: House) -> None:
    await house.store.accounts.create("alice", "password", day=1)
    await house.store.accounts.create("bob", "password", day=1)
    other = await Neighbour.beside(house.directory, house.hold)
    other.say("deliver", "alice", 100_000)
    while await other.line() != "20":
        pass
    loop, longest = asyncio.get_running_loop(), 0.0
    for _ in range(50):
        began = loop.time()
        await house.deliver("bob", 1)
        longest = max(longest, loop.time() - began)
    assert longest < 1.5
    await other.kill()


async def test_the_log_stays_short_and_is_cut_by_the_first_when_both_rest(house: House) -> None:
    await house.store.accounts.create("alice", "password", day=1)
    other = await Neighbour.beside(house.directory, house.hold)
    other.say("deliver", "alice", 300)
    longest = 0
    while await other.line() != "done":
        longest = max(longest, house.log)
    assert 0 < longest < 2 * wal.LONG
    async with asyncio.timeout(10):
        while house.log:
            await asyncio.sleep(0.1)
    other.say("deliver", "alice", 1)
    assert await other.done() == 1
    assert house.log
    await other.end()
    assert house.log, "who is not the first leaves it alone"


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_lost_where_a_process_is_killed_while_both_cut_the_log(
    house: House, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """With a log that counts as long after every second commit, one of both is cutting nearly always."""
    chance = random.Random(seed)
    monkeypatch.setattr(wal, "LONG", 60_000)
    alice = await house.store.accounts.create("alice", "password", day=1)
    answered = 0
    for _ in range(4):
        other = await Neighbour.beside(house.directory, house.hold, 60_000)
        other.say("deliver", "alice", 1000)
        mine = asyncio.create_task(house.deliver("alice", 25))
        await asyncio.sleep(chance.uniform(0.05, 0.5))
        await other.kill()
        answered += await other.done()
        await asyncio.wait_for(mine, 20)
    found = await house.messages(alice)
    assert None not in found
    assert sum(b"this process" in (body or b"") for body in found) == 100
    assert sum(b"the other" in (body or b"") for body in found) >= answered
    assert whole(house.directory)


async def test_the_directory_is_held_until_the_last_has_ended(house: House, tmp_path: Path) -> None:
    other = await Neighbour.beside(house.directory, house.hold)
    await house.store.close()
    with pytest.raises(DirectoryInUse):
        Hold(house.directory)
    await other.kill()
    Hold(house.directory).release()


async def test_a_log_that_lost_its_head_is_cut_before_anybody_writes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a process died in the middle of overwriting it."""
    alice = await house.store.accounts.create("alice", "password", day=1)
    await house.deliver("alice", 3)
    other = await Neighbour.beside(house.directory, house.hold)
    writer = house.store._backend._writer  # type: ignore[attr-defined]
    lock, log = writer._lock, writer._wal
    assert lock.acquire(wait=True)
    with monkeypatch.context() as dying:
        dying.setattr(log, "_cut", lambda: False)
        log.cut()
    assert lock.headless
    assert (house.directory / "store.db-wal").read_bytes().strip(b"\0") == b""
    lock.release()
    other.say("deliver", "alice", 3)
    assert await other.done() == 3
    assert not lock.headless
    await other.kill()
    assert len(await house.messages(alice)) == 6
    with closing(sqlite3.connect(house.directory / "store.db")) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (6,)
