"""The real core reaches a relay through fronts after the direct way was shut, without anybody doing anything.

All on loopback: the relay's published address, one that only fronts know, and the fronts'. The published address is
shut by starting the relay again without it. The app looks for autoconfig on port 443, so the relay needs the standard
ports.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from angarium.apps.check.throwaway import Relay, relay
from angarium.apps.check.trial import trial
from angarium.lab.core import Core
from angarium.lab.profile import join, new_profile

PUBLISHED, HIDDEN, FRONT, NORTH = "127.0.61.1", "127.0.61.2", "127.0.61.3", "127.0.61.4"
PORTS = "443,993,465"
SETTINGS = "[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n"
TEXTS = 100

Angarium = Callable[..., Awaitable[tuple[int, str, str]]]
Impatient = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs the standard ports, and so root")


@contextlib.asynccontextmanager
async def front(address: str) -> AsyncIterator[None]:
    """A front in a process of its own, as its keeper starts it."""
    words = ("front", "run", "--to", HIDDEN, "--listen", address, "--ports", PORTS)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "angarium", *words), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    assert await asyncio.wait_for(process.stdout.readline(), 60)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def up(data: Path, *addresses: str) -> AbstractAsyncContextManager[Relay]:
    return relay(data, ("--domain", PUBLISHED, *(word for one in addresses for word in ("--listen", one))))


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Whoever connects to the published address is told that nobody is there."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((PUBLISHED, 993), 5).close()
    yield


@contextlib.contextmanager
def swallowing() -> Iterator[None]:
    """Whoever connects to the published address gets no answer: the queues of these sockets are full."""
    with contextlib.ExitStack() as over:
        for port in map(int, PORTS.split(",")):
            one = over.enter_context(socket.create_server((PUBLISHED, port), backlog=0))
            for _ in range(3):
                waiting = over.enter_context(socket.socket())
                waiting.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    waiting.connect(one.getsockname())
        with pytest.raises(TimeoutError):
            socket.create_connection((PUBLISHED, 993), 2).close()
        yield


@pytest.fixture
def data(tmp_path: Path) -> Path:
    made = tmp_path / "relay"
    made.mkdir(0o700)
    (made / "angarium.toml").write_text(SETTINGS)
    return made


@pytest.fixture
def say(angarium: Angarium, data: Path) -> Callable[..., Awaitable[str]]:
    async def run(*words: str) -> str:
        status, said, complained = await angarium(*words, "--data", data)
        assert status == 0, complained
        return said

    return run


@pytest.mark.timeout(600)
@pytest.mark.parametrize("shut", [refusing, swallowing])
async def test_the_published_address_is_shut_and_a_hundred_texts_arrive(
    apps: Core,
    impatient: Impatient,
    say: Callable[..., Awaitable[str]],
    data: Path,
    tmp_path: Path,
    shut: Callable[[], AbstractContextManager[None]],
) -> None:
    async with front(FRONT), front(NORTH), trial(apps, "", tmp_path) as people:
        async with up(data, PUBLISHED, HIDDEN):
            await say("front", "add", FRONT, "--ports", PORTS)
            await say("front", "add", NORTH, "--ports", PORTS, "--group", "north")
            links = [json.loads(await say("invite", "--json"))["links"][0] for _ in range(2)]
            assert all("&ih=" not in link for link in links)  # the app is to ask for all ways
            links += json.loads(await say("invite", "--front-group", "north", "--json"))["links"]
            assert f"&ih={NORTH}&" in links[2]
            alice, bob, carol = [await new_profile(apps, name, link) for name, link in zip("ABC", links, strict=True)]
            for person in (alice, bob, carol):
                people.attend(person)
            chats = {bob: await join(alice, bob), carol: await join(alice, carol)}
            for person, chat in chats.items():
                await people.send("before", person, chat, [alice])
            await asyncio.wait_for(people.ledger.complete("before"), 60)

        async with up(data, HIDDEN):
            with shut():
                for _ in range(TEXTS // 2):
                    for person, chat in chats.items():
                        await people.send("after", person, chat, [alice])
                await asyncio.wait_for(impatient(people.ledger.complete("after")), 300)
                assert "group north only" in await say("front", "burnt", NORTH)
                for person in (alice, bob, carol):
                    await person.remove()
