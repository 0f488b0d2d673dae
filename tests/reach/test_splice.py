"""Two connections made into one: what passes, what waits, and how it ends."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from angarium.reach import transport
from angarium.reach.splice import splice
from angarium.reach.transport import Connection


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "GOODBYE_SECONDS", 0.1)


def tcp() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection on loopback, where a reset can be told from an end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        other, _ = server.accept()
    return one, other


@asynccontextmanager
async def spliced(timeout: float = 5) -> AsyncIterator[tuple[Connection, Connection, "asyncio.Task[None]"]]:
    (left, near), (far, right) = tcp(), tcp()
    for one in (left, near, far, right):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    ends = Connection(left), Connection(right)
    task = asyncio.create_task(splice(Connection(near), Connection(far), timeout=timeout))
    try:
        yield *ends, task
    finally:
        for end in ends:
            end.abort()
        await asyncio.wait({task}, timeout=5)
        assert task.done()


async def fill(connection: Connection) -> int:
    """Write until nobody has taken anything for a while, or the connection is gone; how much was taken."""
    written = 0
    with contextlib.suppress(OSError):
        while written < 16 << 20:
            await connection.write(bytes(16_384), timeout=0.4)
            written += 16_384
    return written


async def test_what_is_said_is_heard_on_the_other_side_both_ways() -> None:
    async with spliced() as (left, right, _):
        await left.write(b"a question")
        assert await right.read(timeout=5) == b"a question"
        await right.write(b"an answer")
        assert await left.read(timeout=5) == b"an answer"


async def test_who_takes_nothing_is_read_for_no_further() -> None:
    async with spliced() as (left, right, _):
        written = await fill(left)
        assert written < 4 << 20  # what the kernel holds in four sockets, and a piece
        heard = 0
        while heard < written:
            heard += len(await right.read(timeout=5))


async def test_an_orderly_end_is_an_orderly_end_behind_all_that_was_said() -> None:
    async with spliced() as (left, right, task):
        await left.write(bytes(100_000))
        await left.close()
        heard = b""
        while data := await right.read(timeout=5):
            heard += data
        assert len(heard) == 100_000
        await asyncio.wait_for(task, 5)


async def test_a_reset_is_passed_on_as_one() -> None:
    async with spliced() as (left, right, task):
        await left.write(b"half of")
        assert await right.read(timeout=5) == b"half of"
        left.abort()
        with pytest.raises(ConnectionResetError):
            await right.read(timeout=5)
        await asyncio.wait_for(task, 5)


async def test_who_takes_nothing_for_too_long_is_left() -> None:
    async with spliced(timeout=0.2) as (left, _right, task):
        await fill(left)
        await asyncio.wait_for(task, 5)


async def test_cancelled_it_leaves_nothing_open() -> None:
    async with spliced() as (left, _right, task):
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(ConnectionResetError):
            await left.read(timeout=5)
        with pytest.raises(asyncio.CancelledError):
            await task
