"""The way past the decoy: who is let through, and that it is the decoy's turn again behind every request."""

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from angarium.edge.decoy.folder import Folder
from angarium.edge.decoy.prompt import Decoy
from angarium.edge.decoy.request import Head
from angarium.edge.decoy.session import greet, rehearse, serve_decoy
from angarium.edge.pages.exchange import Request
from angarium.reach.transport import Connection

Say = Callable[[bytes], Awaitable[bytes]]

KNOWN = b"GET /secret/page HTTP/1.1\r\nHost: x\r\n\r\n"
LOST = b"GET /lost HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def asked() -> list[Request]:
    """What was looked at."""
    return []


@pytest_asyncio.fixture
async def say(tmp_path: Path, asked: list[Request]) -> AsyncIterator[Say]:
    """Says something to a decoy that knows `/secret/…` and `CONNECT here:1`, and hears all that is said back."""
    (tmp_path / "index.html").write_text("a site")
    (tmp_path / "secret.html").write_text("of the site, not of the relay")
    os.symlink("/etc", tmp_path / "etc")
    os.symlink("/etc/hostname", tmp_path / "hostname")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "index.html").write_text("deep in it")
    os.symlink("deep", tmp_path / "link")
    os.symlink("index.html", tmp_path / "deep" / "other.html")
    os.symlink("circle", tmp_path / "circle")
    os.mkfifo(tmp_path / "pipe.html")

    async def known(request: Request) -> bool:
        asked.append(request)
        return request.path.startswith("/secret/") or (request.method == "CONNECT" and request.path == "here:1")

    async def through(connection: Connection, said: bytes) -> bytes | None:
        head, _, rest = said.partition(b"\r\n\r\n")
        await connection.write(b"RELAY;", timeout=5)
        return None if head.startswith(b"CONNECT") else rest

    def strange(head: Head) -> bool:
        return head.target.startswith("/plainly")

    decoy = Decoy(Folder(tmp_path, "x", lambda: "").answer, known, through, 5, strange=strange)

    async def talk(said: bytes) -> bytes:
        ours, theirs = socket.socketpair()
        serving = asyncio.create_task(serve_decoy(Connection(theirs), decoy))
        app = Connection(ours)
        await app.write(said)
        ours.shutdown(socket.SHUT_WR)
        heard = b""
        while data := await app.read(timeout=10):
            heard += data
        await app.close()
        await asyncio.wait_for(serving, 10)
        return heard

    yield talk


async def test_who_is_known_is_let_through_once_and_the_next_request_is_looked_at_anew(say: Say) -> None:
    heard = await say(KNOWN + LOST + KNOWN + LOST)
    parts = heard.split(b"RELAY;")
    assert parts[0] == b""
    assert [part[:22] for part in parts[1:]] == [b"HTTP/1.1 404 Not Found"] * 2


async def test_a_tunnel_is_let_through_and_takes_the_connection(say: Say) -> None:
    assert await say(b"CONNECT here:1 HTTP/1.1\r\nHost: here:1\r\n\r\n") == b"RELAY;"


