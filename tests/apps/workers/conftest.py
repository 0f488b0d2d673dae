"""A relay of three processes, and what can be seen of them from outside."""

import asyncio
import contextlib
import http.client
import os
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from angarium.apps.check.throwaway import OPTIONS, Relay, relay
from angarium.edge.control import ask
from angarium.lab.clients import Imap, Refused, Submission

PASSWORD = "a password of some length"
SETTINGS = """\
[messages]
rate_per_minute = 1000000
rate_burst = 100000
[limits]
workers = 3
"""


@dataclass
class Several:
    """A relay that is up, whose connections fall to one process or another."""

    up: Relay
    data: Path

    @property
    def workers(self) -> list[int]:
        """Its processes but the first."""
        first, found = self.up.process.pid, []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == first:
                    found.append(int(entry.name))
        return sorted(found)

    async def begun_anew(self, before: list[int]) -> None:
        """Wait until none of these is there, and as many others are."""
        while len(now := self.workers) < len(before) or set(now) & set(before):
            await asyncio.sleep(0.05)

    async def imap(self, name: str, password: str = PASSWORD) -> Imap:
        """A session with INBOX open."""
        imap = await Imap.connect("127.0.0.1", self.up.port("imaps"))
        await imap.login(f"{name}@127.0.0.1", password)
        await imap.select(everything=True)
        return imap

    async def imaps(self, name: str, count: int) -> list[Imap]:
        """So many of them: with a dozen, hardly ever are all in one process."""
        return [await self.imap(name) for _ in range(count)]

    async def submission(self, name: str, password: str = PASSWORD) -> Submission:
        submission = await Submission.connect("127.0.0.1", self.up.port("submissions"))
        await submission.login(f"{name}@127.0.0.1", password)
        return submission

    async def refused(self, name: str, password: str = PASSWORD) -> bool:
        """Whether a login is refused."""
        imap = await Imap.connect("127.0.0.1", self.up.port("imaps"))
        try:
            await imap.login(f"{name}@127.0.0.1", password)
        except Refused:
            return True
        finally:
            imap.abort()
        return False

    async def page(self, path: str, **fields: str) -> int:
        """POST a form; the status."""

        def post() -> int:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            page = urlsplit(self.up.ready.page)
            connection = http.client.HTTPSConnection(str(page.hostname), page.port, timeout=30, context=context)
            connection.request("POST", path, urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"})
            status = connection.getresponse().status
            connection.close()
            return status

        return await asyncio.to_thread(post)

    async def status(self) -> dict[str, Any]:
        """What the keeper is told."""
        answer: dict[str, Any] = await ask(self.data / "control", "status")
        return answer


Make = Callable[[], AbstractAsyncContextManager[Several]]


@pytest.fixture
def several(tmp_path: Path) -> Make:
    """Starts the relay, again if need be."""
    data = tmp_path / "data"
    data.mkdir(0o700)
    (data / "angarium.toml").write_text(SETTINGS)

    @asynccontextmanager
    async def start() -> AsyncIterator[Several]:
        async with relay(data, OPTIONS) as up:
            made = Several(up, data)
            workers = made.workers
            try:
                yield made
            finally:
                for pid in workers:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)

    return start
