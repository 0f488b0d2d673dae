"""The real core comes in by the relay's onion address, through a SOCKS5 proxy that is Tor's but for the network.

tor publishes the address with its network off, so the last mile is played by a proxy that leads onion addresses to the
relay's ports (RFC 1928). What is tried is all that is ours and the app's: the link, the proxy, the name that is asked
for, TLS with a certificate that nobody vouches for, texts both ways.
"""

import asyncio
import contextlib
import json
import re
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import trial
from angarium.edge.pages.draw import TOR
from angarium.lab.core import Core
from angarium.lab.profile import Profile, join
from angarium.reach.onion import OnionError, program

Start = Callable[..., AbstractAsyncContextManager[Relay]]
Angarium = Callable[..., Awaitable[tuple[int, str, str]]]

SETTINGS = (
    '[onion]\ntor = "{}"\ntorrc = ["DisableNetwork 1"]\n[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n'
)
BY_NAME, CONNECT, NO_PASSWORD = 3, 1, 0


class Socks:
    """A SOCKS5 proxy that knows one onion address."""

    def __init__(self, ports: Mapping[int, int]) -> None:
        """`ports` are those on this machine, by the onion address's."""
        self.asked: list[tuple[str, int]] = []
        self.port = 0
        self._ports = ports

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Socks"]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            _, methods = await reader.readexactly(2)
            assert NO_PASSWORD in await reader.readexactly(methods)
            writer.write(b"\5\0")
            _, command, _, kind, length = await reader.readexactly(5)
            assert (command, kind) == (CONNECT, BY_NAME), "the app looked the name up"
            host = (await reader.readexactly(length)).decode()
            (port,) = struct.unpack("!H", await reader.readexactly(2))
            self.asked.append((host, port))
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._ports[port])
            writer.write(b"\5\0\0\1" + bytes(6))
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


async def enter(apps: Core, name: str, link: str, proxy: str) -> Profile:
    number = await apps.call("add_account")
    await apps.call("batch_set_config", number, {"displayname": name, "bot": "1"})
    assert (await apps.call("check_qr", number, proxy))["kind"] == "proxy"
    await apps.call("set_config_from_qr", number, proxy)
    await apps.call("add_transport_from_qr", number, link)
    (transport,) = await apps.call("list_transports", number)
    transport = transport.get("param", transport)
    profile = Profile(apps, number, transport["addr"], transport["password"])
    with profile.when("ImapInboxIdle") as online:
        await apps.call("start_io", number)
        await online
    return profile


DISGUISED = ("--domain", "_relay.localhost", "--decoy", "default")


@pytest.mark.parametrize("options", [(), DISGUISED], ids=["open", "behind a decoy"])
async def test_by_onion_address_and_by_nothing_else(
    start: Start, angarium: Angarium, apps: Core, tmp_path: Path, options: tuple[str, ...]
) -> None:
    try:
        program("")
    except OnionError:
        pytest.skip("Debian's tor is not installed")
    data, told, spy = (tmp_path / name for name in ("relay", "torrc", "tor"))
    spy.write_text(f"#!/bin/sh\ncat > '{told}'\nexec '{program('')}' \"$@\" < '{told}'\n")
    spy.chmod(0o755)
    settings = SETTINGS.format(spy)
    async with start(data, "--onion", *options, settings=settings), trial(apps, "", tmp_path) as people:
        led = re.findall(r"HiddenServicePort (\d+) 127\.0\.0\.1:(\d+)", told.read_text())
        ports = {int(port): int(local) for port, local in led}
        async with Socks(ports).listening() as socks:
            entered, onion = [], ""
            for name in ("Alice", "Bob"):
                _, said, _ = await angarium("invite", "--json", "--data", data)
                others = json.loads(said)["others"][0]
                (way,) = [other for other in others if other["kind"] == "onion"]
                onion = way["host"]
                entered.append(await enter(apps, name, way["link"], TOR.replace("9050", str(socks.port))))
            alice, bob = entered
            for person in entered:
                people.attend(person)
            chat = await join(alice, bob)
            for _ in range(10):
                await people.send("by onion", bob, chat, [alice])
            await asyncio.wait_for(people.ledger.complete("by onion"), 60)
            assert {host for host, _ in socks.asked} == {onion}
            assert {port for _, port in socks.asked} == {993, 465}
            for person in entered:
                await person.remove()
