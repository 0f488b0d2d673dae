"""Accepting: who is let in, in which order, what one session may do to the others, and how it ends."""

import asyncio
import contextlib
import logging
import socket
import ssl
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme

from angarium.edge import listener
from angarium.edge.listener import Door, Listener
from angarium.edge.settings import Limits, Listen
from angarium.edge.threshold import Admit, Begins, Everybody
from angarium.reach import transport
from angarium.reach.connect import connect
from angarium.reach.transport import Connection

LOOPBACK = ["127.0.0.1"]
TLS_ONLY = Listen(addresses=LOOPBACK, ports="any", imap=-1, submissions=-1, submission=-1, https=-1, http=-1, smtp=-1)
PLAIN_ONLY = Listen(
    addresses=LOOPBACK, ports="any", imaps=-1, submissions=-1, submission=-1, https=-1, http=-1, smtp=-1
)

Handler = Callable[[Door, Connection], Coroutine[Any, Any, None]]
Serving = Callable[..., contextlib.AbstractAsyncContextManager[tuple[Listener, int]]]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds in a relay takes less in a test."""
    monkeypatch.setattr(transport, "GOODBYE_SECONDS", 0.1)
    monkeypatch.setattr(listener, "HOLD_SECONDS", 0.2)
    monkeypatch.setattr(listener, "STOP_SECONDS", 0.5)


async def echo(door: Door, connection: Connection) -> None:
    """A session that gives everything back."""
    while data := await connection.read(timeout=30):
        await connection.write(data, timeout=30)


@pytest.fixture
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return context


@pytest.fixture
def serving(
    server_context: ssl.SSLContext,
) -> Callable[..., contextlib.AbstractAsyncContextManager[tuple[Listener, int]]]:
    """Serves one door on loopback while the context lasts."""

    @asynccontextmanager
    async def serve(
        handle: Handler = echo,
        listen: Listen = TLS_ONLY,
        limits: Limits | None = None,
        admit: Admit | None = None,
    ) -> AsyncIterator[tuple[Listener, int]]:
        serving_now = Listener(limits or Limits(), handle, lambda door: server_context, admit)
        (door,) = await serving_now.bind(listen)
        running = asyncio.create_task(serving_now.run())
        try:
            yield serving_now, door.port
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    return serve


async def until(true: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


async def says(connection: Connection, word: bytes) -> bytes:
    await connection.write(word)
    return await connection.read(timeout=10)


async def test_serves_over_tls(serving: Serving, client_context: ssl.SSLContext) -> None:
    async with serving() as (serving_now, port):
        client = await connect("127.0.0.1", port, client_context)
        assert await says(client, b"hello") == b"hello"
        assert serving_now.connections == 1
        await client.close()
        await until(lambda: serving_now.connections == 0)


async def test_serves_in_clear_at_a_door_without_tls(serving: Serving) -> None:
    async with serving(listen=PLAIN_ONLY) as (_, port):
        client = await connect("127.0.0.1", port)
        assert await says(client, b"hello") == b"hello"
        client.abort()


async def test_a_session_that_breaks_takes_nothing_with_it(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    address = "somebody@relay.example"

    async def break_at(door: Door, connection: Connection) -> None:
        word = await connection.read()
        if word == b"break":
            raise ValueError(address)
        await connection.write(word)

    async with serving(break_at, PLAIN_ONLY) as (serving_now, port):
        with caplog.at_level(logging.ERROR):
            victim = await connect("127.0.0.1", port)
            await victim.write(b"break")
            assert await victim.read(timeout=5) == b""
        other = await connect("127.0.0.1", port)
        assert await says(other, b"still here") == b"still here"
        await until(lambda: serving_now.connections == 0)
    assert "ValueError" in caplog.text
    assert "break_at" in caplog.text, "the log says where"
    assert "somebody" not in caplog.text
    assert "127.0.0.1" not in caplog.text


async def test_what_peers_do_is_not_logged(
    serving: Serving, client_context: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as (serving_now, port):
        stranger = await connect("127.0.0.1", port)
        await stranger.write(b"GET / HTTP/1.0\r\n\r\n")  # where TLS is expected
        with contextlib.suppress(ConnectionError):
            while await stranger.read(timeout=5):
                pass
        client = await connect("127.0.0.1", port, client_context)
        client.abort()
        await until(lambda: serving_now.connections == 0)
    assert not caplog.records


async def test_connections_over_the_limit_are_ended_and_room_is_made_again(serving: Serving) -> None:
    async with serving(listen=PLAIN_ONLY, limits=Limits(connections=2)) as (serving_now, port):
        first, second = await connect("127.0.0.1", port), await connect("127.0.0.1", port)
        assert await says(first, b"1") == b"1"
        assert await says(second, b"2") == b"2"
        third = await connect("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            assert await third.read(timeout=5) == b""
        await first.close()
        await until(lambda: serving_now.connections == 1)
        fourth = await connect("127.0.0.1", port)
        assert await says(fourth, b"4") == b"4"


async def test_silent_and_half_open_tls_is_cut_while_others_go_on(
    serving: Serving, client_context: ssl.SSLContext
) -> None:
    async with serving(limits=Limits(handshakes=2, handshake_seconds=0.6)) as (serving_now, port):
        hello = client_hello(client_context)
        silent = [await connect("127.0.0.1", port) for _ in range(10)]
        half = [await connect("127.0.0.1", port) for _ in range(2)]
        for one in half:
            await one.write(hello[:100])
        await until(lambda: serving_now.connections == 12)
        client = await connect("127.0.0.1", port, client_context, timeout=5)
        assert await says(client, b"hello") == b"hello"
        for one in silent + half:
            with contextlib.suppress(ConnectionError):
                assert await one.read(timeout=5) == b""
        assert await says(client, b"still here") == b"still here"
        await until(lambda: serving_now.connections == 1)


async def test_half_open_tls_keeps_nobody_out_for_long(serving: Serving, client_context: ssl.SSLContext) -> None:
    """All places of the turnstile are held by those who stop midway, and their time is not up."""
    async with serving(limits=Limits(handshakes=1, handshake_seconds=60)) as (serving_now, port):
        stuck = await connect("127.0.0.1", port)
        await stuck.write(client_hello(client_context)[:100])
        await until(lambda: serving_now.connections == 1)
        client = await connect("127.0.0.1", port, client_context, timeout=10)
        assert await says(client, b"hello") == b"hello"


def client_hello(context: ssl.SSLContext) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1").do_handshake()
    return outgoing.read()


async def test_stopping_lets_sessions_say_goodbye(serving: Serving) -> None:
    async def polite(door: Door, connection: Connection) -> None:
        await connection.write(b"hello")
        try:
            await connection.read()
        except asyncio.CancelledError:
            await connection.write(b"goodbye")
            raise

    async with serving(polite, PLAIN_ONLY) as (_, port):
        client = await connect("127.0.0.1", port)
        assert await client.read(timeout=5) == b"hello"
    assert await client.read(timeout=5) == b"goodbye"
    assert await client.read(timeout=5) == b""
    with pytest.raises(ConnectionError):
        await connect("127.0.0.1", port)


async def test_stopping_waits_for_nobody_longer_than_it_says(serving: Serving) -> None:
    async def stubborn(door: Door, connection: Connection) -> None:
        await connection.write(b"hello")
        while True:
            try:
                await connection.read()
            except asyncio.CancelledError:
                continue

    started = asyncio.get_running_loop().time()
    async with serving(stubborn, PLAIN_ONLY) as (_, port):
        client = await connect("127.0.0.1", port)
        assert await client.read(timeout=5) == b"hello"
    assert asyncio.get_running_loop().time() - started < 2


async def test_a_connection_accepted_as_the_relay_stops_is_closed(serving: Serving) -> None:
    async with serving(listen=PLAIN_ONLY) as (_, port):
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    for client in clients:
        client.settimeout(5)
        with contextlib.suppress(ConnectionError):
            assert client.recv(10) == b""
        client.close()


async def test_tls_contexts_are_asked_for_each_time(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    asked: list[str] = []

    def tls(door: Door) -> ssl.SSLContext:
        asked.append(door.name)
        return server_context

    doors = Listener(Limits(), echo, tls)
    (door,) = await doors.bind(TLS_ONLY)
    running = asyncio.create_task(doors.run())
    for _ in range(3):
        client = await connect("127.0.0.1", door.port, client_context)
        await client.close()
    running.cancel()
    await asyncio.wait([running])
    assert asked == ["imaps"] * 3


def run_apart(program: str, *arguments: str) -> str:
    """Run a program in a process of its own, whose limits it may lower; what it printed."""
    command = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


OUT_OF_DESCRIPTORS = """
    import asyncio, logging, resource, socket
    from angarium.edge import listener as listening
    from angarium.edge.settings import Limits, Listen
    from angarium.reach.connect import connect

    logging.basicConfig(format="%(message)s")

    async def echo(door, connection):
        while data := await connection.read():
            await connection.write(data)

    async def main():
        listener = listening.Listener(Limits(), echo, None)
        doors = await listener.bind(
            Listen(
                addresses=["127.0.0.1"],
                ports="any",
                **dict.fromkeys(("imaps", "submissions", "submission", "https", "http", "smtp"), -1),
            )
        )
        running = asyncio.create_task(listener.run())
        port = doors[0].port
        clients = [await connect("127.0.0.1", port) for _ in range(20)]
        used = clients[-1]._socket.fileno()
        # what is left suffices for the client's side of what comes, and for a few of ours
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 30, used + 30))
        more = []
        try:
            while True:
                more.append(socket.create_connection(("127.0.0.1", port)))
                await asyncio.sleep(0)
        except OSError:
            pass
        await asyncio.sleep(0.1)
        await clients[0].write(b"those inside go on")
        print(await clients[0].read(timeout=5))
        for one in more[:-1]:
            one.close()
        more[-1].setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(more[-1], b"the last one is let in")
        print(await asyncio.wait_for(loop.sock_recv(more[-1], 100), 5))
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(main())
"""


def test_without_descriptors_accepting_pauses_and_goes_on() -> None:
    said = run_apart(OUT_OF_DESCRIPTORS)
    assert "those inside go on" in said
    assert "the last one is let in" in said
    assert said.count("no more file descriptors") == 1, said


class Doorman(Everybody):
    """Lets in only the first who comes, and looks closely at everybody or at nobody."""

    def __init__(self, *, waits: bool = True, at_once: bool = False) -> None:
        self._waits, self._at_once = waits, at_once
        self.seen: list[bytes] = []

    def waits(self, door: Door) -> bool:
        return self._waits

    def begins(self, door: Door, connection: Connection) -> Begins:
        return Begins.TLS if self._at_once else Begins.UNCLEAR

    async def come(self, door: Door, connection: Connection) -> Door:
        self.seen.append(await connection.peek(1, timeout=5))
        if len(self.seen) > 1:
            raise ConnectionAbortedError
        return door


@pytest.mark.parametrize("waits", [True, False])
async def test_who_is_not_admitted_is_ended_before_tls(
    serving: Serving, client_context: ssl.SSLContext, waits: bool
) -> None:
    doorman = Doorman(waits=waits)
    async with serving(admit=doorman) as (_, port):
        client = await connect("127.0.0.1", port, client_context)
        assert await says(client, b"hello") == b"hello"
        await client.close()
        with pytest.raises(ConnectionError):
            await connect("127.0.0.1", port, client_context)
    assert doorman.seen == [b"\x16", b"\x16"]


async def test_who_is_let_in_at_once_is_not_looked_at_again(serving: Serving, client_context: ssl.SSLContext) -> None:
    doorman = Doorman(at_once=True)
    async with serving(admit=doorman) as (_, port):
        for _ in range(2):
            client = await connect("127.0.0.1", port, client_context)
            assert await says(client, b"hello") == b"hello"
            await client.close()
    assert doorman.seen == []


async def test_who_says_nothing_costs_no_task_and_is_ended_in_time(serving: Serving) -> None:
    async with serving(limits=Limits(handshake_seconds=0.3)) as (serving_now, port):
        await asyncio.sleep(0.01)  # it begins to serve
        tasks = len(asyncio.all_tasks())
        silent = [await connect("127.0.0.1", port) for _ in range(20)]
        await until(lambda: serving_now.connections == 20)
        assert len(asyncio.all_tasks()) == tasks
        for one in silent:
            assert await one.read(timeout=5) == b"", "an end in order"
        assert serving_now.connections == 0


async def test_who_goes_before_a_word_is_forgotten(serving: Serving) -> None:
    async with serving() as (serving_now, port):
        polite, rude = await connect("127.0.0.1", port), await connect("127.0.0.1", port)
        await until(lambda: serving_now.connections == 2)
        rude.abort()
        await polite.finish()
        await until(lambda: serving_now.connections == 0)


async def test_stopping_ends_those_who_have_said_nothing(serving: Serving) -> None:
    async with serving() as (serving_now, port):
        silent = await connect("127.0.0.1", port)
        await until(lambda: serving_now.connections == 1)
    assert serving_now.connections == 0
    with contextlib.suppress(ConnectionError):
        assert await silent.read(timeout=5) == b""


async def test_a_connection_that_came_by_another_way_is_served_as_any(
    serving: Serving, client_context: ssl.SSLContext
) -> None:
    async with serving(limits=Limits(connections=1)) as (serving_now, _):
        await asyncio.sleep(0.01)  # it begins to serve
        ours, theirs = socket.socketpair()
        serving_now.receive(Door("imaps", "", 0, tls=True), theirs)
        client = Connection(ours)
        await client.start_tls_client(client_context, "127.0.0.1", timeout=5)
        assert await says(client, b"hello") == b"hello"
        assert serving_now.connections == 1
        second, theirs = socket.socketpair()
        serving_now.receive(Door("imaps", "", 0, tls=True), theirs)  # there is no room
        assert await Connection(second).read(timeout=5) == b""
        await client.close()
    third, theirs = socket.socketpair()
    serving_now.receive(Door("imaps", "", 0, tls=True), theirs)  # it serves nobody any more
    assert await Connection(third).read(timeout=5) == b""


async def test_who_comes_to_an_absent_processs_socket_is_let_in_here_and_stays(serving: Serving) -> None:
    async with serving(listen=PLAIN_ONLY) as (serving_now, port):
        others = serving_now.share(("imap",))
        clients = [await connect("127.0.0.1", port) for _ in range(24)]
        await until(lambda: serving_now.connections > 0)
        await asyncio.sleep(0.1)
        assert serving_now.connections < 24, "some wait at the other socket"
        standing_in = asyncio.create_task(serving_now.stand_in(others))
        await until(lambda: serving_now.connections == 24)
        standing_in.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await standing_in
        for client in clients:
            assert await says(client, b"hello") == b"hello"
        (more,) = [one for _, one in others]
        assert more.fileno() >= 0, "it is its process's, and stays open"
        for client in clients:
            client.abort()
        more.close()


class Host(Doorman):
    """Answers everybody's first words: `bye` ends, `stay` has a session, `wait` is heard out by a task."""

    def __init__(self, patience: float = 30) -> None:
        super().__init__(at_once=True)
        self._patience = patience
        self.rehearsed = 0

    def patience(self, door: Door, connection: Connection) -> float:
        return self._patience

    def compared(self, door: Door) -> bool:
        return door.tls

    def rehearse(self, door: Door, *, soon: bool) -> None:
        self.rehearsed += 1

    def greet(self, door: Door, connection: Connection) -> Coroutine[Any, Any, None] | None:
        try:
            said = connection.at_hand()
        except ConnectionError:
            return connection.close()
        if said is None:
            return None
        assert connection.put(b"heard " + said) == b""
        if said == b"stay":
            return echo(door, connection)
        assert connection.part()
        return None


