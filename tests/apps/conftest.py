"""The command line in processes of its own, and relays to try it on."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import OPTIONS, Relay, relay
from tests.apps.command import angarium

Command = Callable[..., Awaitable[tuple[int, str, str]]]
Running = Callable[..., AbstractAsyncContextManager[Relay]]


@pytest.fixture
def command() -> Command:
    """Runs `angarium` with words; gives its exit status, what it said, what it complained of."""
    return angarium


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
