"""A censor that freezes: a TCP proxy on loopback that lets so much pass from server to client, and then no more.

Neither side is told: the connection stays open and what the client sends still reaches the server, so both wait. That
is how the freeze has been described that is met in Russia since 2025, after 16 to 20 KB of one connection. Counted is
what a box on the wire would count: the bytes of each packet with its headers, if every piece that comes is sent in
packets of its own.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

__all__ = ["FROZEN_AT", "Freezer", "Passed", "freezer"]

FROZEN_AT = 16_000
"""Bytes from server to client."""
HEADERS = 52
"""Bytes of IPv4 and TCP, with time stamps, in a packet."""
SEGMENT = 1448
"""Bytes of data in a packet of 1,500."""
READ = 65_536
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Passed:
    """One connection: bytes of data each way, without headers, and what became of it."""

    up: int = 0
    down: int = 0
    counted: int = 0
    """What the censor has counted."""
    frozen: bool = False


@dataclass(slots=True)
class Freezer:
    """A proxy before one port. Made by `freezer`."""

    port: int
    """Where it listens."""
    limit: int | None
    """Bytes after which it freezes a connection; None: never, it only counts."""
    connections: list[Passed] = field(default_factory=list)

    @property
    def frozen(self) -> int:
        """How many connections were frozen."""
        return sum(one.frozen for one in self.connections)

    async def _downward(self, passed: Passed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(READ):
            passed.down += len(data)
            passed.counted += len(data) + HEADERS * -(-len(data) // SEGMENT)
            passed.frozen |= self.limit is not None and passed.counted > self.limit
            if not passed.frozen:
                writer.write(data)
                await writer.drain()
        if passed.frozen:
            await asyncio.Event().wait()  # that the server has ended is not passed on either

    @staticmethod
    async def _upward(passed: Passed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(READ):
            passed.up += len(data)
            writer.write(data)
            await writer.drain()


async def _pass_on(freezer: Freezer, server: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    passed = Passed()
    freezer.connections.append(passed)
    try:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", server)
    except OSError:
        writer.transport.abort()
        return
    ways = [
        asyncio.create_task(freezer._upward(passed, reader, server_writer)),
        asyncio.create_task(freezer._downward(passed, server_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        ended = await asyncio.gather(*ways, return_exceptions=True)
        if any(isinstance(error, ConnectionError) for error in ended):  # a reset is passed on as one
            for side in (writer, server_writer):
                side.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        for side in (writer, server_writer):
            with contextlib.suppress(ConnectionError):
                side.close()


@contextlib.asynccontextmanager
async def freezer(server: int, limit: int | None = FROZEN_AT) -> AsyncIterator[Freezer]:
    """A proxy before a port of this machine, until the context ends."""
    made = Freezer(0, limit)
    sessions: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.create_task(_pass_on(made, server, reader, writer))
        sessions.add(session)
        session.add_done_callback(sessions.discard)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listening.close()
        for session in list(sessions):
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)