async def test_a_tunnel_for_nobody_is_refused_at_its_colon(say: Say) -> None:
    heard = await say(b"CONNECT there:1 HTTP/1.1\r\nHost: there:1\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert heard == (await say(b"CONNECT there:1")).replace(b"\0", b"")  # and nothing of it is waited for


async def test_handlers_see_what_was_said(say: Say, asked: list[Request]) -> None:
    await say(b"POST /mxdeliv?x HTTP/1.1\r\nHost: x\r\nX-Mail-To: a\r\nX-MAIL-TO: b\r\nContent-Length: 1\r\n\r\n1")
    (request,) = asked
    assert (request.method, request.path, request.query) == ("POST", "/mxdeliv", "x")
    assert request.every("x-mail-to") == ["a", "b"]
    assert request.headers["x-mail-to"] == "a"


async def test_nobody_is_asked_about_who_is_plainly_a_stranger(say: Say, asked: list[Request]) -> None:
    heard = await say(b"GET /plainly HTTP/1.1\r\nHost: x\r\n\r\n" + KNOWN)
    assert heard.startswith(b"HTTP/1.1 404 ")
    assert heard.endswith(b"RELAY;")
    assert [request.path for request in asked] == ["/secret/page"]


@pytest.mark.parametrize(
    "path", [b"/etc/", b"/etc/passwd", b"/hostname", b"/..%2f..%2fetc/passwd", b"/%2e%2e/%2e%2e/etc/passwd"]
)
async def test_nothing_outside_the_folder_is_given_out(say: Say, path: bytes) -> None:
    heard = await say(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert heard[:12] in (b"HTTP/1.1 404", b"HTTP/1.1 400")


@pytest.mark.parametrize("path", [b"/deep/", b"/link/", b"/link/index.html", b"/deep/other.html", b"/link/other.html"])
async def test_links_within_the_folder_are_followed(say: Say, path: bytes) -> None:
    heard = await say(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 200 OK\r\n")
    assert heard.endswith(b"\r\n\r\ndeep in it")


@pytest.mark.parametrize(
    "path", [b"/circle", b"/circle/", b"/index.html/", b"/index.html/x", b"/deep/other.html/", b"/pipe.html"]
)
async def test_what_is_no_file_and_no_folder_is_not_there(say: Say, path: bytes) -> None:
    assert (await say(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 404 ")


async def greeted(decoy: Decoy, said: bytes, room: int = 0) -> bytes:
    """All that is said back to who says this and ends, by `greet` and what it leaves to be done; `room`: of octets at a
    time."""
    ours, theirs = socket.socketpair()
    if room:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
    server, app = Connection(theirs), Connection(ours)
    if said:
        await app.write(said)
    else:
        assert greet(server, decoy) is None, "he has said nothing yet"
    ours.shutdown(socket.SHUT_WR)
    await server.readable(timeout=5)
    left = greet(server, decoy)
    assert (left is None) is server.closed
    serving = asyncio.create_task(left) if left is not None else None
    heard = b""
    while data := await app.read(timeout=10):
        heard += data
    await app.close()
    if serving is not None:
        await asyncio.wait_for(serving, 10)
    return heard


@pytest.fixture
def strangers(tmp_path: Path) -> Decoy:
    """A decoy to which all are strangers."""
    (tmp_path / "index.html").write_text("a site")
    (tmp_path / "long.html").write_bytes(b"of many words, " * 4000)

    async def known(request: Request) -> bool:
        return False

    async def through(connection: Connection, said: bytes) -> bytes | None:
        raise AssertionError

    return Decoy(Folder(tmp_path, "x", lambda: "").answer, known, through, 5, strange=lambda head: True)


PAGE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("said", "statuses"),
    [
        (b"", []),
        (LAST, [b"200"]),
        (PAGE, [b"200"]),
        (PAGE + PAGE + LAST + PAGE, [b"200"] * 3),
        (PAGE + b"\0", [b"200", b"400"]),
        (b"\0", [b"400"]),
        (PAGE[:20], []),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=", [b"405"]),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", [b"501"]),
    ],
)
async def test_the_first_words_are_answered_and_the_rest_behind_them(
    strangers: Decoy, said: bytes, statuses: list[bytes]
) -> None:
    for _ in range(2):
        heard = await greeted(strangers, said)
        assert re.findall(rb"HTTP/1.1 (\d+)", heard) == statuses


async def test_what_there_is_no_room_for_arrives_all_the_same(strangers: Decoy) -> None:
    said = b"GET /long.html HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    for _ in range(2):
        assert (await greeted(strangers, said, room=4096)).partition(b"\r\n\r\n")[2] == b"of many words, " * 4000


@pytest.mark.parametrize("soon", [True, False])
async def test_a_rehearsal_answers_nobody_and_leaves_nothing_behind(strangers: Decoy, soon: bool) -> None:
    rehearse(strangers, soon=soon)
    tasks, before = len(asyncio.all_tasks()), set(os.listdir("/proc/self/fd"))
    for decoy in (strangers, replace(strangers, strange=lambda head: False)):  # the second one takes a session
        rehearse(decoy, soon=soon)
    assert set(os.listdir("/proc/self/fd")) == before
    assert len(asyncio.all_tasks()) == tasks
    assert (await greeted(strangers, LAST)).startswith(b"HTTP/1.1 200 OK")


async def test_without_sockets_nothing_is_rehearsed(strangers: Decoy, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> tuple[socket.socket, socket.socket]:
        raise OSError(24, "so it is")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socketpair", none)
        rehearse(strangers, soon=False)
    assert (await greeted(strangers, LAST)).startswith(b"HTTP/1.1 200 OK")
