"""One connection: bytes both ways, in clear and in TLS, and every way it may end."""

import asyncio
import contextlib
import hashlib
import os
import random
import socket
import ssl
import tracemalloc
from collections.abc import Awaitable, Callable

import pytest

from angarium.reach import flow, transport
from angarium.reach.transport import PIECE, Connection

Pair = tuple[Connection, Connection]
RawPair = Callable[[], tuple[socket.socket, socket.socket]]
PlainPair = Callable[[], Pair]
TlsPair = Callable[..., Awaitable[Pair]]

BIG = 30_000_000


@pytest.fixture(params=["clear", "TLS"])
def pair(request: pytest.FixtureRequest, plain_pair: PlainPair, tls_pair: TlsPair) -> Callable[[], Awaitable[Pair]]:
    """The same test, in clear and in TLS."""

    async def make() -> Pair:
        return plain_pair() if request.param == "clear" else await tls_pair()

    return make


MakePair = Callable[[], Awaitable[Pair]]


async def read_all(connection: Connection) -> bytes:
    """Everything up to the peer's end, and ours behind it."""
    parts = []
    while part := await connection.read(timeout=20):
        parts.append(part)
    await connection.close()
    return b"".join(parts)


async def digest(connection: Connection, size: int) -> str:
    """The hash of the next `size` bytes."""
    seen = hashlib.sha256()
    while size:
        part = await connection.read(min(size, PIECE), timeout=20)
        assert part
        seen.update(part)
        size -= len(part)
    return seen.hexdigest()


async def test_what_one_writes_the_other_reads(pair: MakePair) -> None:
    server, client = await pair()
    await client.write(b"hello")
    assert await server.read() == b"hello"
    await server.write(b"good day")
    assert await client.read(4) == b"good"
    assert await client.read() == b" day"


async def test_bytes_given_back_are_read_first(pair: MakePair) -> None:
    server, client = await pair()
    await client.write(b"third")
    server.unread(b"second")
    server.unread(b"first ")
    assert await server.read(5) == b"first"
    assert await server.read() == b" second"
    assert await server.read() == b"third"


async def test_the_kernel_waits_for_so_many_octets_or_for_the_end(
    raw_pair: Callable[[], tuple[socket.socket, socket.socket]],
) -> None:
    raw, client = raw_pair()
    server = Connection(raw)
    client.sendall(b"hel")
    assert await server.peek(10, timeout=5) == b"hel"
    with pytest.raises(TimeoutError):
        await server.peek(10, timeout=0.05, least=5)
    waiting = asyncio.ensure_future(server.peek(10, timeout=5, least=5))
    await asyncio.sleep(0)
    client.sendall(b"lo")
    assert await waiting == b"hello"
    assert await server.peek(10, timeout=5) == b"hello"  # as before: one is enough
    waiting = asyncio.ensure_future(server.peek(10, timeout=5, least=6))
    await asyncio.sleep(0)
    client.shutdown(socket.SHUT_WR)
    assert await waiting == b"hello"
    server.abort()


async def test_what_was_peeked_at_is_still_there(
    raw_pair: Callable[[], tuple[socket.socket, socket.socket]],
) -> None:
    server, client = map(Connection, raw_pair())
    with pytest.raises(TimeoutError):
        await server.peek(10, timeout=0.05)
    await client.write(b"hello")
    assert await server.peek(2, timeout=5) == b"he"
    assert await server.peek(10, timeout=5) == b"hello"
    assert await server.read(timeout=5) == b"hello"
    closing = asyncio.create_task(client.close())
    assert await server.peek(10, timeout=5) == b""
    await server.close()
    await closing


async def test_big_transfers_both_ways_at_once(pair: MakePair) -> None:
    server, client = await pair()
    up, down = random.Random(1).randbytes(BIG), random.Random(2).randbytes(BIG)
    _, _, got_up, got_down = await asyncio.gather(
        client.write(up, timeout=20), server.write(down, timeout=20), digest(server, BIG), digest(client, BIG)
    )
    assert got_up == hashlib.sha256(up).hexdigest()
    assert got_down == hashlib.sha256(down).hexdigest()


async def test_polite_end_after_the_last_bytes(pair: MakePair) -> None:
    server, client = await pair()
    await server.write(b"bye" * 100_000)
    _, got = await asyncio.gather(server.close(), read_all(client))
    assert got == b"bye" * 100_000


async def test_last_words_arrive_although_the_peer_has_said_more_than_was_read(pair: MakePair) -> None:
    server, client = await pair()
    await client.write(b"x" * 100_000)
    await server.read(10)
    await server.write(b"go away")
    _, got = await asyncio.gather(server.close(), read_all(client))
    assert got == b"go away"


