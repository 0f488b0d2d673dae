"""The keeper's line: questions, refusals, a relay that is not there, and directories too deep for a socket's name."""

import asyncio
import contextlib
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from angarium.edge.control import NotRunning, Refusal, ask, serve_control


async def double(details: Mapping[str, Any]) -> int:
    return 2 * int(details["n"])


async def refuse(details: Mapping[str, Any]) -> None:
    raise Refusal("not today")


@contextlib.asynccontextmanager
async def serving(path: Path) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(serve_control(path, {"double": double, "refuse": refuse}))
    while not path.exists():
        await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_answers_and_refusals(tmp_path: Path) -> None:
    path = tmp_path / "control"
    async with serving(path):
        assert await ask(path, "double", n=21) == 42
        with pytest.raises(Refusal, match="not today"):
            await ask(path, "refuse")
        with pytest.raises(Refusal, match="ask one of: double, refuse"):
            await ask(path, "what")
    assert not path.exists()


async def test_only_its_owner_may_open_it(tmp_path: Path) -> None:
    async with serving(tmp_path / "control"):
        assert stat.S_IMODE((tmp_path / "control").stat().st_mode) == 0o600


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(NotRunning):
        await ask(tmp_path / "control", "double", n=1)


async def test_a_socket_left_by_a_crash_is_replaced(tmp_path: Path) -> None:
    import socket

    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "control"))
    left.close()
    with pytest.raises(NotRunning):
        await ask(tmp_path / "control", "double", n=1)
    task = asyncio.create_task(serve_control(tmp_path / "control", {"double": double}))
    try:
        for _ in range(1000):
            with contextlib.suppress(NotRunning):
                assert await ask(tmp_path / "control", "double", n=1) == 2
                break
            await asyncio.sleep(0.005)
        else:
            pytest.fail("the socket was not replaced")
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_deep_directory(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60) / ("f" * 60)
    deep.mkdir(parents=True)
    async with serving(deep / "control"):
        assert await ask(deep / "control", "double", n=4) == 8


@pytest.mark.parametrize("line", [b"\n", b"{\n", b"[]\n", b'{"ask": 3}\n', b"\xff\xfe\n", b"{" * 4096 + b"\n"])
async def test_nonsense_is_answered_and_the_line_goes_on(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "control"
    async with serving(path):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(line)
        assert b'"error"' in await reader.readline()
        writer.write(b'{"ask": "double", "n": 3}\n')
        assert await reader.readline() == b'{"ok":6}\n'
        writer.close()
