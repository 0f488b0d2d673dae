"""A front on real sockets: it hands on, keeps to its limits, and says nothing of who came."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator

import pytest

from angarium.edge.doors import CannotListen
from angarium.edge.front import BadPorts, read_ports, serve_front

FRONT, RELAY = "127.0.0.2", "127.0.0.3"


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("443", {443: 443}),
        ("443,993,465", {443: 443, 993: 993, 465: 465}),
        ("10443:443, 993:10993", {10443: 443, 993: 10993}),
    ],
)
def test_ports(text: str, ports: dict[int, int]) -> None:
    assert read_ports(text) == ports


@pytest.mark.parametrize(
    "text",
    ["", "0", "443:0", "65536", "443:", ":443", "https", "-1", "443,443", "٤٤٣", ",".join(map(str, range(1, 18)))],
)
def test_other_ports_are_refused(text: str) -> None:
    with pytest.raises(BadPorts, match="expected"):
        read_ports(text)


def free_port() -> int:
    with socket.create_server((FRONT, 0)) as one:
        port: int = one.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    """A relay that says everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(echo, RELAY, 0) as server:
        yield server.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def front(ports: dict[int, int], connections: int = 100) -> AsyncIterator[None]:
    ready = asyncio.Event()
    serving = asyncio.create_task(
        serve_front(RELAY, ports, addresses=[FRONT], connections=connections, ready=ready.set)
    )
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        waiting.cancel()
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def said_back(port: int, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(FRONT, port)
    writer.write(text)
    writer.write_eof()
    heard = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return heard


async def test_it_leads_to_the_relay() -> None:
    port = free_port()
    async with echoing() as relay, front({port: relay}):
        heard = await asyncio.gather(*(said_back(port, b"%d" % number) for number in range(50)))
        assert heard == [b"%d" % number for number in range(50)]


async def test_where_the_relay_is_not_there_the_person_is_cut_off() -> None:
    port, nobody = free_port(), free_port()
    async with front({port: nobody}):
        with pytest.raises(OSError, match=r"reset|not connected"):
            await said_back(port, b"anybody?")


async def test_who_is_one_too_many_is_turned_away() -> None:
    port = free_port()
    async with echoing() as relay, front({port: relay}, connections=2):
        held = [await asyncio.open_connection(FRONT, port) for _ in range(2)]
        for reader, writer in held:
            writer.write(b"?")
            assert await asyncio.wait_for(reader.readexactly(1), 10) == b"?"
        with contextlib.suppress(OSError):
            assert await said_back(port, b"!") == b""
        for _, writer in held:
            writer.close()


async def test_nothing_is_said_of_who_came(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "angarium")
    port, nobody = free_port(), free_port()
    async with echoing() as relay, front({port: relay, nobody: nobody}):
        await said_back(port, b"hello")
        with contextlib.suppress(OSError):
            await said_back(nobody, b"hello")
    assert not caplog.records


async def test_a_port_that_is_taken_is_an_error_and_nothing_is_listened_on() -> None:
    port = free_port()
    with socket.create_server((FRONT, 0)) as taken, pytest.raises(CannotListen, match="in use"):
        await serve_front(RELAY, {port: 1, taken.getsockname()[1]: 1}, addresses=[FRONT], connections=1)
    socket.create_server((FRONT, port)).close()
