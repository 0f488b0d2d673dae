"""SOCKS5: the same goals as through the HTTPS proxy, and a thousand that are refused."""

import asyncio
import contextlib
import ipaddress
import itertools
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from angarium.edge.socks import serve_socks
from angarium.reach.transport import Connection
from tests.edge.nowhere import HOSTS, PORTS_ASKED, STRANGE, Nowhere

GREETING = b"\5\2\0\2"
GRANTED = b"\5\2\1\0\5\0\0\1" + bytes(6)
NOT_ALLOWED = b"\5\2\1\0\5\2\0\1" + bytes(6)


def login(user: str, password: str) -> bytes:
    return b"\1" + bytes((len(user),)) + user.encode() + bytes((len(password),)) + password.encode()


def goal(host: str | bytes, port: int, command: int = 1) -> bytes:
    """A request; for an address as SOCKS5 has it, for what is none as a name."""
    begin = bytes((5, command, 0))
    try:
        address = ipaddress.ip_address(host if isinstance(host, str) else "")
    except ValueError:
        name = host.encode() if isinstance(host, str) else host
        return begin + bytes((3, len(name))) + name + port.to_bytes(2)
    return begin + bytes((1 if address.version == 4 else 4,)) + address.packed + port.to_bytes(2)


@contextlib.asynccontextmanager
async def served(nowhere: Nowhere, seconds: float = 10) -> AsyncIterator[Connection]:
    ours, theirs = socket.socketpair()
    serving = asyncio.create_task(serve_socks(Connection(theirs), nowhere.tunnels(), seconds=seconds))
    app = Connection(ours)
    try:
        yield app
    finally:
        app.abort()
        await asyncio.wait_for(serving, 10)


async def ask(nowhere: Nowhere, said: bytes) -> bytes:
    """What who says this at once hears, and nothing behind it."""
    ours, theirs = socket.socketpair()
    serving = asyncio.create_task(serve_socks(Connection(theirs), nowhere.tunnels(), seconds=10))
    app = Connection(ours)
    await app.write(said)
    ours.shutdown(socket.SHUT_WR)
    heard = b""
    while data := await app.read(timeout=10):
        heard += data
    app.abort()
    await asyncio.wait_for(serving, 10)
    return heard


def mine(nowhere: Nowhere) -> bytes:
    return GREETING + login(nowhere.user, nowhere.password)


@pytest.mark.parametrize(
    ("host", "port", "door"),
    [
        ("relay.example", 993, "imaps"),
        ("RELAY.example.", 10_993, "imaps"),
        ("192.0.2.7", 465, "submissions"),
        ("2001:db8::7", 443, "within"),
        (b"192.0.2.7", 993, "imaps"),
    ],
)
async def test_the_relay_itself_by_all_its_names(nowhere: Nowhere, host: str | bytes, port: int, door: str) -> None:
    assert await ask(nowhere, mine(nowhere) + goal(host, port)) == GRANTED
    assert (nowhere.received, nowhere.dialled) == ([door], [])


async def test_what_the_keeper_has_listed(nowhere: Nowhere) -> None:
    for host, port in (("NINE.example.", 993), ("2001:db8::9", 465)):
        assert await ask(nowhere, mine(nowhere) + goal(host, port)) == GRANTED
    assert nowhere.dialled == [("nine.example", 993), ("2001:db8::9", 465)]


async def test_bytes_pass_both_ways_and_what_came_with_the_request_is_not_lost(nowhere: Nowhere) -> None:
    async with served(nowhere) as app:
        for said, heard in (
            (GREETING, b"\5\2"),
            (login(nowhere.user, nowhere.password), b"\1\0"),
            (goal("relay.example", 993) + b"hello", GRANTED[4:]),
        ):
            await app.write(said)
            assert await app.read(timeout=5) == heard
        (inside,) = nowhere.inside
        assert await inside.read(timeout=5) == b"hello"
        await inside.write(b"and good bye")
        await inside.close()
        assert await app.read(timeout=5) == b"and good bye"
        assert await app.read(timeout=5) == b""


async def test_a_pass_taken_back_ends_what_goes_through_it_and_lets_nobody_in(nowhere: Nowhere) -> None:
    ours, theirs = socket.socketpair()
    tunnels = nowhere.tunnels()
    serving = asyncio.create_task(serve_socks(Connection(theirs), tunnels, seconds=10))
    app = Connection(ours)
    await app.write(mine(nowhere) + goal("relay.example", 993))
    await app.read(timeout=5)
    await nowhere.passes.revoke(nowhere.user)
    tunnels.cut(nowhere.user)
    await asyncio.wait_for(serving, 5)
    app.abort()
    assert await ask(nowhere, mine(nowhere) + goal("relay.example", 993)) == b"\5\2\1\1"


async def test_who_does_not_say_where_to_is_not_waited_for(nowhere: Nowhere) -> None:
    async with served(nowhere, seconds=0.05) as app:
        await app.write(GREETING)
        assert await app.read(timeout=5) == b"\5\2"
        assert await app.read(timeout=5) == b""


def attempts(nowhere: Nowhere) -> Iterator[bytes]:
    for host, port in itertools.product(HOSTS, map(int, PORTS_ASKED)):
        yield mine(nowhere) + goal(host, port)
        yield mine(nowhere) + goal(host.encode(), port)
    for host, strange in itertools.product(("relay.example", "nine.example", "2001:db8::9"), STRANGE):
        yield mine(nowhere) + goal(f"{host}:{strange}", 993)
    for port in (22, 25, 80, 143, 587, 8080, 0, 65_535):
        for host in ("relay.example", "192.0.2.7", "2001:db8::7", "nine.example"):
            yield mine(nowhere) + goal(host, port)
    for command in (0, 2, 3, 255):
        yield mine(nowhere) + goal("relay.example", 993, command)
    for user, password in (("", ""), (nowhere.user, ""), ("", nowhere.password), (nowhere.user, nowhere.password[:-1])):
        yield GREETING + login(user, password) + goal("relay.example", 993)
    yield b"\5\1\0" + goal("relay.example", 993)
    yield GREETING + goal("relay.example", 993)


async def test_a_thousand_ways_to_ask_for_what_is_not_allowed(nowhere: Nowhere) -> None:
    asked = list(attempts(nowhere))
    assert len(asked) >= 1000
    for said in asked:
        heard = await ask(nowhere, said)
        assert not nowhere.received, said
        assert not nowhere.dialled, said
        assert not heard.startswith(GRANTED), said


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1"])
async def test_a_listed_name_that_dns_leads_inside_is_not_dialled(nowhere: Nowhere, address: str) -> None:
    nowhere.found = (address,)
    assert await ask(nowhere, mine(nowhere) + goal("nine.example", 993)) == NOT_ALLOWED
    assert nowhere.dialled == []
