"""POST against real servers on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from angarium.reach import post as module
from angarium.reach.post import post

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(answer: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that notes requests and gives one answer; yields its port and the notes."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            requests.append(head + await reader.readexactly(length))
            writer.write(answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], requests


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_a_body_is_posted_and_the_status_returned() -> None:
    async with served(OK) as (port, requests):
        assert await post(f"http://127.0.0.1:{port}/notify?x=1", b"token", timeout=10) == 200
    (request,) = requests
    assert request.startswith(b"POST /notify?x=1 HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\ntoken")
    assert b"Host: 127.0.0.1:%d\r\n" % port in request
    assert b"user-agent" not in request.lower()


async def test_over_tls(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> None:
    async with served(OK, server_context) as (port, requests):
        assert await post(f"https://127.0.0.1:{port}", b"token", timeout=10, context=client_context) == 200
        assert requests[0].startswith(b"POST / HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            await post(f"https://127.0.0.1:{port}", b"secret", timeout=10)
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", 410),
        (b"HTTP/1.0 500 Oops\r\n\r\nendless", 500),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 302),
    ],
)
async def test_any_status_is_an_answer(answer: bytes, status: int) -> None:
    async with served(answer) as (port, _):
        assert await post(f"http://127.0.0.1:{port}", b"token", timeout=10) == status


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 20", b"220 mail\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000])
async def test_no_answer_is_a_connection_error(answer: bytes) -> None:
    async with served(answer) as (port, _):
        with pytest.raises(ConnectionError):
            await post(f"http://127.0.0.1:{port}", b"token", timeout=10)


@pytest.mark.parametrize(
    "url",
    ["https://[", "ftp://relay.example/", "http://", "nothing", "http://127.0.0.1:99999/", "http://127.0.0.1/a b"],
)
async def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ConnectionError, match="URL"):
        await post(url, b"token", timeout=10)


async def test_a_server_that_is_not_there() -> None:
    async with served(OK) as (port, _):
        pass
    with pytest.raises(ConnectionError):
        await post(f"http://127.0.0.1:{port}", b"token", timeout=10)


async def test_a_server_that_stays_silent() -> None:
    released = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        with pytest.raises(TimeoutError):
            await post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", b"token", timeout=0.05)
        released.set()
    assert module.HEAD_BYTES < 70_000
