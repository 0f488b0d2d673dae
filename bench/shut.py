"""What it costs people when the published address of their relay is shut, and they know fronts: nothing is lost.

    python -m bench.shut refused|swallowed [--texts 100] [--asked 6] [--json]

A relay on two addresses, of which the second is known to its fronts only; two fronts, one of them for a group; three
people in the real core. Then the published address is shut: the relay is started again without it, and whoever connects
there is told that nobody is there (`refused`), or hears nothing at all (`swallowed`). Nobody does anything about it;
the app is told every second that the network has changed, as phones are all day. Two write to the third.

`--asked`: how often the system asks again before it gives up a connection that nobody answers (RFC 9293, 3.8.3). With
Linux's own 6 the app gives up first, after a minute; with 1 the system does, after three seconds, and what follows is
the same.

All of it happens on loopback in a network of its own, with the standard ports, since the app looks for autoconfig on
443. That needs root, or a system where people may have user namespaces of their own.

Exit status: 0 everything arrived once; 1 something did not; 2 it could not be tried.
"""

import argparse
import asyncio
import contextlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from angarium.apps.check.throwaway import Relay, relay
from angarium.apps.check.trial import Trial, trial
from angarium.edge.control import ask
from angarium.lab.censor.enclosure import enclosed, missing
from angarium.lab.core import Core, binary, core
from angarium.lab.profile import Profile, join, new_profile
from bench.figures import say

PUBLISHED, HIDDEN, FRONT, NORTH = "127.0.61.1", "127.0.61.2", "127.0.61.3", "127.0.61.4"
PORTS = "443,993,465"
SETTINGS = "[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n"
ASKED = Path("/proc/sys/net/ipv4/tcp_syn_retries")
LONGEST = 600.0
"""Seconds all of it may take."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it."""

    how: str
    texts: int
    arrived: int
    """Once each."""
    twice: int
    quickest_s: float
    """Seconds from sending to arrival, of the quickest"""
    slowest_s: float
    """and of the slowest."""
    told: str
    """For which group the front is that is said to be burnt."""

    @property
    def good(self) -> bool:
        return (self.arrived, self.twice) == (self.texts, 0)


async def measured(how: str, texts: int, directory: Path) -> Figures:
    """Shut the address and have texts sent; all of it in the network of this process."""
    data = directory / "relay"
    _made(data)
    async with (
        core(binary(), directory / "accounts") as apps,
        _front(FRONT),
        _front(NORTH),
        trial(apps, "", directory) as people,
    ):
        async with _up(data, PUBLISHED, HIDDEN):
            chats, receiver = await _acquainted(people, data)
        with _swallowing() if how == "swallowed" else contextlib.nullcontext():
            await asyncio.to_thread(_shut, how)
            async with _up(data, HIDDEN):
                for number in range(texts):
                    sender = [*chats][number % len(chats)]
                    await people.send("shut", sender, chats[sender], [receiver])
                await _hurried(apps, people, "shut")
                await asyncio.to_thread(_shut, how)
                told = await ask(data / "control", "front-burnt", address=NORTH)
                tally = people.ledger.tally("shut", await people.held())
    quickest, *_, slowest = tally.seconds
    return Figures(
        how, tally.expected, tally.delivered, tally.duplicated, round(quickest, 1), round(slowest, 1), told["group"]
    )


def _made(data: Path) -> None:
    data.mkdir(0o700)
    (data / "angarium.toml").write_text(SETTINGS)


def _up(data: Path, *addresses: str) -> AbstractAsyncContextManager[Relay]:
    return relay(data, ("--domain", PUBLISHED, *(word for one in addresses for word in ("--listen", one))))


@contextlib.asynccontextmanager
async def _front(address: str) -> AsyncIterator[None]:
    """A front in a process of its own, as its keeper starts it."""
    words = ("front", "run", "--to", HIDDEN, "--listen", address, "--ports", PORTS)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "angarium", *words), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 60)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _acquainted(people: Trial, data: Path) -> tuple[Mapping[Profile, int], Profile]:
    """Two who write, each with the chat they write to, and who hears them; one of the two is of the group."""

    async def invited(group: str = "") -> str:
        made: dict[str, Any] = await ask(data / "control", "invitation", uses=None, days=None, group=group)
        link: str = made["links"][0]
        return link

    await ask(data / "control", "front-add", address=FRONT, ports=PORTS, group="")
    await ask(data / "control", "front-add", address=NORTH, ports=PORTS, group="north")
    links = [await invited(), await invited(), await invited("north")]
    assert all("&ih=" not in link for link in links[:2]), "the app is to ask for all ways"
    assert f"&ih={NORTH}&" in links[2]
    receiver, *writers = [await new_profile(people.core, name, link) for name, link in zip("ABC", links, strict=True)]
    for person in (receiver, *writers):
        people.attend(person)
    chats = {writer: await join(receiver, writer) for writer in writers}
    for writer, chat in chats.items():
        await people.send("before", writer, chat, [receiver])
    await asyncio.wait_for(people.ledger.complete("before"), 60)
    return chats, receiver


@contextlib.contextmanager
def _swallowing() -> Iterator[None]:
    """Whoever connects to the published address gets no answer: the queues of these sockets are full."""
    with contextlib.ExitStack() as over:
        for port in map(int, PORTS.split(",")):
            one = over.enter_context(socket.create_server((PUBLISHED, port), backlog=0))
            for _ in range(3):
                waiting = over.enter_context(socket.socket())
                waiting.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    waiting.connect(one.getsockname())
        yield


def _shut(how: str) -> None:
    """See that it is. Raises AssertionError."""
    expected = {"refused": ConnectionRefusedError, "swallowed": TimeoutError}[how]
    for port in map(int, PORTS.split(",")):
        try:
            socket.create_connection((PUBLISHED, port), 0.5).close()
        except expected:
            continue
        raise AssertionError(f"{PUBLISHED}:{port} is not shut")


async def _hurried(apps: Core, people: Trial, step: str) -> None:
    """Wait until all has arrived; the core else waits up to a minute before its third connection within two minutes."""
    waiting = asyncio.create_task(people.ledger.complete(step))
    while not waiting.done():
        await apps.call("maybe_network")
        await asyncio.wait([waiting], timeout=1)


def _inside(given: argparse.Namespace) -> Figures:
    """In the enclosure."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    ASKED.write_text(str(given.asked))
    with tempfile.TemporaryDirectory() as name:
        return asyncio.run(asyncio.wait_for(measured(given.how, given.texts, Path(name)), LONGEST))


async def _enclosed(arguments: list[str]) -> int:
    command = (sys.executable, "-m", "bench.shut", *arguments, "--inside")
    async with enclosed(*command, complaints=sys.stderr.buffer) as process:
        said, _ = await process.communicate()
    sys.stdout.write(said.decode())
    assert process.returncode is not None
    return process.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("how", choices=("refused", "swallowed"))
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--asked", type=int, default=6, help="how often a connection is asked for again")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.inside:
        if lacking := missing():
            sys.stderr.write(f"this machine lacks {lacking}\n")
            return 2
        return asyncio.run(_enclosed(sys.argv[1:]))
    figures = _inside(given)
    say(asdict(figures), as_json=given.json)
    return 0 if figures.good else 1


if __name__ == "__main__":
    raise SystemExit(main())