class Greeting(Doorman):
    """Greets whoever says nothing, at a door where strangers compare."""

    def __init__(self) -> None:
        super().__init__(waits=False, at_once=True)

    def compared(self, door: Door) -> bool:
        return True

    async def come(self, door: Door, connection: Connection) -> Door:
        try:
            await connection.peek(1, timeout=0.05)
        except TimeoutError:
            return Door("clear", "", 0, tls=False)
        return door


async def test_where_the_silent_are_greeted_both_they_and_tls_are_served(
    serving: Serving, client_context: ssl.SSLContext
) -> None:
    async with serving(admit=Greeting()) as (_, port):
        for _ in range(3):
            client = await connect("127.0.0.1", port, client_context)
            assert await says(client, b"hello") == b"hello"
            await client.close()
            silent = await connect("127.0.0.1", port)
            await asyncio.sleep(0.1)
            assert await says(silent, b"in clear") == b"in clear"
            silent.abort()


@pytest.mark.parametrize("listen", [TLS_ONLY, PLAIN_ONLY], ids=["TLS", "clear"])
async def test_first_words_are_answered_without_a_task(
    serving: Serving, client_context: ssl.SSLContext, listen: Listen
) -> None:
    host, context = Host(), client_context if listen is TLS_ONLY else None
    async with serving(admit=host, listen=listen) as (serving_now, port):
        clients = [await connect("127.0.0.1", port, context) for _ in range(12)]
        await until(lambda: serving_now.connections == 12)
        tasks = len(asyncio.all_tasks())
        await asyncio.sleep(0.02)
        assert len(asyncio.all_tasks()) == tasks, "who says nothing costs none"
        for client in clients[:6]:
            assert await says(client, b"bye") == b"heard bye"
            assert await client.read(timeout=5) == b""
        await until(lambda: serving_now.connections == 6)
        assert len(asyncio.all_tasks()) == tasks
        for client in clients[6:]:
            assert await says(client, b"stay") == b"heard stay"
            assert await says(client, b"more") == b"more"
            await client.close()
        await until(lambda: serving_now.connections == 0)
    assert (host.rehearsed > 0) is (listen is TLS_ONLY)


