"""HTTP to another server: what is said, what is understood, what is kept, and what is not waited for."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import pytest

from angarium.reach import client as client_module
from angarium.reach.client import HEAD_BYTES, TEXT_BYTES, Answer, HttpClient
from angarium.reach.transport import Connection, connect

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Two: a\r\nX-Two: b\r\n\r\nyes"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Speaks as it is told, to one connection after the other."""

    def __init__(self, *scripts: Serve) -> None:
        self.scripts = list(scripts)
        self.connections = 0
        self.client = HttpClient()

    async def dial(self) -> Connection:
        self.connections += 1
        return await connect("127.0.0.1", self.port)

    async def post(self, body: bytes = b"body", timeout: float = 10, **how: str) -> Answer:
        headers = [("X-Mail-To", "иван@here.example"), *how.items()]
        return await self.client.post(
            "here", self.dial, host="here.example", path="/mxdeliv", headers=headers, body=body, timeout=timeout
        )

    async def __aenter__(self) -> "Server":
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self.scripts.pop(0)(reader, writer)
            writer.close()

        self.server = await asyncio.start_server(accept, "127.0.0.1", 0, family=socket.AF_INET)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self.client.close()
        self.server.close()


async def take(reader: asyncio.StreamReader) -> bytes:
    """One request, whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


def answering(*answers: bytes) -> Serve:
    """Answer one request after the other, then hang up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await take(reader)
            writer.write(answer)
            await writer.drain()

    return serve


async def test_what_is_said() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await take(reader))
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)

    async with Server(serve) as server:
        assert await server.post(b"the body") == Answer(200, {"content-length": "3", "x-two": "a"}, "yes")
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /mxdeliv HTTP/1.1",
        b"Host: here.example",
        "X-Mail-To: иван@here.example".encode(),
        b"Content-Length: 8",
    ]
    assert body == b"the body"


async def test_a_connection_is_kept() -> None:
    async with Server(answering(OK, OK, OK)) as server:
        for _ in range(3):
            assert (await server.post()).text == "yes"
            assert server.client.kept == 1
        assert server.connections == 1


async def test_two_at_once_have_two_connections() -> None:
    async with Server(answering(OK), answering(OK)) as server:
        await asyncio.gather(server.post(), server.post())
        assert server.connections == server.client.kept == 2


async def test_a_kept_connection_is_ended_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "KEEP_SECONDS", 0.01)
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(OK)(reader, writer)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        ended.set()

    async with Server(serve) as server:
        await server.post()
        await asyncio.wait_for(ended.wait(), 10)
        assert server.client.kept == 0


async def test_a_kept_connection_that_is_dead_is_made_anew() -> None:
    async with Server(answering(OK), answering(OK)) as server:
        await server.post()
        await server.post()
        assert server.connections == 2


async def test_one_that_dies_in_the_middle_of_an_answer_is_not() -> None:
    async with Server(answering(OK, b"HTTP/1.1 200 OK\r\nContent-Len")) as server:
        await server.post()
        with pytest.raises(ConnectionError):
            await server.post()
        assert server.connections == 1


@pytest.mark.parametrize("how", [b"Connection: close\r\n", b""])
async def test_one_that_is_to_be_closed_is_not_kept(how: bytes) -> None:
    length = b"" if how else b"HTTP/1.0"
    answer = (length or b"HTTP/1.1") + b" 200 OK\r\n" + how + b"Content-Length: 0\r\n\r\n"
    async with Server(answering(answer)) as server:
        assert (await server.post()).status == 200
        assert server.client.kept == 0


async def test_words_behind_an_answer_spoil_the_connection() -> None:
    async with Server(answering(OK + OK)) as server:
        await server.post()
        assert server.client.kept == 0


async def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "KEEP", 2)
    async with Server(*[answering(OK)] * 4) as server:
        await asyncio.gather(*(server.post() for _ in range(4)))
        assert server.client.kept == 2


async def test_a_refusal_that_comes_while_the_body_is_sent() -> None:
    """The server does not read on: without listening, sending would never end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 No\r\nContent-Length: 9\r\n\r\ntoo large")
        await over.wait()

    over = asyncio.Event()
    async with Server(serve) as server:
        answer = await server.post(bytes(30_000_000))
        over.set()
        assert (answer.status, answer.text) == (413, "too large")
        assert server.client.kept == 0


async def test_a_server_that_says_nothing() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with Server(serve) as server:
        with pytest.raises(TimeoutError):
            await server.post(timeout=0.1)


async def test_a_server_that_drips_its_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await take(reader)
        while True:
            writer.write(b"H")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with Server(serve) as server:
        with pytest.raises((TimeoutError, ConnectionError)):
            await server.post(timeout=0.2)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"220 relay.example ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * (HEAD_BYTES + 1),
        b"\x16\x03\x01",
    ],
)
async def test_what_is_no_answer(answer: bytes) -> None:
    async with Server(answering(answer)) as server:
        with pytest.raises(ConnectionError):
            await server.post()
        assert server.client.kept == 0


async def test_of_a_long_answer_the_beginning() -> None:
    answer = b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * (2 * TEXT_BYTES)
    async with Server(answering(answer)) as server:
        assert len((await server.post()).text) == TEXT_BYTES
        assert server.client.kept == 0


async def test_a_header_that_cannot_be_said() -> None:
    async with Server() as server:
        with pytest.raises(ValueError, match="cannot be said"):
            await server.post(evil="a\r\nX-Mail-To: b")
        assert server.connections == 0


async def test_nobody_there() -> None:
    async with Server() as server:
        server.server.close()
        await server.server.wait_closed()
        with pytest.raises(ConnectionError):
            await server.post()


async def test_cancelled_in_the_middle() -> None:
    begun = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await reader.read()

    async with Server(serve) as server:
        asking = asyncio.create_task(server.post(bytes(30_000_000)))
        await asyncio.wait_for(begun.wait(), 10)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert server.client.kept == 0
