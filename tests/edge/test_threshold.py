"""Accepting: who stands before a door is let in at once, one by one where they come one by one, and several where many
come; what the system has no room for is said."""

import asyncio
import errno
import socket
from typing import cast

import pytest

from angarium.edge import threshold
from angarium.edge.threshold import knocks


class Listening:
    """A listening socket of which it is counted how often it was asked, and that can be out of descriptors."""

    def __init__(self) -> None:
        self.real = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.real.setblocking(False)
        self.asked = 0
        self.fails: list[int] = []

    def fileno(self) -> int:
        return self.real.fileno()

    def accept(self) -> tuple[socket.socket, object]:
        self.asked += 1
        if self.fails:
            raise OSError(self.fails.pop(), "so it is")
        return self.real.accept()

    def come(self) -> socket.socket:
        return socket.create_connection(self.real.getsockname())


async def let_in(listening: Listening, visits: int) -> list[socket.socket]:
    """So many, as soon as they are there."""
    accepted: list[socket.socket] = []
    enough = asyncio.Event()

    def one(connected: socket.socket) -> None:
        accepted.append(connected)
        if len(accepted) == visits:
            enough.set()

    knocking = asyncio.ensure_future(knocks(cast("socket.socket", listening), one))
    waiting = asyncio.ensure_future(enough.wait())
    try:
        async with asyncio.timeout(5):
            await asyncio.wait([knocking, waiting], return_when=asyncio.FIRST_COMPLETED)
        if knocking.done():
            knocking.result()
    finally:
        knocking.cancel()
        waiting.cancel()
        await asyncio.wait([knocking, waiting])
        for connected in accepted:
            connected.close()
    return accepted


async def test_who_comes_alone_is_not_kept_waiting_for_a_second() -> None:
    listening = Listening()
    with listening.come():
        assert len(await let_in(listening, 1)) == 1
    assert listening.asked == 1
    listening.real.close()


async def test_of_many_more_and_more_are_let_in_in_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threshold, "AT_ONCE", 4)
    listening = Listening()
    clients = [listening.come() for _ in range(20)]
    assert len(await let_in(listening, 20)) == 20
    assert listening.asked <= 21
    for one in (*clients, listening.real):
        one.close()


async def test_who_has_gone_already_is_passed_over() -> None:
    listening = Listening()
    listening.fails = [errno.ECONNABORTED]
    with listening.come():
        assert len(await let_in(listening, 1)) == 1
    assert listening.fails == []
    listening.real.close()


async def test_that_the_system_has_nothing_left_is_said_and_it_can_be_tried_again() -> None:
    listening = Listening()
    listening.fails = [errno.EMFILE]
    with listening.come():
        with pytest.raises(OSError, match="so it is"):
            await let_in(listening, 1)
        assert len(await let_in(listening, 1)) == 1
    listening.real.close()