async def test_first_words_that_come_with_the_end_of_the_handshake_are_answered(
    serving: Serving, client_context: ssl.SSLContext
) -> None:
    async with serving(admit=Host()) as (_, port):
        for _ in range(20):  # the first ones take what was made ready, the others do not
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = client_context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
            client = await connect("127.0.0.1", port)
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    await client.write(outgoing.read())
                    incoming.write(await client.read(timeout=5))
            tls.write(b"bye")
            await client.write(outgoing.read())
            heard = b""
            with contextlib.suppress(ssl.SSLZeroReturnError, ssl.SSLWantReadError):
                while data := await client.read(timeout=5):
                    incoming.write(data)
            with contextlib.suppress(ssl.SSLZeroReturnError, ssl.SSLWantReadError):
                while data := tls.read(100):
                    heard += data
            assert heard == b"heard bye"
            client.abort()


@pytest.mark.parametrize("listen", [TLS_ONLY, PLAIN_ONLY], ids=["TLS", "clear"])
async def test_who_says_nothing_after_all_hears_a_goodbye_in_time(
    serving: Serving, client_context: ssl.SSLContext, listen: Listen
) -> None:
    context = client_context if listen is TLS_ONLY else None
    async with serving(admit=Host(patience=0.2), listen=listen) as (serving_now, port):
        client = await connect("127.0.0.1", port, context)
        assert await client.read(timeout=5) == b"", "an end in order"
        assert serving_now.connections == 0


@pytest.mark.parametrize("listen", [TLS_ONLY, PLAIN_ONLY], ids=["TLS", "clear"])
async def test_who_goes_without_a_first_word_is_forgotten(
    serving: Serving, client_context: ssl.SSLContext, listen: Listen
) -> None:
    context = client_context if listen is TLS_ONLY else None
    async with serving(admit=Host(), listen=listen) as (serving_now, port):
        rude, polite = [await connect("127.0.0.1", port, context) for _ in range(2)]
        await until(lambda: serving_now.connections == 2)
        rude.abort()
        await polite.close()
        await until(lambda: serving_now.connections == 0)


@pytest.mark.parametrize("listen", [TLS_ONLY, PLAIN_ONLY], ids=["TLS", "clear"])
async def test_stopping_says_goodbye_to_those_who_have_come_in(
    serving: Serving, client_context: ssl.SSLContext, listen: Listen
) -> None:
    context = client_context if listen is TLS_ONLY else None
    async with serving(admit=Host(), listen=listen) as (serving_now, port):
        client = await connect("127.0.0.1", port, context)
        await until(lambda: serving_now.connections == 1)
        await asyncio.sleep(0.02)
    assert serving_now.connections == 0
    assert await client.read(timeout=5) == b""
