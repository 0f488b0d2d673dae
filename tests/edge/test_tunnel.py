"""The proxy: what a pass opens, and that nothing else can be reached by it, by a thousand ways of asking."""

import asyncio
import base64
import errno
import itertools
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from angarium.edge.http import serve_http
from angarium.edge.pages.exchange import Request
from angarium.reach.transport import Connection
from tests.edge.nowhere import HOSTS, PORTS_ASKED, STRANGE, Nowhere


@pytest.fixture
def relay(nowhere: Nowhere) -> Nowhere:
    return nowhere


async def ask(relay: Nowhere, http_relay: Any, said: bytes) -> bytes:
    """What who says this hears, up to the end of the first answer's head."""
    ours, theirs = socket.socketpair()
    site = http_relay.site(tunnel=relay.tunnels())
    serving = asyncio.create_task(serve_http(Connection(theirs), site))
    app = Connection(ours)
    try:
        await app.write(said)
        ours.shutdown(socket.SHUT_WR)
        heard = b""
        while b"\r\n\r\n" not in heard and (data := await app.read(timeout=10)):
            heard += data
        return heard
    finally:
        app.abort()
        await asyncio.wait_for(serving, 10)


def authorization(relay: Nowhere) -> bytes:
    return b"Basic " + base64.b64encode(f"{relay.user}:{relay.password}".encode())


def connect(relay: Nowhere, goal: bytes, *, host: bytes | None = None, more: bytes = b"") -> bytes:
    named = goal if host is None else host
    lines = [b"CONNECT " + goal + b" HTTP/1.1", b"Host: " + named, b"Proxy-Authorization: " + authorization(relay)]
    return b"\r\n".join(lines) + b"\r\n" + more + b"\r\n"


@pytest.mark.parametrize(
    ("goal", "door"),
    [
        (b"relay.example:993", "imaps"),
        (b"RELAY.example.:993", "imaps"),
        (b"192.0.2.7:10993", "imaps"),
        (b"[2001:db8::7]:465", "submissions"),
        (b"2001:db8::7:443", "within"),
        (b"relay.example:10443", "within"),
        (b"relay.example:10465", "submissions"),
    ],
)
async def test_the_relay_itself_by_all_its_names(relay: Nowhere, http_relay: Any, goal: bytes, door: str) -> None:
    heard = await ask(relay, http_relay, connect(relay, goal))
    assert heard.startswith(b"HTTP/1.1 200 Connection established\r\nX-Padding: ")
    assert heard.endswith(b"\r\n\r\n")
    assert relay.received == [door]
    assert relay.dialled == []


async def test_what_the_keeper_has_listed_and_as_it_is_listed(relay: Nowhere, http_relay: Any) -> None:
    for goal in (b"NINE.example.:993", b"[2001:DB8:0::9]:465"):
        assert (await ask(relay, http_relay, connect(relay, goal))).startswith(b"HTTP/1.1 200")
    assert relay.dialled == [("nine.example", 993), ("2001:db8::9", 465)]
    assert relay.received == []


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "192.0.2.7"])
async def test_a_listed_name_that_dns_leads_inside_is_not_dialled(
    relay: Nowhere, http_relay: Any, address: str
) -> None:
    relay.found = (address,)
    assert (await ask(relay, http_relay, connect(relay, b"nine.example:993"))).startswith(b"HTTP/1.1 403")
    assert relay.dialled == []


async def test_an_address_that_the_keeper_has_listed_itself_may_lie_inside(relay: Nowhere, http_relay: Any) -> None:
    relay.allow, relay.found = ["10.0.0.1:993"], ("10.0.0.1",)
    assert (await ask(relay, http_relay, connect(relay, b"10.0.0.1:993"))).startswith(b"HTTP/1.1 200")


async def test_bytes_pass_both_ways_and_what_came_with_the_request_is_not_lost(relay: Nowhere, http_relay: Any) -> None:
    ours, theirs = socket.socketpair()
    serving = asyncio.create_task(serve_http(Connection(theirs), http_relay.site(tunnel=relay.tunnels())))
    app = Connection(ours)
    await app.write(connect(relay, b"relay.example:993") + b"hello")
    assert (await app.read(timeout=5)).startswith(b"HTTP/1.1 200")
    (inside,) = relay.inside
    assert await inside.read(timeout=5) == b"hello"
    await inside.write(b"and good bye")
    await inside.close()
    assert await app.read(timeout=5) == b"and good bye"
    assert await app.read(timeout=5) == b""
    await app.close()
    await asyncio.wait_for(serving, 5)


