"""A relay of our own for the length of a check: on loopback, on whatever ports are free, in a directory that goes away.

It is the same program that a keeper starts, in a process of its own; we speak to it as a keeper's script would, through
`angarium up --json`.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

__all__ = ["Door", "Relay", "RelayFailed", "relay", "started"]

START = 60.0
"""Seconds a relay may take to start: it makes its keys and certificate first."""
STOP = 15.0
"""Seconds a relay may take to stop when asked."""
OPTIONS = ("--listen", "127.0.0.1", "--ports", "any")


class RelayFailed(Exception):
    """Our relay did not start; the text says what it said."""


class Door(msgspec.Struct, frozen=True):
    """One port it listens on."""

    name: str
    address: str
    port: int


class Ready(msgspec.Struct, frozen=True):
    """What a relay says of itself once it listens."""

    invitation: str
    page: str
    listening: list[Door]


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay that is up."""

    process: asyncio.subprocess.Process
    ready: Ready

    def port(self, name: str) -> int:
        """The port of the door of that name ("imaps", "submissions"…)."""
        return next(door.port for door in self.ready.listening if door.name == name)


@contextlib.asynccontextmanager
async def relay(
    data: Path, options: Sequence[str] = OPTIONS, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Relay]:
    """Run a relay on a data directory until the context ends, with these variables beside those of this process.

    Raises:
        RelayFailed: it ended, or said nothing in time.
    """
    command = (sys.executable, "-m", "angarium", "up", "--data", str(data), *options, "--json")
    async with started(*command, environment=environment) as running:
        yield running


@contextlib.asynccontextmanager
async def started(*command: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[Relay]:
    """Run a program that says `Ready` in a line of JSON once it listens, until the context ends. Raises RelayFailed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(environment or {}), "PYTHONUNBUFFERED": "1"},
        start_new_session=True,  # a Ctrl-C is ours to answer: we then stop the relay in order
    )
    assert process.stderr is not None
    said = asyncio.create_task(_last_words(process.stderr))
    try:
        yield Relay(process, await _readiness(process, said))
    finally:
        await _stop(process)
        await said


async def _readiness(process: asyncio.subprocess.Process, said: asyncio.Task[str]) -> Ready:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START)
    except TimeoutError:
        raise RelayFailed(f"the relay was not up after {START:.0f} seconds") from None
    if not line:
        raise RelayFailed(f"the relay did not start: {await said or 'it said nothing'}")
    try:
        return msgspec.json.decode(line, type=Ready)
    except msgspec.DecodeError:
        raise RelayFailed("the relay did not say where it listens") from None


async def _last_words(stream: asyncio.StreamReader) -> str:
    """The end of what was written on a stream, read to its end so that the writer never waits."""
    said = b""
    while data := await stream.read(4096):
        said = (said + data)[-2000:]
    return said.decode(errors="replace").strip()


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
