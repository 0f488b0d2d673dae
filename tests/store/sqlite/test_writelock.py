"""The write lock: of one process at a time, in turn, and let go of by who dies."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.store.sqlite.writelock import Alone, Shared

OTHER = """
import sys
from angarium.store.sqlite.writelock import Shared
file = open(sys.argv[1], "r+b")
lock = Shared(file.fileno())
for line in sys.stdin:
    match line.strip():
        case "acquire":
            print(lock.acquire(wait=True), flush=True)
        case "try":
            print(lock.acquire(wait=False), flush=True)
        case "release":
            lock.release()
            print("released", flush=True)
"""


class Other:
    """Another process that does as it is told."""

    def __init__(self, file: Path) -> None:
        self.process = subprocess.Popen(
            (sys.executable, "-c", OTHER, file), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def say(self, what: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()

    def ask(self, what: str) -> str:
        self.say(what)
        return self.heard()

    def heard(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in filter(None, (self.process.stdin, self.process.stdout)):
            pipe.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "store.lock"
    path.touch()
    return path


@pytest.fixture
def other(file: Path) -> Iterator[Other]:
    process = Other(file)
    yield process
    process.end()


@pytest.fixture
def mine(file: Path) -> Iterator[Shared]:
    with file.open("r+b") as opened:
        yield Shared(opened.fileno())


def test_one_process_at_a_time(mine: Shared, other: Other) -> None:
    assert mine.acquire(wait=False)
    assert other.ask("try") == "False"
    mine.release()
    assert other.ask("try") == "True"
    assert not mine.acquire(wait=False)
    assert other.ask("release") == "released"
    assert mine.acquire(wait=False)


def test_one_thread_at_a_time(mine: Shared) -> None:
    assert mine.acquire(wait=False)
    assert not mine.acquire(wait=False)
    threading.Timer(0.05, mine.release).start()
    assert mine.acquire(wait=True)
    mine.release()


def test_who_waits_is_next(mine: Shared, other: Other) -> None:
    assert mine.acquire(wait=False)
    other.say("acquire")
    time.sleep(0.3)
    mine.release()
    assert not mine.acquire(wait=False)
    assert other.heard() == "True"
    waiting = threading.Thread(target=mine.acquire, kwargs={"wait": True})
    waiting.start()
    time.sleep(0.1)
    other.say("release")
    assert other.heard() == "released"
    waiting.join(5)
    assert not waiting.is_alive()
    assert other.ask("try") == "False"
    mine.release()


def test_who_dies_has_let_go(mine: Shared, other: Other) -> None:
    assert other.ask("acquire") == "True"
    threading.Timer(0.1, other.end).start()
    assert mine.acquire(wait=True)


async def test_waiting_in_a_thread_keeps_nobody_from_running(mine: Shared, other: Other) -> None:
    assert await asyncio.to_thread(other.ask, "acquire") == "True"
    waiting = asyncio.create_task(asyncio.to_thread(mine.acquire, wait=True))
    for _ in range(10):
        await asyncio.sleep(0.01)
    assert not waiting.done()
    assert await asyncio.to_thread(other.ask, "release") == "released"
    assert await waiting


def test_that_the_log_has_no_head_is_known_to_all(mine: Shared, file: Path) -> None:
    assert not mine.headless
    mine.headless = True
    descriptor = os.open(file, os.O_RDWR)
    assert Shared(descriptor).headless
    mine.headless = False
    assert not Shared(descriptor).headless


def test_alone_it_is_always_to_be_had() -> None:
    alone = Alone()
    assert alone.acquire(wait=False)
    assert alone.acquire(wait=True)
    assert not alone.shared
