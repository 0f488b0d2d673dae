"""HTTP as Python's own client speaks it, over TCP and TLS on loopback; and peers who take their time."""

import asyncio
import http.client
import json
import socket
import ssl
from typing import Any

import pytest
import trustme


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_one_connection_over_tls_carries_many_requests(
    http_relay: Any, http_serve: Any, server: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    def talk(port: int) -> list[tuple[int, bytes]]:
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=client, timeout=20)
        found = []
        for method, path in (("GET", "/"), ("HEAD", "/"), ("POST", "/new"), ("GET", "/new"), ("GET", "/generate_204")):
            connection.request(method, path)
            response = connection.getresponse()
            found.append((response.status, response.read()))
        used = connection.sock
        connection.request("POST", "/new", iter([b"{", b"}"]), encode_chunked=True)
        assert connection.getresponse().status == 200
        assert connection.sock is used
        connection.close()
        return found

    async with http_serve(http_relay.site(), server) as port:
        page, head, new, refused, nothing = await asyncio.to_thread(talk, port)
    assert page[0] == 200
    assert page[1].endswith(b"</html>")
    assert head == (200, b"")
    assert json.loads(new[1]).keys() == {"email", "password"}
    assert refused == (405, b"This address answers only POST.\n")
    assert nothing == (204, b"")
    assert await http_relay.store.accounts.count() == 2


async def test_a_connection_that_may_carry_little_carries_one_page(
    http_relay: Any, http_serve: Any, server: ssl.SSLContext, client: ssl.SSLContext
) -> None:
    def talk(port: int) -> list[str | None]:
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=client, timeout=20)
        said = []
        for path in ("/generate_204", "/"):
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            said.append(response.headers["Connection"])
        connection.close()
        return said

    async with http_serve(http_relay.site(breath=12_288), server) as port:
        assert await asyncio.to_thread(talk, port) == [None, "close"]


async def test_many_at_once(http_relay: Any, http_serve: Any) -> None:
    def talk(port: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/new")
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status

    async with http_serve(http_relay.site()) as port:
        assert await asyncio.gather(*(asyncio.to_thread(talk, port) for _ in range(12))) == [200] * 12
    assert await http_relay.store.accounts.count() == 12


async def test_a_body_too_long_is_told_so_although_it_is_under_way(http_relay: Any, http_serve: Any) -> None:
    def talk(port: int) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/new", b"x" * 300_000)
        response = connection.getresponse()
        return response.status, response.read()

    async with http_serve(http_relay.site()) as port:
        assert await asyncio.to_thread(talk, port) == (413, b"The body of the request is too long.\n")


def listen(port: int, *pieces: bytes) -> bytes:
    """Say the pieces, then only listen until the other side has ended."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
        for piece in pieces:
            raw.sendall(piece)
        heard = b""
        while data := raw.recv(65536):
            heard += data
        return heard


async def test_whoever_does_not_finish_a_request_is_cut_off(http_relay: Any, http_serve: Any) -> None:
    async with http_serve(http_relay.site(request_seconds=0.2)) as port:
        heard = await asyncio.to_thread(listen, port, b"GET / HTTP/1.1\r\n", b"Host: x\r\n")
    assert heard.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


async def test_whoever_says_nothing_is_left_without_a_word(http_relay: Any, http_serve: Any) -> None:
    async with http_serve(http_relay.site(quiet_seconds=0.2)) as port:
        assert await asyncio.to_thread(listen, port) == b""


async def test_tls_on_a_port_without_it_is_answered_in_clear(http_relay: Any, http_serve: Any) -> None:
    async with http_serve(http_relay.site()) as port:
        heard = await asyncio.to_thread(listen, port, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 400 Bad Request\r\n")
