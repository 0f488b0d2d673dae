"""A relay of three processes, and people whose connections fall to one or another: to the app it is one relay."""

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from angarium.apps.check.trial import Trial, trial
from angarium.lab.profile import join
from tests.e2e.conftest import gathered

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from angarium.apps.check.throwaway import Relay
    from angarium.lab.core import Core

    Start = Callable[..., AbstractAsyncContextManager[Relay]]
    Web = Callable[..., Awaitable[tuple[int, str]]]
    Impatient = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]

SETTINGS = "[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n[limits]\nworkers = 3\n"


@pytest_asyncio.fixture(loop_scope="session")
async def three(start: "Start", tmp_path: Path) -> "AsyncIterator[Relay]":
    async with start(tmp_path / "relay", settings=SETTINGS) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def crowd(three: "Relay", apps: "Core", tmp_path: Path) -> AsyncIterator[Trial]:
    """Nobody yet, on the relay of three processes."""
    async with trial(apps, three.ready.invitation, tmp_path) as under_way:
        yield under_way
        for profile in under_way.people:
            with contextlib.suppress(Exception):
                await profile.call("stop_io")


def workers(relay: "Relay") -> list[int]:
    """Its processes but the first."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == relay.process.pid:
                found.append(int(entry.name))
    return found


@pytest.mark.timeout(200)
async def test_texts_a_group_and_files(crowd: Trial, tmp_path: Path) -> None:
    ada, chat, others = await gathered(crowd, 6)
    first = await crowd.send("opening", ada, chat, others)
    await crowd.ledger.complete("opening")
    picture = tmp_path / "picture.bin"
    picture.write_bytes(secrets.token_bytes(300_000))
    for speaker in others:
        (found,) = await speaker.call("search_messages", first, None)
        where = (await speaker.call("get_message", found))["chatId"]
        everybody = [person for person in crowd.people if person is not speaker]
        await crowd.send("round", speaker, where, everybody)
        await crowd.send("files", speaker, where, everybody, picture)
    for step in ("round", "files"):
        await crowd.ledger.complete(step)
    held = await crowd.held()
    assert all(crowd.ledger.tally(step, held).right for step in ("opening", "round", "files"))


@pytest.mark.timeout(200)
async def test_people_go_on_talking_while_workers_are_killed(
    three: "Relay", crowd: Trial, impatient: "Impatient"
) -> None:
    ada, chat, others = await gathered(crowd, 4)
    await crowd.send("opening", ada, chat, others)
    await crowd.ledger.complete("opening")
    for number in range(3):
        for _ in range(4):
            await crowd.send(f"round {number}", ada, chat, others)
        while not (there := workers(three)):  # who died a moment ago is not back yet
            await asyncio.sleep(0.05)
        os.kill(there[0], signal.SIGKILL)
        await impatient(crowd.ledger.complete(f"round {number}"))
    held = await crowd.held()
    assert all(crowd.ledger.tally(f"round {number}", held).right for number in range(3))


async def test_an_account_that_is_deleted_is_gone_for_its_app_and_for_those_who_write_to_it(
    three: "Relay", crowd: Trial, web: "Web"
) -> None:
    ada, ben = await crowd.enter("Ada"), await crowd.enter("Ben")
    chat = await join(ada, ben)
    await crowd.send("before", ben, chat, [ada])
    await crowd.ledger.complete("before")
    with ada.when("ConnectivityChanged") as cut:
        status, _ = await web(
            three, "POST", "/delete", urlencode({"name": ada.address, "password": ada.password, "sure": "yes"})
        )
        assert status == 200
        await cut
    with ben.when("MsgFailed") as failed:
        await ben.say(chat, "is anybody there?")
        event = await failed
    assert "no such address" in (await ben.call("get_message", event.fields["msgId"]))["error"]
