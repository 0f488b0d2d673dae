"""Connecting to others: names, certificates, and time."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable

import pytest

from angarium.reach.connect import connect
from angarium.reach.transport import Connection

Pair = tuple[Connection, Connection]
PlainPair = Callable[[], Pair]
TlsPair = Callable[..., Awaitable[Pair]]


async def test_connecting_where_nobody_listens_is_a_connection_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(ConnectionError):
        await connect("127.0.0.1", port)
    with pytest.raises(ConnectionError, match="looked up"):
        await connect("not a name", port)


async def test_connecting_checks_the_certificate(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)

        async def answer() -> None:
            accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
            with contextlib.suppress(ConnectionError):
                await Connection(accepted).start_tls(server_context, timeout=5)

        port = listening.getsockname()[1]
        for name, trusting, problem in (
            ("127.0.0.1", client_context, None),
            ("relay.example", client_context, "Hostname mismatch"),
            ("127.0.0.1", ssl.create_default_context(), "certificate"),
        ):
            answering = asyncio.ensure_future(answer())
            expected = pytest.raises(ConnectionError, match=problem) if problem else contextlib.nullcontext()
            with expected:
                (await connect("127.0.0.1", port, trusting, ["imap"], 5, server_name=name)).abort()
            await answering


async def test_connecting_times_out(client_context: ssl.SSLContext) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutError):
        await connect("127.0.0.1", silent.getsockname()[1], client_context, timeout=0.1)
