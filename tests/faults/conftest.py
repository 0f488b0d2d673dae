"""A relay in a process of its own whose system calls can be made to fail, and clients that see what it answers.

Debian's `strace` attaches to the running relay and answers system calls in the kernel's place: the relay and SQLite are
those of every day, and the fault ends when strace lets go.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from angarium.apps.check.throwaway import Relay, relay
from angarium.edge.control import ask
from angarium.lab.clients import Imap, Submission
from angarium.lab.mails import mark_of
from bench.kill import make, whole

PASSWORD = "a password of some length"

Faulty = Callable[..., AbstractAsyncContextManager[None]]
Small = Callable[[int], Path]


class House:
    """A data directory, the relay that runs on it, and two people."""

    ada, ben = "ada-and-her-phone@127.0.0.1", "ben-and-his-phone@127.0.0.1"

    def __init__(self, data: Path) -> None:
        self.data = data
        make(data)

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator[Relay]:
        """Start the relay; at the end, whatever happened, its database is whole."""
        async with relay(self.data) as running:
            yield running
        assert whole(self.data)

    async def imap(self, up: Relay, address: str) -> Imap:
        """A session with INBOX open."""
        imap = await Imap.connect("127.0.0.1", up.port("imaps"))
        await imap.login(address, PASSWORD)
        await imap.select(everything=True)
        return imap

    async def submission(self, up: Relay, address: str) -> Submission:
        submission = await Submission.connect("127.0.0.1", up.port("submissions"))
        await submission.login(address, PASSWORD)
        return submission

    async def marks(self, up: Relay, address: str) -> list[str]:
        """What is in an INBOX, by mark, in order."""
        imap = await self.imap(up, address)
        marks = [mark_of(mail) for _, mail in await imap.fetch_new()]
        imap.abort()
        return marks

    async def told(self) -> str:
        """What the keeper reads behind "last error"."""
        answer: Any = await ask(self.data / "control", "status")
        return str(answer["last_error"])

    async def fails_to_start(self, *under: str) -> str:
        """What `angarium up` (run by another program, if given) says where it cannot start: a message, no traceback."""
        process = await asyncio.create_subprocess_exec(
            *(*under, sys.executable, "-m", "angarium", "up", "--data", str(self.data)),
            *("--listen", "127.0.0.1", "--ports", "any"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "COLUMNS": "300"},
        )
        async with asyncio.timeout(30):
            out, err = await process.communicate()
        assert process.returncode == 2, out + err
        assert b"Traceback" not in err
        return err.decode()


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A relay's data directory."""
    return House(tmp_path / "relay")


@pytest.fixture(scope="session")
def faulty() -> Faulty:
    """Makes system calls of a running relay fail: `faulty(up, "fsync,fdatasync", "error=EIO")`.

    `what` is strace's: `error=…`, `delay_enter=…` (microseconds), `when=…`.
    """
    if not may_trace():
        pytest.skip("Debian's strace is missing or may not trace here")

    @contextlib.asynccontextmanager
    async def on(up: Relay, calls: str, what: str, *, only: Path | None = None) -> AsyncIterator[None]:
        command = ["strace", "-f", "-p", str(up.process.pid), "-o", "/dev/null", "-e", f"trace={calls}"]
        command += ["-e", f"inject={calls}:{what}", *(["-P", str(only)] if only else [])]
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        assert process.stderr is not None
        try:
            async with asyncio.timeout(20):
                while b"attached" not in (line := await process.stderr.readline()):
                    assert line, "strace ended"
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.communicate()

    return on


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    """Mounts a file system of so many bytes, for root."""
    mounted: list[Path] = []

    def mount(octets: int) -> Path:
        at = tmp_path / "small"
        at.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={octets}", "none", str(at)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("only root may mount a small file system")
        mounted.append(at)
        return at

    yield mount
    for at in mounted:
        subprocess.run(["umount", "-l", str(at)], check=True)


def may_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            tracing = ["timeout", "-s", "INT", "0.3", "strace", "-p", str(sleeper.pid), "-o", "/dev/null"]
            said = subprocess.run(tracing, capture_output=True, check=False).stderr
        finally:
            sleeper.kill()
    return b"attached" in said
