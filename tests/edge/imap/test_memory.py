"""What an idle session costs: a relay holds tens of thousands of them."""

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from angarium.edge.imap.serve import serve_imap

if TYPE_CHECKING:
    from angarium.reach.transport import Connection
    from tests.edge.imap.conftest import Relay

SESSIONS, BATCHES = 100, 3
"""Sessions in each batch. The batch that grew least counts: others also hold what was made once, at whatever moment."""
MOST = 3600
"""Bytes of Python objects: the task of asyncio's and some 400 of this test's own included."""


class Script:
    """A connection whose peer says its lines and then nothing more."""

    __slots__ = ("_lines", "alpn", "heard", "secure")

    def __init__(self, lines: Iterator[bytes], heard: list[bytes]) -> None:
        self._lines = lines
        self.heard = heard
        self.secure = True
        self.alpn = None

    async def read(self, limit: int, *, timeout: float | None = None) -> bytes:
        return next(self._lines)

    async def take(self, limit: int) -> None:
        pass

    def readable(self, *, timeout: float | None = None) -> "asyncio.Future[None]":
        return asyncio.get_running_loop().create_future()

    def settle(self) -> None:
        pass

    async def write(self, data: bytes, *, timeout: float | None = None) -> None:
        if b"idling" in data:
            self.heard.append(b"+")

    async def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


async def test_an_idle_session_is_small(relay: "Relay") -> None:
    site = relay.site()
    heard: list[bytes] = []

    def begin() -> "asyncio.Task[None]":
        lines = [
            b'a LOGIN "alice1234@relay.example" "correct horse battery"\r\n',
            b'b SELECT "INBOX"\r\n',
            b"c UID FETCH 1:500 (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])\r\n",
            b"d IDLE\r\n",
        ]
        return asyncio.create_task(serve_imap(cast("Connection", Script(iter(lines), heard)), site))

    async def idling(number: int) -> None:
        while len(heard) < number:
            await asyncio.sleep(0.001)

    tasks = [begin()]
    await idling(1)
    grew = []
    tracemalloc.start()
    try:
        for _ in range(BATCHES):
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            tasks += [begin() for _ in range(SESSIONS)]
            await idling(len(tasks))
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
            grew.append(after - before)
    finally:
        tracemalloc.stop()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert min(grew) / SESSIONS < MOST
