"""HTTP to another server: what is said, what is understood, what is kept, and what is not waited for."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import pytest

from angarium.reach import client as client_module
from angarium.reach.client import HEAD_BYTES, TEXT_BYTES, Answer, HttpClient, Into
from angarium.reach.connect import connect
from angarium.reach.transport import Connection

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


async def fetch(server: Server, into: Into) -> Answer:
    how: list[tuple[str, str]] = [("Authorization", "Bearer x"), *into.range]
    return await server.client.ask(
        "here", server.dial, "GET", host="here.example", path="/box/1", headers=how, timeout=10, into=into
    )


async def heads(reader: asyncio.StreamReader, heard: list[bytes]) -> None:
    heard.append(await reader.readuntil(b"\r\n\r\n"))


async def test_what_is_long_is_fetched_where_it_broke() -> None:
    heard: list[bytes] = []
    long = bytes(range(256)) * 1_000

    def saying(head: bytes, piece: bytes) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await heads(reader, heard)
            writer.write(head + piece)
            await writer.drain()

        return serve

    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 256000\r\n\r\n"
    rest = b"HTTP/1.1 206 Partial Content\r\nContent-Length: 156000\r\n\r\n"
    into = Into(300_000)
    async with Server(saying(whole, long[:100_000]), saying(rest, long[100_000:])) as server:
        with pytest.raises(ConnectionError):
            await fetch(server, into)
        assert bytes(into.octets) == long[:100_000]
        answer = await fetch(server, into)
    assert (answer.status, answer.text, bytes(into.octets)) == (206, "", long)
    assert b"content-length" not in heard[0].lower()
    assert b"range" not in heard[0].lower()
    assert b"Range: bytes=100000-\r\n" in heard[1]


async def test_who_answers_a_range_with_all_of_it_is_understood() -> None:
    into = Into(10)
    into.take(206, b"ye")
    async with Server(answering_to_get(OK, OK)) as server:
        assert (await fetch(server, into)).status == 200
        assert bytes(into.octets) == b"yes"
        assert (await fetch(server, Into(10))).status == 200
        assert server.connections == 1


async def test_a_refusal_is_told_and_is_not_taken_for_what_was_fetched() -> None:
    into = Into(10)
    async with Server(answering_to_get(OK.replace(b"200 OK", b"404 Not Found"))) as server:
        answer = await fetch(server, into)
    assert (answer.status, answer.text, bytes(into.octets)) == (404, "yes", b"")


async def test_what_is_longer_than_it_may_be() -> None:
    async with Server(answering_to_get(OK)) as server:
        with pytest.raises(ConnectionError, match="too long"):
            await fetch(server, Into(2))


def answering_to_get(*answers: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await heads(reader, [])
            writer.write(answer)
        await reader.read()

    return serve
