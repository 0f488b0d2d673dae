"""The other end of a dialog that is played over the network."""

import contextlib
import ssl

from angarium.reach.transport import Connection

__all__ = ["Network"]


class Network:
    """The relay over TCP as a peer; `host` is the name to ask for in TLS."""

    def __init__(self, connection: Connection, context: ssl.SSLContext, host: str) -> None:
        self._connection = connection
        self._context = context
        self._host = host
        self._said = b""

    async def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # the server may have hung up: its last words are to be read
            await self._connection.write(data, timeout=10)

    async def line(self) -> bytes:
        while b"\n" not in self._said:
            more = await self._connection.read(timeout=10)
            if not more:
                break
            self._said += more
        line, end, self._said = self._said.partition(b"\n")
        return line + end

    async def start_tls(self) -> None:
        await self._connection.start_tls_client(self._context, self._host, timeout=10)

    def unread(self) -> bytes:
        return self._said
