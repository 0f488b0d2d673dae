"""Connections that are ready before anybody comes: they are as any other once somebody has."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
import trustme

from angarium.edge import seats as seats_module
from angarium.edge.seats import MOST, Seats
from angarium.reach import tcp_info
from angarium.reach.transport import Connection

Come = Callable[[], tuple[Connection, socket.socket]]


def context_of(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return context


@pytest_asyncio.fixture
async def come() -> AsyncIterator[Come]:
    """Somebody who connects: his connection, and the socket that was accepted."""
    made: list[socket.socket] = []
    people: list[Connection] = []

    def connect() -> tuple[Connection, socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            person = socket.create_connection(listening.getsockname())
            accepted, _ = listening.accept()
        made.append(accepted)
        people.append(Connection(person))
        return people[-1], accepted

    yield connect
    for one in people:
        one.abort()
    for accepted in made:
        accepted.close()


async def handshake(server: Connection, client: Connection, trusting: ssl.SSLContext) -> None:
    async def shake() -> None:
        loop = asyncio.get_running_loop()
        while True:
            waiting = loop.create_future()
            if server.shake(waiting, until=loop.time() + 5):
                return
            await waiting

    await asyncio.gather(shake(), client.start_tls_client(trusting, "localhost", timeout=5))


async def test_who_takes_a_seat_is_in_tls_as_anybody(
    come: Come, authority: trustme.CA, client_context: ssl.SSLContext
) -> None:
    context = context_of(authority)
    seats = Seats(lambda: context)
    seats.make()
    for _ in range(2):
        client, accepted = come()
        server = seats.seat(accepted)
        assert server is not None
        assert accepted.fileno() == -1
        await handshake(server, client, client_context)
        await client.write(b"hello" * 10_000)
        heard = b""
        while len(heard) < 50_000:
            heard += await server.read(timeout=5)
        assert heard == b"hello" * 10_000
        await server.write(b"x")
        assert await client.read(timeout=5) == b"x"
        if tcp_info.COUNTS:
            assert server.sent > 500, "it is the peer's socket that is counted"
            assert 0 < server.round_trip < 5
        server.leave()
        assert await client.read(timeout=5) == b"", "an end in order"
    seats.close()


async def test_who_wants_no_tls_after_all_is_heard_in_clear(come: Come, authority: trustme.CA) -> None:
    context = context_of(authority)
    seats = Seats(lambda: context)
    seats.make()
    client, accepted = come()
    server = seats.seat(accepted)
    assert server is not None
    await client.write(b"GET /")
    assert await server.peek(2, timeout=5) == b"GE"
    server.in_clear()
    assert await server.read(timeout=5) == b"GET /"
    await server.write(b"400")
    assert await client.read(timeout=5) == b"400"
    server.abort()
    seats.close()


async def test_with_another_certificate_there_are_other_seats(
    come: Come, authority: trustme.CA, client_context: ssl.SSLContext
) -> None:
    contexts = [context_of(trustme.CA())]
    seats = Seats(lambda: contexts[-1])
    seats.make()
    contexts.append(context_of(authority))
    _, accepted = come()
    assert seats.seat(accepted) is None
    assert accepted.fileno() >= 0, "it is left to whoever makes him a connection"
    seats.make()
    client, accepted = come()
    server = seats.seat(accepted)
    assert server is not None
    await handshake(server, client, client_context)
    server.abort()
    seats.close()


async def test_there_are_more_after_a_while(come: Come, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats_module, "REST_SECONDS", 0.001)
    context = context_of(authority)
    seats = Seats(lambda: context)
    seats.make()
    taken = []
    for _ in range(MOST):
        _, accepted = come()
        taken.append(seats.seat(accepted))
    assert None not in taken
    _, accepted = come()
    assert seats.seat(accepted) is None
    async with asyncio.timeout(5):
        while (more := seats.seat(accepted)) is None:
            await asyncio.sleep(0.001)
    seats.close()
    for one in (*taken, more):
        assert one is not None
        one.abort()
    assert seats.seat(come()[1]) is None


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="descriptors cannot be counted here")
async def test_behind_it_all_there_are_none(come: Come, authority: trustme.CA) -> None:
    def open_now() -> int:
        return len(os.listdir("/proc/self/fd"))

    context = context_of(authority)
    come()  # and with the first connection comes what all of a loop share
    before = open_now()
    seats = Seats(lambda: context)
    seats.make()
    assert open_now() == before + MOST
    seats.close()
    assert open_now() == before
    seats.make()
    assert open_now() == before


async def test_where_the_system_has_nothing_left_there_are_none(
    come: Come, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_of(authority)
    seats = Seats(lambda: context)

    def none() -> tuple[socket.socket, socket.socket]:
        raise OSError(24, "so it is")

    monkeypatch.setattr(socket, "socketpair", none)
    seats.make()
    assert seats.seat(come()[1]) is None
    seats.close()
