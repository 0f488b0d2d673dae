"""The relay as its keeper starts it and the real core of the apps, shared by all tests that do them no harm.

All of these tests run on one event loop, so that what is shared lives as long as the session.
"""

import asyncio
import contextlib
import http.client
import imaplib
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from angarium.apps.check.throwaway import OPTIONS, Relay, relay
from angarium.apps.check.trial import Trial, trial
from angarium.channel.newsroom import Newsroom
from angarium.channel.publisher import Invitations
from angarium.lab.core import Core, binary, core
from angarium.lab.profile import MYSELF, Profile
from tests.e2e.newsroom import founded

HERE = Path(__file__).parent
GENEROUS = "[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n"
"""Settings with which a test may send as fast as it can."""

OLDEST = "1.160.0"
"""The oldest release of deltachat-rpc-server on PyPI; it installs and runs."""
CACHE = HERE.parents[1] / ".cache"

Start = Callable[..., AbstractAsyncContextManager[Relay]]
Mails = Callable[[Relay, str, str], Awaitable[list[bytes]]]
Angarium = Callable[..., Awaitable[tuple[int, str, str]]]
Impatient = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]
Web = Callable[..., Awaitable[tuple[int, str]]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)  # the first marker counts


@pytest.fixture(scope="session")
def start() -> Start:
    """Starts a relay on a data directory, again if need be, with these settings the first time."""

    def on(data: Path, *options: str, settings: str = GENEROUS) -> AbstractAsyncContextManager[Relay]:
        if not data.exists():
            data.mkdir(0o700, parents=True)
            if settings:
                (data / "angarium.toml").write_text(settings)
        return relay(data, (*OPTIONS, *options))

    return on


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def up(start: Start, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Relay]:
    """The shared relay: do not stop it, do not fill it."""
    async with start(tmp_path_factory.mktemp("shared") / "relay") as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def apps(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Core]:
    """The newest core, with every test's profiles in it."""
    async with core(binary(), tmp_path_factory.mktemp("core") / "accounts") as running:
        yield running


@pytest.fixture(scope="session")
def oldest_core() -> Path:
    """The program of the oldest core, installed once into the cache; its tests are skipped where it cannot be had."""
    home = CACHE / f"core-{OLDEST}"
    program = home / "deltachat_rpc_server" / "deltachat-rpc-server"
    if not program.exists():
        CACHE.mkdir(exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=CACHE))
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", draft)
        done = subprocess.run((*pip, f"deltachat-rpc-server=={OLDEST}"), capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"deltachat-rpc-server {OLDEST} cannot be installed here: {done.stderr.strip()[-300:]}")
        with contextlib.suppress(OSError):  # another run was first
            draft.rename(home)
    return program


@pytest_asyncio.fixture(loop_scope="session")
async def people(up: Relay, apps: Core, tmp_path: Path) -> AsyncIterator[Trial]:
    """Nobody yet, on the shared relay; who comes is offline again after the test."""
    async with trial(apps, up.ready.invitation, tmp_path) as under_way:
        yield under_way
        for profile in under_way.people:
            await profile.call("stop_io")


@pytest.fixture(scope="session")
def mails() -> Mails:
    """Everything in the INBOX of an account, read by Python's own IMAP client and left there."""

    def read(up: Relay, address: str, password: str) -> list[bytes]:
        with imaplib.IMAP4_SSL("127.0.0.1", up.port("imaps"), ssl_context=trusting(), timeout=30) as imap:
            imap.login(address, password)
            imap.select("INBOX", readonly=True)
            _, (found,) = imap.uid("SEARCH", "ALL")
            if not found:
                return []
            _, fetched = imap.uid("FETCH", found.decode().replace(" ", ","), "(BODY.PEEK[])")
            return [part[1] for part in fetched if isinstance(part, tuple)]

    async def read_in_thread(up: Relay, address: str, password: str) -> list[bytes]:
        return await asyncio.to_thread(read, up, address, password)

    return read_in_thread


@pytest.fixture(scope="session")
def angarium() -> Angarium:
    """Runs the command line to its end: (exit status, what it printed, what it complained of)."""

    async def run(*arguments: str | Path, timeout: float = 100) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "angarium", *map(str, arguments)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), timeout)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    return run


@pytest.fixture(scope="session")
def web() -> Web:
    """Asks the relay's page: (status, body)."""

    def ask(up: Relay, method: str, path: str, body: str, headers: Mapping[str, str]) -> tuple[int, str]:
        page = urlsplit(up.ready.page)
        assert page.hostname
        connection = http.client.HTTPSConnection(page.hostname, page.port, timeout=30, context=trusting())
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    async def ask_in_thread(up: Relay, method: str, path: str, form: str = "") -> tuple[int, str]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        return await asyncio.to_thread(ask, up, method, path, form, headers)

    return ask_in_thread


@pytest.fixture(scope="session")
def impatient(apps: Core) -> Impatient:
    """Waits for something, and tells the core now and then that the network is back, as phones do all day.

    The core else waits up to a minute before its third connection within two minutes.
    """

    async def wait(something: Coroutine[Any, Any, None]) -> None:
        waiting = asyncio.create_task(something)
        while not waiting.done():
            await apps.call("maybe_network")
            await asyncio.wait([waiting], timeout=1)
        waiting.result()

    return wait


async def gathered(crowd: Trial, count: int) -> tuple[Profile, int, list[Profile]]:
    """So many new people in a group: whose it is, her chat, and the others."""
    ada, *others = await asyncio.gather(*(crowd.enter(f"Person {number}") for number in range(count)))
    chat = await ada.group("Everybody")
    for card in await asyncio.gather(*(other.call("make_vcard", [MYSELF]) for other in others)):
        (contact,) = await ada.call("import_vcard_contents", card)
        await ada.call("add_contact_to_chat", chat, contact)
    return ada, chat, others


@pytest_asyncio.fixture(loop_scope="session")
async def room(up: Relay, angarium: Angarium, tmp_path: Path) -> tuple[Newsroom, Invitations]:
    """A channel on the shared relay, with its invitations."""
    return await founded(angarium, tmp_path / "newsroom", up.ready.invitation)


def trusting() -> ssl.SSLContext:
    """Takes the relay's self-signed certificate, as the invitation tells the app to."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
