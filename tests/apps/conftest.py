"""The command line in processes of its own, and relays to try it on."""

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import OPTIONS, Relay, relay

Command = Callable[..., Awaitable[tuple[int, str, str]]]
Running = Callable[..., AbstractAsyncContextManager[Relay]]


@pytest.fixture
def command() -> Command:
    """Runs `angarium` with words; gives its exit status, what it said, what it complained of."""

    async def run(*words: str, typed: str = "") -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "angarium", *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "COLUMNS": "100"},
        )
        said, complained = await process.communicate(typed.encode())
        return process.returncode or 0, said.decode(), complained.decode()

    return run


@pytest.fixture
def running(tmp_path: Path) -> Running:
    """Runs a relay on `data` in the test's directory."""

    @asynccontextmanager
    async def run(*options: str) -> AsyncIterator[Relay]:
        async with relay(tmp_path / "data", (*OPTIONS, *options)) as up:
            yield up

    return run


@pytest.fixture
def trusting() -> ssl.SSLContext:
    """A TLS client as an app is with `ic=3`: it takes every certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