async def test_who_leaves_has_said_everything_and_does_not_wait_for_the_peer(pair: MakePair) -> None:
    server, client = await pair()
    await client.write(b"not read by anybody")
    await server.write(b"go away")
    assert not server.closed
    server.leave()
    assert server.closed
    assert await read_all(client) == b"go away"


async def test_who_lingers_hears_the_peer_out(pair: MakePair) -> None:
    server, client = await pair()
    await server.write(b"go away")
    lingering = asyncio.create_task(server.linger(silence=5, most=10))
    assert await client.read(timeout=5) == b"go away"
    assert await client.read(timeout=5) == b""
    await client.write(b"x" * 100_000, timeout=5)
    assert not lingering.done()
    await asyncio.gather(client.close(), lingering)
    assert server.closed


async def test_who_lingers_does_not_wait_for_the_silent(pair: MakePair) -> None:
    server, _client = await pair()
    await asyncio.wait_for(server.linger(silence=0.05, most=10), 2)
    assert server.closed


async def test_who_lingers_does_not_hear_out_who_never_ends(pair: MakePair) -> None:
    server, client = await pair()

    async def flood() -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await client.write(b"x" * 100_000, timeout=5)

    flooding = asyncio.create_task(flood())
    await asyncio.wait_for(server.linger(silence=5, most=0.1), 2)
    assert server.closed
    await asyncio.wait_for(flooding, 5)


async def test_who_lingers_only_for_more_ends_at_once_where_all_was_read(pair: MakePair) -> None:
    server, client = await pair()
    await client.write(b"good day")
    assert await server.read(timeout=5) == b"good day"
    await server.write(b"go away")
    await asyncio.wait_for(server.linger(silence=5, most=10, more=False), 2)
    assert server.closed
    assert await read_all(client) == b"go away"


@pytest.mark.parametrize("left", [b"good", b"good day"])
async def test_who_lingers_only_for_more_hears_out_who_has_said_more_than_was_read(pair: MakePair, left: bytes) -> None:
    server, client = await pair()
    if left == b"good":  # of one record of TLS, of which OpenSSL has the rest
        await client.write(b"good day")
        assert await server.read(4, timeout=5) == left
    else:
        await client.write(left)
        assert await server.read(timeout=5) == left
        await client.write(b"and more")
    await server.write(b"go away")
    lingering = asyncio.create_task(server.linger(silence=5, most=10, more=False))
    assert await client.read(timeout=5) == b"go away"
    assert await client.read(timeout=5) == b""
    assert not lingering.done()
    await asyncio.gather(client.close(), lingering)
    assert server.closed


async def test_closing_ends_in_bounded_time_though_the_peer_stays(
    pair: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "GOODBYE_SECONDS", 0.1)
    server, _client = await pair()
    started = asyncio.get_running_loop().time()
    await server.close()
    await server.close()
    assert asyncio.get_running_loop().time() - started < 0.9


async def test_reading_times_out_and_takes_nothing(pair: MakePair) -> None:
    server, client = await pair()
    with pytest.raises(TimeoutError):
        await server.read(timeout=0.01)
    await client.write(b"late")
    assert await server.read(timeout=5) == b"late"


async def test_a_timeout_of_zero_still_reads_what_is_there(pair: MakePair) -> None:
    server, client = await pair()
    await client.write(b"there")
    await server.read(1, timeout=5)
    assert await server.read(timeout=0) == b"here"
    with pytest.raises(TimeoutError):
        await server.read(timeout=0)


async def test_take_does_not_wait_and_readable_takes_nothing(pair: MakePair) -> None:
    server, client = await pair()
    assert await server.take() is None
    waiting = server.readable(timeout=10)
    await client.write(b"hello")
    await waiting
    assert await server.take(2) == b"he"
    assert await server.take() == b"llo"
    assert await server.take() is None
    server.unread(b"back")
    assert await server.take(2) == b"ba"
    assert await server.take() == b"ck"
    with pytest.raises(TimeoutError):
        await server.readable(timeout=0.01)
    waiting = server.readable(timeout=10)
    client.abort()
    await waiting
    with contextlib.suppress(ConnectionError):
        assert await server.take() == b""


async def test_who_waits_is_roused_without_anything_to_take(pair: MakePair) -> None:
    server, client = await pair()
    server.rouse()  # nobody waits
    waiting = server.readable(timeout=10)
    server.rouse()
    await waiting
    assert await server.take() is None
    waiting = server.readable(timeout=10)
    await client.write(b"hello")
    await asyncio.sleep(0.05)
    server.rouse()  # it was about to wake by itself
    await waiting
    assert await server.take() == b"hello"


