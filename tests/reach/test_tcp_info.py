"""What the kernel says was sent is what the other side has received."""

import socket
from collections.abc import Awaitable, Callable

import pytest

from angarium.reach import tcp_info
from angarium.reach.transport import Connection

Pair = tuple[Connection, Connection]

pytestmark = pytest.mark.skipif(not tcp_info.COUNTS, reason="this system does not count")


def test_every_byte_is_counted_whether_it_was_read_or_not(
    raw_pair: Callable[[], tuple[socket.socket, socket.socket]],
) -> None:
    server, client = raw_pair()
    assert tcp_info.bytes_sent(server) == 0
    server.sendall(b"x" * 1000)
    server.sendall(b"y")
    assert tcp_info.bytes_sent(server) == 1001 + 2 * tcp_info.HEADERS
    assert tcp_info.bytes_sent(client) == 0


def test_what_the_peer_has_no_room_for_is_counted_too(
    raw_pair: Callable[[], tuple[socket.socket, socket.socket]],
) -> None:
    server, _ = raw_pair()
    server.setblocking(False)
    total = 0
    try:
        while True:
            total += server.send(bytes(65_536))
    except BlockingIOError:
        pass
    assert tcp_info.bytes_sent(server) >= total


async def test_tls_is_counted_as_it_is_on_the_wire(tls_pair: Callable[..., Awaitable[Pair]]) -> None:
    server, client = await tls_pair()
    before = server.sent
    assert before > 500, "a certificate"
    await server.write(b"x" * 100)
    assert await client.read() == b"x" * 100
    assert server.sent == before + 100 + 22 + tcp_info.HEADERS, "a record of TLS 1.3: 5 before, 17 behind"


async def test_a_connection_that_is_closed_has_no_count(tls_pair: Callable[..., Awaitable[Pair]]) -> None:
    server, _ = await tls_pair()
    server.abort()
    with pytest.raises(OSError, match="Bad file descriptor"):
        server.sent  # noqa: B018


def test_inside_the_machine_nothing_is_on_a_wire() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"hello")
        assert tcp_info.bytes_sent(ours) == 0


def test_a_round_trip_takes_some_time(raw_pair: Callable[[], tuple[socket.socket, socket.socket]]) -> None:
    server, client = raw_pair()
    assert 0 < tcp_info.round_trip(server) < 1
    assert 0 < tcp_info.round_trip(client) < 1


def test_inside_the_machine_no_round_trip_is_known() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert tcp_info.round_trip(ours) == 0
