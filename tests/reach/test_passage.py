"""Bytes handed on, and every way it may end."""

import asyncio
import hashlib
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from angarium.reach.passage import Patience, passage
from angarium.reach.transport import Connection

RawPair = Callable[[], tuple[socket.socket, socket.socket]]
BIG = 20_000_000


class Hasty(Patience):
    """Waits for nobody."""

    unread = 0.3
    silent = 0.3
    parting = 0.3


@pytest.fixture
def between(raw_pair: RawPair) -> Callable[..., tuple[socket.socket, socket.socket, Coroutine[Any, Any, None]]]:
    """A person's end, the relay's end, and what passes bytes between them."""

    def make(
        patience: type[Patience] = Patience,
    ) -> tuple[socket.socket, socket.socket, Coroutine[Any, Any, None]]:
        person, near = raw_pair()
        far, relay = raw_pair()
        for one in (person, relay):
            one.setblocking(False)
        return person, relay, passage(Connection(near), Connection(far), patience)

    return make


Between = Callable[..., tuple[socket.socket, socket.socket, Coroutine[Any, Any, None]]]


async def all_of(one: socket.socket) -> bytes:
    """Everything up to the end."""
    parts = []
    while part := await asyncio.get_running_loop().sock_recv(one, 65_536):
        parts.append(part)
    return b"".join(parts)


async def within(waited: Awaitable[Any], seconds: float = 20) -> Any:
    return await asyncio.wait_for(waited, seconds)


async def flooding(one: socket.socket, size: int = 64_000_000) -> None:
    """Send so much, as fast as it is taken."""
    for _ in range(size // 65_536):
        await asyncio.get_running_loop().sock_sendall(one, bytes(65_536))


async def test_millions_of_bytes_both_ways_at_once(between: Between) -> None:
    person, relay, passing = between()
    task = asyncio.create_task(passing)
    loop = asyncio.get_running_loop()
    up, down = os.urandom(BIG), os.urandom(BIG)

    async def say(one: socket.socket, data: bytes) -> None:
        await loop.sock_sendall(one, data)
        one.shutdown(socket.SHUT_WR)

    _, _, heard, told = await within(
        asyncio.gather(say(person, up), say(relay, down), all_of(relay), all_of(person)), 60
    )
    assert hashlib.sha256(heard).digest() == hashlib.sha256(up).digest()
    assert hashlib.sha256(told).digest() == hashlib.sha256(down).digest()
    await within(task)


async def test_who_has_said_all_still_hears(between: Between) -> None:
    person, relay, passing = between()
    task = asyncio.create_task(passing)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(person, b"QUIT")
    person.shutdown(socket.SHUT_WR)
    assert await within(all_of(relay)) == b"QUIT"
    assert not task.done()
    await loop.sock_sendall(relay, b"bye")
    relay.close()
    assert await within(all_of(person)) == b"bye"
    await within(task)


@pytest.mark.parametrize("who", ["person", "relay"])
async def test_a_reset_is_passed_on_as_a_reset(between: Between, who: str) -> None:
    person, relay, passing = between()
    task = asyncio.create_task(passing)
    cut, other = (person, relay) if who == "person" else (relay, person)
    cut.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    cut.close()
    with pytest.raises(ConnectionResetError):
        await within(all_of(other))
    await within(task)


async def test_cancelled_it_cuts_both_off(between: Between) -> None:
    person, relay, passing = between()
    task = asyncio.create_task(passing)
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await within(task)
    for one in (person, relay):
        with pytest.raises(ConnectionResetError):
            await within(all_of(one))


async def test_what_is_not_taken_is_not_read(between: Between) -> None:
    """The one who sends is slowed down by the one who does not take; nothing piles up in between."""
    person, relay, passing = between()
    task = asyncio.create_task(passing)
    flood = asyncio.create_task(flooding(person))
    await asyncio.wait([flood], timeout=1)
    assert not flood.done(), "somebody keeps what nobody takes"
    flood.cancel()
    relay.close()
    person.close()
    await within(task)


async def test_who_takes_nothing_is_given_up(between: Between) -> None:
    person, relay, passing = between(Hasty)
    task = asyncio.create_task(passing)
    with pytest.raises(ConnectionError):
        await within(flooding(person))
    await within(task)
    relay.close()


async def test_who_says_nothing_is_given_up_and_so_is_who_does_not_part(between: Between) -> None:
    person, _, passing = between(Hasty)
    await within(passing, 2)
    with pytest.raises(ConnectionResetError):
        await within(all_of(person))

    class Parting(Hasty):
        silent = 20.0

    person, _, passing = between(Parting)
    person.shutdown(socket.SHUT_WR)
    await within(passing, 2)
