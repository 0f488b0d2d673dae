"""A relay under way, and its end: people come in, write, fetch and delete; at a random moment it is killed.

Some of them write to people on another relay, and these to them; a third relay is down, so that what goes there waits.

The relay is a process that is told where to keep its data and says, in JSON, where it listens. It has a directory for
temporary files, and both its outputs are files: all that it writes lies under one directory.
"""

import asyncio
import contextlib
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from angarium.lab.ports import free_ports
from angarium.lab.seizure.crowd import HOST, USES, Crowd
from angarium.lab.seizure.left import ABROAD, DOMAIN, GONE, Left
from angarium.lab.seizure.population import people

__all__ = ["RelayFailed", "drive"]

SETTINGS = """\
[accounts]
registration = "invite"
[messages]
rate_per_minute = 100000
rate_burst = 100000
[push]
url = "https://127.0.0.1:9/"
[names]
domain = "{domain}"
[listen]
https = {port}
[federation.routes]
"{other}" = {{ via = "127.0.0.1:{other_port}", transport = "https" }}
"{gone}" = {{ via = "127.0.0.1:9", transport = "https" }}
"""
"""Invitations and push tokens are on, and the examiner knows them; nothing answers behind the notification service."""
OTHER = (sys.executable, "-m", "angarium", "up", "--listen", "127.0.0.1", "--ports", "any", "--json", "--data")
"""What the other relay is, whatever is tested."""
START = 60.0
EARLIEST = 0.6
"""Part of the mails after which the relay may be killed."""
HASTE = 0.5
"""Seconds within which it is killed then."""


class RelayFailed(Exception):
    """The relay did not start; the text is the end of what it said."""


async def drive(
    directory: Path,
    relay: Sequence[str],
    *,
    accounts: int,
    mails: int,
    seed: int,
    tell: Callable[[int], None] = lambda taken: None,
) -> Left:
    """Run a relay and kill it; `relay` is its command, to which the path of the data directory is added.

    Args:
        directory: an empty one.
        relay: see there.
        accounts: how many people.
        mails: how many mails they would send.
        seed: of everything drawn by chance here.
        tell: is told how many mails were taken so far.

    Raises:
        RelayFailed: it did not start.
    """
    chance = random.Random(f"end {seed}")  # noqa: S311 (a measurement that can be repeated)
    home, away = free_ports(HOST, 2)
    data = _prepared(directory, _settings(DOMAIN, home, ABROAD, away))
    async with contextlib.AsyncExitStack() as stack:
        outside = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="abroad-")))
        other = _prepared(outside, _settings(ABROAD, away, DOMAIN, home))
        _, foreign = await stack.enter_async_context(_running(outside, [*OTHER, str(other)]))
        process, ports = await stack.enter_async_context(_running(directory, [*relay, str(data)]))
        tokens = [await _invited(data) for _ in range(-(-accounts // USES) + 1)]
        population = people(accounts, seed, tokens)
        crowd = Crowd(Left(directory, population), ports, foreign, tell)
        await crowd.abroad([await _invited(other) for _ in range(-(-len(population.abroad) // USES))])
        until = chance.randint(int(EARLIEST * mails), mails - 1)
        try:
            await crowd.live(mails, until)
            await asyncio.sleep(chance.random() * HASTE)
        finally:
            process.kill()
            await process.wait()
            await crowd.leave()
    return crowd.left


def _prepared(directory: Path, settings: str) -> Path:
    """The data directory of a relay that is yet to start, beside one for its temporary files."""
    data = directory / "data"
    data.mkdir(mode=0o700, parents=True)
    (directory / "tmp").mkdir()
    (data / "angarium.toml").write_text(settings)
    return data


def _settings(domain: str, port: int, other: str, other_port: int) -> str:
    return SETTINGS.format(domain=domain, port=port, other=other, other_port=other_port, gone=GONE)


@contextlib.asynccontextmanager
async def _running(
    directory: Path, command: Sequence[str]
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, int]]]:
    output, errors = directory / "output", directory / "errors"
    with output.open("wb") as out, errors.open("wb") as err:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=directory / "tmp",
            env={**os.environ, "TMPDIR": str(directory / "tmp"), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
    try:
        yield process, await _ports(process, output, errors)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _ports(process: asyncio.subprocess.Process, output: Path, errors: Path) -> dict[str, int]:
    """The ports by name, once the relay says them."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START):
            while process.returncode is None:
                line, newline, _ = (await asyncio.to_thread(output.read_bytes)).partition(b"\n")
                if newline:
                    return {door["name"]: door["port"] for door in msgspec.json.decode(line)["listening"]}
                await asyncio.sleep(0.05)
    said = (await asyncio.to_thread(errors.read_bytes))[-2000:].decode(errors="replace").strip()
    raise RelayFailed(f"the relay did not start: {said or 'it said nothing'}")


async def _invited(data: Path) -> str:
    """The token of a fresh invitation."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "angarium", "invite", "--data", str(data), "--uses", str(USES), "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RelayFailed("it made no invitation")
    link = urlsplit(str(msgspec.json.decode(said)["links"][0]))
    return parse_qs(link.query)["p"][0].partition(".")[0]
