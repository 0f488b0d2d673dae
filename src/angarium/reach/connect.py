"""Connections that begin here."""

import asyncio
import socket
import ssl
from collections.abc import Sequence

from angarium.reach.failure import failure
from angarium.reach.transport import Connection

__all__ = ["connect"]


async def connect(
    host: str,
    port: int,
    context: ssl.SSLContext | None = None,
    alpn: Sequence[str] = (),
    timeout: float = 30.0,
    *,
    server_name: str | None = None,
    session: ssl.SSLSession | None = None,
) -> Connection:
    """Connect to a server, and begin TLS if a `context` is given. Its ALPN list is set to `alpn` where that names any.

    The certificate is checked against `server_name`, or else `host`, if the context says so.

    Raises:
        TimeoutError: not done within `timeout` seconds.
        ConnectionError: no address, nobody listens there, or the handshake failed.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout
    async with asyncio.timeout_at(deadline):
        connection = Connection(await _dial(host, port))
    if context is not None:
        if alpn:
            context.set_alpn_protocols(list(alpn))
        await connection.start_tls_client(context, server_name or host, timeout=deadline - clock(), session=session)
    return connection


async def _dial(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    last: OSError = ConnectionError("the name has no address")
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConnectionError(f"the name cannot be looked up: {error.strerror}") from None
    for family, kind, protocol, _, address in found:
        dialed = socket.socket(family, kind, protocol)
        try:
            dialed.setblocking(False)
            await loop.sock_connect(dialed, address)
        except OSError as error:
            dialed.close()
            last = error
        except BaseException:
            dialed.close()
            raise
        else:
            return dialed
    raise failure(last) from None
