"""Connections that break in the middle of a fetch: what was cut off comes with the next one, nothing comes twice.

A connection may end by a reset or in what looks like order (FIN). In clear IMAP the real core (2.65) takes the second
for the end of the answer: messages that were not yet there it takes for messages that do not exist, and never asks for
them again. Inside COMPRESS=DEFLATE an end in mid-stream is an error to it, and it does ask again. So these tests are
also the proof that the relay offers compression and the core takes it.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import pytest

from angarium.apps.check.links import fresh, site
from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import Trial
from angarium.lab.clients import Imap, Submission
from angarium.lab.mails import mark_of, sealed
from angarium.lab.profile import MYSELF, new_profile

Impatient = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]

WAITING = 40
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
PASSWORD = "a password of no account"


class Cutter:
    """A TCP proxy that ends the next connection after so many bytes from the server, and lets others pass."""

    def __init__(self, port: int, *, reset: bool) -> None:
        self._port = port
        self._reset = reset
        self.cut_after: int | None = None
        self.cuts = 0

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._port)
        upward = asyncio.create_task(self._pump(reader, server_writer))
        try:
            await self._pump(server_reader, writer, counted=True)
        finally:
            upward.cancel()
            server_writer.transport.abort()
            writer.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, counted: bool = False) -> None:
        passed = 0
        with contextlib.suppress(ConnectionError):
            while data := await source.read(1024):
                passed += len(data)
                sink.write(data)
                await sink.drain()
                if counted and self.cut_after is not None and passed > self.cut_after:
                    self.cut_after = None
                    self.cuts += 1
                    return


@contextlib.asynccontextmanager
async def cutter(port: int, *, reset: bool) -> AsyncIterator[tuple[Cutter, int]]:
    """A proxy before a port, and the port of the proxy."""
    proxy = Cutter(port, reset=reset)
    server = await asyncio.start_server(proxy.pass_on, "127.0.0.1", 0)
    async with server:
        yield proxy, server.sockets[0].getsockname()[1]


async def fill(up: Relay, address: str) -> list[str]:
    """Have strangers send mails of all sizes to an account; return their marks in order."""
    sender = f"sender{random.randrange(10**6):06}@{address.partition('@')[2]}"
    submission = await Submission.connect("127.0.0.1", up.port("submissions"))
    await submission.login(sender, PASSWORD)
    marks = [f"{number}-{random.randrange(10**9)}" for number in range(WAITING)]
    for mark in marks:
        await submission.send(sender, [address], sealed(sender, mark, size=random.randrange(1000, 20_000)))
    submission.abort()
    return marks


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "end"])
@pytest.mark.parametrize("seed", range(3))
async def test_a_plain_client_goes_on_where_it_was_cut_off(up: Relay, seed: int, reset: bool) -> None:
    random.seed(seed)
    address = f"{'reset' if reset else 'end'}.{random.randrange(10**6):06}@{site(up.ready.invitation).name}"
    direct = await Imap.connect("127.0.0.1", up.port("imaps"))
    await direct.login(address, PASSWORD)
    direct.abort()
    marks = await fill(up, address)
    fetched: list[tuple[int, bytes]] = []
    async with cutter(up.port("imaps"), reset=reset) as (proxy, port):
        proxy.cut_after = random.randrange(20_000, 400_000)
        while len(fetched) < WAITING:
            with contextlib.suppress(ConnectionError):
                imap = await Imap.connect("127.0.0.1", port)
                await imap.login(address, PASSWORD)
                await imap.select(everything=True)
                known = {uid for uid, _ in fetched}
                first = imap._next
                for uid in range(first, first + WAITING):
                    if uid not in known:
                        fetched += await imap.fetch([uid])
                imap.abort()
    assert proxy.cuts == 1
    assert [mark_of(message) for _, message in fetched] == marks
    assert [uid for uid, _ in fetched] == list(range(first, first + WAITING))


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "end"])
async def test_the_real_core_loses_nothing_and_has_nothing_twice(
    people: Trial, up: Relay, impatient: Impatient, reset: bool
) -> None:
    ben = await people.enter("Ben")
    async with cutter(up.port("imaps"), reset=reset) as (proxy, port):
        link = fresh(up.ready.invitation.replace(f"ip={up.port('imaps')}", f"ip={port}"))
        ada = await new_profile(people.core, "Ada", link)
        people.attend(ada)
        (contact,) = await ben.call("import_vcard_contents", await ada.call("make_vcard", [MYSELF]))
        chat = await ben.call("create_chat_by_contact_id", contact)
        await ada.call("stop_io")
        with ben.when("MsgDelivered", times=30) as last:
            for _ in range(30):
                await people.send("cut", ben, chat, [ada])
            await last
        proxy.cut_after = 30_000  # in the midst of the thirty, each about 2 kB once compressed
        await ada.call("start_io")
        await impatient(people.ledger.complete("cut"))
        assert proxy.cuts == 1
        tally = people.ledger.tally("cut", await people.held())
        assert (tally.expected, tally.delivered) == (30, 30)
        await ada.call("stop_io")
