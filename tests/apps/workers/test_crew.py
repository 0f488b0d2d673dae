"""The first process's side, alone: a worker that says nothing is ended, and what is only told never waits."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from angarium.apps.config import Config
from angarium.apps.workers import crew as module
from angarium.apps.workers.crew import Crew, Rooms
from angarium.apps.workers.messages import Begin
from angarium.edge.listener import Listener
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory

if TYPE_CHECKING:
    import subprocess

MUTE = """
import asyncio, socket, sys
import msgspec
from angarium.apps.harden import Hardened
from angarium.apps.workers.messages import Kinds, Missed, Ready
from angarium.edge.link import Link
async def never(message):
    await asyncio.Event().wait()
async def main():
    end = socket.socket(fileno=int(sys.argv[1]))
    link = await Link.open(end, Kinds, hear=lambda message: None, answer=never, missed=Missed())
    await link.ask(Ready(Hardened()))
    await link.lost()
asyncio.run(main())
"""


@pytest.fixture
async def mute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Crew]:
    """A worker that says it is ready, and then answers nothing."""
    program = tmp_path / "mute.py"
    program.write_text(MUTE)
    monkeypatch.setattr(module, "COMMAND", (sys.executable, "-P", str(program)))
    monkeypatch.setattr(module, "FORGET_SECONDS", 0.2)
    monkeypatch.setattr(module, "WATCH_SECONDS", 0.1)
    monkeypatch.setattr(module, "COUNT_SECONDS", 0.1)
    monkeypatch.setattr(module, "STOP_SECONDS", 0.1)
    unused = cast("Any", None)
    store: Store = open_memory(Clear(bytes(32)))
    listener = Listener(Config().limits, unused, unused)

    async def running() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(listener.run())
            group.create_task(crew.run())

    rooms = Rooms(
        begin=lambda doors: Begin("", 0, b"", Config(), "", "", doors),
        store=store,
        queue=unused,
        listener=listener,
        forget=unused,
        counted=unused,
        delivered=unused,
        trouble=unused,
        days=lambda: (1, 1),
    )
    crew = Crew(rooms, 0, 1)
    task = asyncio.create_task(running())
    await crew.ready()
    yield crew
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.close()


def process(crew: Crew) -> "subprocess.Popen[bytes]":
    found = crew._workers[0].process
    assert found is not None
    return found


async def test_a_worker_that_does_not_forget_is_killed_before_anybody_is_told(
    mute: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = process(mute)
    await asyncio.wait_for(mute.forget("alice"), 5)
    assert before.wait(5) == -9


async def test_a_worker_that_hangs_is_killed_and_another_takes_its_place(
    mute: Crew, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "HANG_SECONDS", 0.1)
    before = process(mute)
    assert await asyncio.to_thread(before.wait, 10) == -9
    async with asyncio.timeout(10):
        while process(mute) is before:
            await asyncio.sleep(0.05)
    assert "did not answer" in caplog.text
    assert "is started again" in caplog.text


async def test_a_worker_that_does_not_count_counts_for_nothing(mute: Crew) -> None:
    assert await asyncio.wait_for(mute.connections(), 5) == 0