async def test_a_pass_taken_back_ends_what_goes_through_it(relay: Nowhere, http_relay: Any) -> None:
    ours, theirs = socket.socketpair()
    tunnels = relay.tunnels()
    serving = asyncio.create_task(serve_http(Connection(theirs), http_relay.site(tunnel=tunnels)))
    app = Connection(ours)
    await app.write(connect(relay, b"relay.example:993"))
    await app.read(timeout=5)
    await relay.passes.revoke(relay.user)
    tunnels.cut("somebody else")
    assert not serving.done()
    tunnels.cut(relay.user)
    await asyncio.wait_for(serving, 5)
    assert tunnels._open == {}
    app.abort()


async def test_without_a_pass_a_tunnel_is_as_unknown_as_any_page(relay: Nowhere, http_relay: Any) -> None:
    lost = connect(relay, b"relay.example:993").replace(authorization(relay), b"Basic eHg6eHg=")
    nothing = lost.replace(b"Proxy-Authorization: Basic eHg6eHg=\r\n", b"")
    bare = {line.partition(b"Date")[0] for line in [await ask(relay, http_relay, lost)]}
    assert {(await ask(relay, http_relay, nothing)).partition(b"Date")[0]} == bare
    assert bare == {b"HTTP/1.1 404 Not Found\r\n"}
    assert not relay.received
    assert not relay.dialled


def attempts(relay: Nowhere) -> Iterator[bytes]:
    for host, port in itertools.product(HOSTS, PORTS_ASKED):
        yield connect(relay, f"{host}:{port}".encode())
    for host, port in itertools.product(("relay.example", "nine.example", "192.0.2.7", "[2001:db8::9]"), STRANGE):
        yield connect(relay, f"{host}:{port}".encode())
    for port in ("22", "25", "80", "143", "587", "10442", "8080"):
        yield connect(relay, f"relay.example:{port}".encode())
        yield connect(relay, f"[2001:db8::7]:{port}".encode())
    for port in ("443", "465", "994", "25"):
        yield connect(relay, f"nine.example:{port}".encode())
    for host in HOSTS[:20]:
        goal = f"{host}:993".encode()
        for other in (b"nine.example:993", b"relay.example:993"):
            yield connect(relay, goal, host=other)
            yield connect(relay, other, host=goal)
            yield connect(relay, goal, more=b"X-Forwarded-Host: " + other + b"\r\n")
            yield connect(relay, goal, more=b"Forwarded: host=" + other + b"\r\n")
            yield connect(relay, goal, host=other, more=b"Host: " + goal + b"\r\n")
            yield connect(relay, goal, more=b" folded: " + other + b"\r\n")
        yield connect(relay, b"http://" + goal + b"/")
        yield connect(relay, b"//" + goal)
        yield connect(relay, goal + b"?" + b"relay.example:993")
        yield connect(relay, b"relay.example:993#" + goal)
    good = connect(relay, b"relay.example:993")
    for smuggled in (
        *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Proxy-Authorization: Basic eHg6eHg=\r\n"),
        b"Content-Length: 0\r\n",
    ):
        yield connect(relay, b"relay.example:993", more=smuggled)
    for method in (b"GET", b"POST", b"connect", b"Connect", b"OPTIONS", b"TRACE", b"PUT"):
        yield good.replace(b"CONNECT", method)
        yield good.replace(b"CONNECT relay.example:993", method + b" http://evil.example/")
        yield good.replace(b"CONNECT relay.example:993", method + b" https://nine.example:993/")


async def test_a_thousand_ways_to_ask_for_what_is_not_allowed(relay: Nowhere, http_relay: Any) -> None:
    asked = list(attempts(relay))
    assert len(asked) >= 1000
    for said in asked:
        heard = await ask(relay, http_relay, said)
        assert not relay.received, said
        assert not relay.dialled, said
        assert not heard.startswith(b"HTTP/1.1 200 Connection"), said


async def test_the_address_of_another_machine_is_no_redirect_either(relay: Nowhere, http_relay: Any) -> None:
    tunnels = relay.tunnels()
    request = Request("CONNECT", "evil.example:993", "", {"host": "evil.example:993"})
    assert await tunnels(request) is None


async def test_where_there_is_no_file_descriptor_left_the_connection_ends(
    relay: Nowhere, http_relay: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = socket.socketpair()

    def none_left() -> tuple[socket.socket, socket.socket]:
        raise OSError(errno.EMFILE, "")

    serving = asyncio.create_task(serve_http(Connection(made[1]), http_relay.site(tunnel=relay.tunnels())))
    app = Connection(made[0])
    with monkeypatch.context() as patched:
        patched.setattr(socket, "socketpair", none_left)
        await app.write(connect(relay, b"relay.example:993"))
        assert await app.read(timeout=5) == b""
    await app.close()
    await asyncio.wait_for(serving, 5)