async def test_what_came_while_it_was_roused_is_not_overlooked(pair: MakePair) -> None:
    server, client = await pair()
    for number in range(50):
        word, waiting = b"%d" % number, server.readable(timeout=10)
        await client.write(word)
        server.rouse()
        await waiting
        async with asyncio.timeout(10):
            while (taken := await server.take()) is None:
                await server.readable(timeout=10)
        assert taken == word


async def test_a_closed_connection_is_neither_taken_from_nor_waited_for(pair: MakePair) -> None:
    server, _client = await pair()
    waiting = server.readable(timeout=10)
    server.abort()
    assert server.closed
    await waiting
    with pytest.raises(ConnectionError):
        await server.take()
    with pytest.raises(ConnectionError):
        server.readable(timeout=10)


async def test_a_cancelled_read_takes_nothing(pair: MakePair) -> None:
    server, client = await pair()
    for _ in range(50):
        reading = asyncio.ensure_future(server.read())
        await asyncio.sleep(0)
        writing = asyncio.ensure_future(client.write(b"x"))
        for _ in range(random.randrange(6)):
            await asyncio.sleep(0)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            server.unread(await reading)
        await writing
        assert await server.read(timeout=5) == b"x"


async def test_a_short_write_does_not_overtake_a_long_one_that_waits(pair: MakePair) -> None:
    server, client = await pair()
    long, longer = b"a" * 3_000_000, b"b" * 3_000_000
    writing = [asyncio.ensure_future(server.write(data, timeout=20)) for data in (long, longer)]
    await asyncio.sleep(0)
    writing.append(asyncio.ensure_future(server.write(b"short", timeout=20)))
    got = bytearray()
    while len(got) < len(long) + len(longer) + 5:
        got += await client.read(timeout=20)
    await asyncio.gather(*writing)
    assert got == long + longer + b"short"


async def test_a_peer_that_never_reads_holds_the_writer_back_and_then_costs_it_the_connection(pair: MakePair) -> None:
    server, _client = await pair()
    with pytest.raises(TimeoutError):
        await server.write(bytes(BIG), timeout=0.2)
    with pytest.raises(ConnectionError):
        await server.write(b"in the middle of something else")
    started = asyncio.get_running_loop().time()
    await server.close()
    assert asyncio.get_running_loop().time() - started < 0.9, "there was nobody to say goodbye to"


async def test_a_slow_reader_is_not_cut_off(pair: MakePair) -> None:
    """The timeout of a write counts from the last byte taken, not from the first."""
    server, client = await pair()
    size = 12_000_000
    writing = asyncio.ensure_future(server.write(bytes(size), timeout=0.4))
    started = asyncio.get_running_loop().time()
    left = size
    while left:
        if left % 1_000_000 < PIECE:
            await asyncio.sleep(0.05)
        left -= len(await client.read(timeout=5))
    await writing
    assert asyncio.get_running_loop().time() - started > 0.4


async def test_writes_of_two_tasks_do_not_mix(pair: MakePair) -> None:
    server, client = await pair()
    ones, twos = b"1" * 3_000_000, b"2" * 3_000_000
    writing = asyncio.gather(server.write(ones), server.write(twos))
    got = b""
    while len(got) < 6_000_000:
        got += await client.read(timeout=5)
    await writing
    assert got == ones + twos


async def test_a_reset_ends_reading_and_fails_writing(pair: MakePair) -> None:
    server, client = await pair()
    client.abort()
    with contextlib.suppress(ConnectionError):  # some versions of Python take a reset inside TLS for an end
        assert await server.read(timeout=5) == b""

    async def write_on() -> None:
        while True:
            await server.write(b"anybody?")
            await asyncio.sleep(0.01)

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(write_on(), 5)


async def test_an_end_without_close_notify_is_an_end(raw_pair: RawPair, server_context: ssl.SSLContext) -> None:
    server_socket, client_socket = raw_pair()
    server = Connection(server_socket)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def visit() -> None:
        tls = context.wrap_socket(client_socket)
        tls.sendall(b"one word")
        os.close(tls.detach())

    await asyncio.gather(server.start_tls(server_context, timeout=5), asyncio.to_thread(visit))
    assert await read_all(server) == b"one word"
    await server.close()


