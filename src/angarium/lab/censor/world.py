"""What else there is in the lab's world: who sends everything back, and a front that leads to the relay's host."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from functools import partial

from angarium.lab.censor.topology import within

__all__ = ["echo", "front"]

PIECE = 1 << 16


@contextlib.asynccontextmanager
async def echo(namespace: str, ports: Sequence[int]) -> AsyncIterator[None]:
    """Send back what comes, on these ports of a namespace."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _pour(reader, writer)

    async with contextlib.AsyncExitStack() as running:
        for port in ports:
            sock = within(namespace, partial(_listen, port))
            await running.enter_async_context(await asyncio.start_server(serve, sock=sock))
        yield


@contextlib.asynccontextmanager
async def front(namespace: str, port: int, target: tuple[str, int]) -> AsyncIterator[None]:
    """Hand on, octet for octet and knowing nothing, what comes to a port of a namespace."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = within(namespace, lambda: socket.create_connection(target, 10))
        sock.setblocking(False)
        back, on = await asyncio.open_connection(sock=sock)
        await asyncio.gather(_pour(reader, on), _pour(back, writer))

    async with await asyncio.start_server(serve, sock=within(namespace, partial(_listen, port))):
        yield


def _listen(port: int) -> socket.socket:
    return socket.create_server(("", port))


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
    writer.close()
