"""The newsroom's guide, typed as it stands: from an export to a channel and a site, and how long each step takes.

    python -m bench.newsroom [--install] [--json]

An empty home directory, a relay on loopback, the sample export of the tests, and the commands of docs/newsroom.md one
after the other in a shell, with the names of this machine in place of those that the guide makes up. While the channel
runs, two editors scan their invitation and a reader the other one; one editor writes, the other approves, and the post
is waited for in the reader's app and on the site. All of them share this machine's processors.

`--install` types the guide's first step too, into an environment of its own, from this checkout; pip then asks PyPI.
Without it the commands are those of this environment. What a person takes to read, type and scan is not in the figures.

Exit status: 0 all of it worked; otherwise an error says which command did not.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from angarium.apps.check.links import fresh
from angarium.apps.check.throwaway import relay
from angarium.channel.newsroom import Newsroom
from angarium.channel.publisher import Invitations
from angarium.lab.core import Core, binary, core
from tests.e2e.newsroom import Cast, assembled, says, until

__all__ = ["ENGLISH", "PERSIAN", "Failed", "Typist", "commands", "followed", "measure", "names", "publish"]

ROOT = Path(__file__).parents[1]
ENGLISH, PERSIAN = (ROOT / "docs" / "newsroom.md").read_text().split("## راهنمای تحریریه")
EXPORT = ROOT / "tests" / "channel" / "exports" / "telegram"
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"^https://i\.delta\.chat/\S+$", re.MULTILINE)
INSTALLING = 3
"""Commands of the first step."""
FIRST_DAY = "## In the editors' group"
"""Where the ten minutes end."""
HEADLINE = "Riders are on the road"


class Failed(Exception):
    """A command of the guide did not do what the guide says; the text says which."""


def commands(guide: str = ENGLISH) -> list[str]:
    """What the guide has people type, in its order."""
    return [line for block in FENCE.findall(guide) for line in block.splitlines()]


def names(home: Path, invitation: str) -> Mapping[str, str]:
    """What this machine has in place of what the guide makes up."""
    return {
        "dcaccount:relay.example.org": shlex.quote(invitation),
        "ChatExport_2026-11-26": str(EXPORT),
        "/media/stick/": f"{home}/stick/",
        "127.0.0.1:8080": "127.0.0.1:0",
        "'.[channel]'": f"'{ROOT}[channel]'",
    }


class Typist:
    """Types commands into a shell, in a home directory of its own."""

    def __init__(self, home: Path, instead: Mapping[str, str], *, install: bool = False) -> None:
        """`home` is made. `install`: nothing is installed yet, so the guide is followed from its first command on."""
        home.mkdir()
        first_day, later = (commands(part) for part in ENGLISH.split(FIRST_DAY))
        self.first_day = first_day if install else first_day[INSTALLING:]
        self.later = later
        self.home = home
        self._instead = instead
        self._before = ""
        beside = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {**os.environ, "HOME": str(home), "PATH": beside, "PYTHONUNBUFFERED": "1"}

    async def type(self, command: str) -> str:
        """Run a command to its end; what it said. Raises Failed."""
        async with self._started(command) as process:
            said, _ = await process.communicate()
            if process.returncode:
                raise Failed(f"{command}: status {process.returncode}")
        if command.startswith(". "):
            self._before = f"{command} && "
        return said.decode()

    async def cut_off(self, command: str, moment: Callable[[], bool]) -> None:
        """Start a command, and kill it once the moment has come, as a power cut would."""
        async with self._started(command) as process:
            await until(moment)
            process.kill()

    @contextlib.asynccontextmanager
    async def running(self, command: str, up: str) -> AsyncIterator[str]:
        """Run a command that stays until the context ends: then it is told to stop. What it said until `up`.

        Raises:
            Failed: it ended before.
        """
        async with self._started(command) as process:
            assert process.stdout is not None
            said = ""
            while up not in said:
                if not (line := await process.stdout.readline()):
                    raise Failed(f"{command}: it ended")
                said += line.decode()
            yield said

    @contextlib.asynccontextmanager
    async def _started(self, command: str) -> AsyncIterator[asyncio.subprocess.Process]:
        for name, here in self._instead.items():
            command = command.replace(name, here)
        exec_ = "" if command.startswith(". ") else "exec "
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", f"{self._before}{exec_}{command}"),
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            cwd=self.home,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await process.wait()


Done = Callable[[str], None]
"""Told of each step once it is done, in words."""


async def followed(typist: Typist, relay: str, apps: Core, stack: contextlib.AsyncExitStack, done: Done) -> Cast:
    """Type the commands of the guide's first day, and be the people who come while its channel runs.

    The people stay for as long as the stack does.

    Raises:
        Failed: see there.
    """
    (typist.home / "stick").mkdir()
    invited, site = Invitations("", ""), typist.home / "news"
    room = Newsroom(typist.home / ".local" / "share" / "angarium-channel")
    people: list[Cast] = []
    for command in typist.first_day:
        if "angarium channel run" not in command:
            said = await typist.type(command)
            done(command)
            if "angarium channel init" in command:
                invited = Invitations(*LINK.findall(said))
            continue
        async with typist.running(command, "is up"):
            await until((site / "index.html").exists)
            done(f"{command} (is up, and has written the site)")
            cast = await stack.enter_async_context(assembled(apps, (room, invited), lambda: fresh(relay)))
            done("two editors and a reader make profiles and scan, all at once, and are in")
            await publish(cast, HEADLINE)
            done("a post is written, approved, and in the reader's app")
            await until(lambda: HEADLINE in (site / "index.html").read_text())
            done("... and on the site")
            people.append(cast)
    return people[0]


async def publish(cast: Cast, headline: str) -> None:
    """One editor writes, the other approves, the reader has it in the app."""
    await cast.ada.say(f"{headline}\n\nNeither snow nor rain stays them.")
    await cast.ben.react((await cast.ben.wait(says(headline)))["id"])
    await cast.reader.wait(says(headline))


async def measure(*, install: bool) -> list[tuple[str, float]]:
    """Follow the guide's first day; each step with the seconds that it took."""
    steps: list[tuple[str, float]] = []
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        up = await stack.enter_async_context(relay(directory / "relay"))
        apps = await stack.enter_async_context(core(binary(), directory / "apps"))
        last = time.perf_counter()

        def done(what: str) -> None:
            nonlocal last
            now = time.perf_counter()
            steps.append((what, now - last))
            last = now

        typist = Typist(directory / "home", names(directory / "home", up.ready.invitation), install=install)
        await followed(typist, up.ready.invitation, apps, stack, done)
    return steps


def main() -> int:
    parser = argparse.ArgumentParser(description="The newsroom's guide, typed as it stands.")
    parser.add_argument("--install", action="store_true", help="the first step too, in an environment of its own")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    steps = asyncio.run(measure(install=given.install))
    if given.json:
        print(json.dumps([{"step": what, "seconds": round(seconds, 2)} for what, seconds in steps]))
        return 0
    for what, seconds in [*steps, ("all of it", sum(seconds for _, seconds in steps))]:
        print(f"{seconds:7.1f} s  {what}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