async def test_whoever_waits_hears_of_the_end_on_our_side(pair: MakePair) -> None:
    server, _client = await pair()
    for end in (server.abort, lambda: asyncio.ensure_future(server.close())):
        reading = asyncio.ensure_future(server.read())
        await asyncio.sleep(0)
        end()
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reading, 5)
    with pytest.raises(ConnectionError):
        await server.write(b"x")


async def test_a_writer_that_waits_hears_of_an_abort(pair: MakePair) -> None:
    server, _client = await pair()
    writing = asyncio.ensure_future(server.write(bytes(BIG)))
    await asyncio.sleep(0.05)
    assert not writing.done()
    server.abort()
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(writing, 5)


async def test_an_aborted_connection_leaves_its_number_alone(pair: MakePair) -> None:
    """The kernel gives a closed connection's number to the next one: the old reader must not unregister the new."""
    server, _ = await pair()
    reading = asyncio.ensure_future(server.read())
    await asyncio.sleep(0)
    server.abort()
    other_server, other_client = await pair()
    other_reading = asyncio.ensure_future(other_server.read())
    with pytest.raises(ConnectionError):
        await reading
    await other_client.write(b"still here")
    assert await asyncio.wait_for(other_reading, 5) == b"still here"


async def test_a_peer_that_never_reads_costs_no_memory(pair: MakePair) -> None:
    server, _client = await pair()
    data = bytes(BIG)
    tracemalloc.start()
    try:
        with pytest.raises(TimeoutError):
            await server.write(data, timeout=0.2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


async def test_one_that_always_has_something_does_not_keep_the_others_waiting(pair: MakePair) -> None:
    server, client = await pair()
    flooding = asyncio.ensure_future(client.write(bytes(BIG)))
    others = 0

    async def live() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    living = asyncio.ensure_future(live())
    await digest(server, BIG)
    living.cancel()
    await flooding
    assert others > BIG / PIECE / 2 / flow.TURNS


async def test_both_sides_speak_and_one_vanishes_at_random(pair: MakePair) -> None:
    """Whenever it happens, a task hears an end or a ConnectionError, and what arrived is a beginning of it all."""
    chance = random.Random(7)
    for _ in range(12):
        server, client = await pair()
        said = chance.randbytes(300_000)
        heard: list[bytes] = []

        async def speak(one: Connection, said: bytes = said) -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    await one.write(said)

        async def hear(one: Connection, heard: list[bytes] = heard) -> None:
            with contextlib.suppress(ConnectionError):
                while part := await one.read(chance.randrange(1, 40_000)):
                    heard.append(part)

        talking = asyncio.gather(speak(server), speak(client), hear(server), hear(client, []))
        for _ in range(chance.randrange(60)):
            await asyncio.sleep(0)
        vanishing = chance.choice((server, client))
        if chance.random() < 0.7:
            vanishing.abort()
        else:
            socket.socket.shutdown(vanishing._socket, socket.SHUT_RDWR)
        await asyncio.wait_for(talking, 10)
        await vanishing.close()
        whole = b"".join(heard)
        assert (said * (len(whole) // len(said) + 1)).startswith(whole)


async def test_what_is_at_hand_is_taken_and_nothing_is_waited_for(pair: MakePair) -> None:
    server, client = await pair()
    assert server.at_hand() is None
    await client.write(b"hello")
    await server.readable(timeout=5)
    assert server.at_hand(2) == b"he"
    server.unread(b"e")
    assert [server.at_hand(), server.at_hand(), server.at_hand()] == [b"e", b"llo", None]
    await client.close()
    await server.readable(timeout=5)
    assert server.at_hand() == b""
    server.abort()
    with pytest.raises(ConnectionAbortedError):
        server.at_hand()


async def test_what_there_is_no_room_for_is_left_to_write(pair: MakePair) -> None:
    server, client = await pair()
    data = os.urandom(8_000_000)
    rest = server.put(data)
    assert 0 < len(rest) < len(data)
    assert data.endswith(rest)
    assert server.put(b"") == b""
    reading = asyncio.create_task(digest(client, len(data)))
    await server.write(rest, timeout=20)
    assert await reading == hashlib.sha256(data).hexdigest()
    server.abort()
    client.abort()


async def test_who_parts_is_gone_at_once_unless_the_peer_has_said_more(pair: MakePair) -> None:
    server, client = await pair()
    await client.write(b"more")
    await server.readable(timeout=5)
    assert not server.part()
    assert await server.read() == b"more"
    assert server.put(b"last words") == b""
    assert server.part()
    assert server.closed
    assert server.part(), "as often as one likes"
    assert await read_all(client) == b"last words"
