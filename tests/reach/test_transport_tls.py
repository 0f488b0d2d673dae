"""TLS under a connection: handshakes that go well and badly, STARTTLS, sessions, and directions that wait crosswise."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Awaitable, Callable

import pytest

from angarium.reach.openssl import KNOWN
from angarium.reach.tcp_info import COUNTS, HEADERS
from angarium.reach.transport import Connection

RECORD = 5 + 16
"""Octets around what is in a record: its head, and what it is authenticated by."""
Pair = tuple[Connection, Connection]
PlainPair = Callable[[], Pair]
TlsPair = Callable[..., Awaitable[Pair]]


async def test_tls_1_3_with_the_protocol_agreed_upon(tls_pair: TlsPair, server_context: ssl.SSLContext) -> None:
    server_context.set_alpn_protocols(["imap", "smtp"])
    server, client = await tls_pair(alpn=["smtp"])
    assert server.secure
    assert client.secure
    assert server.alpn == client.alpn == "smtp"
    assert server._socket.version() == "TLSv1.3"  # type: ignore[attr-defined]


async def test_a_session_is_resumed(tls_pair: TlsPair) -> None:
    server, client = await tls_pair()
    await server.write(b"tickets come with the first bytes")
    await client.read()
    session = client.session
    assert not client.resumed
    again, back = await tls_pair(session=session)
    assert again.resumed
    assert back.resumed
    await back.write(b"quicker")
    assert await again.read() == b"quicker"


async def test_tls_1_2_where_the_context_allows_it(tls_pair: TlsPair, client_context: ssl.SSLContext) -> None:
    client_context.maximum_version = ssl.TLSVersion.TLSv1_2
    server, client = await tls_pair()
    await client.write(b"old")
    assert await server.read() == b"old"


async def test_a_read_smaller_than_a_record_leaves_the_rest_for_the_next(tls_pair: TlsPair) -> None:
    """What OpenSSL has decrypted the kernel knows nothing of: waiting for the kernel would wait for ever."""
    server, client = await tls_pair()
    await client.write(b"x" * 10_000)
    for _ in range(100):
        assert await server.read(100, timeout=5) == b"x" * 100


@pytest.mark.parametrize("by", ["server", "client"])
async def test_starttls_after_words_in_clear(
    by: str, plain_pair: PlainPair, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    server, client = plain_pair()
    await client.write(b"STARTTLS\r\n")
    assert await server.read() == b"STARTTLS\r\n"
    await server.write(b"220 go ahead\r\n")
    assert await client.read() == b"220 go ahead\r\n"
    assert not server.secure
    first, second = (
        server.start_tls(server_context, timeout=5),
        client.start_tls_client(client_context, "localhost", timeout=5),
    )
    await asyncio.gather(*((first, second) if by == "server" else (second, first)))
    await client.write(b"EHLO again\r\n")
    assert await server.read() == b"EHLO again\r\n"
    await server.write(b"250 in private\r\n")
    assert await client.read() == b"250 in private\r\n"


async def test_bytes_in_clear_that_were_read_already_end_it(
    plain_pair: PlainPair, server_context: ssl.SSLContext
) -> None:
    server, client = plain_pair()
    await client.write(b"STARTTLS\r\nMAIL FROM:<somebody@in.between>\r\n")
    data = await server.read()
    server.unread(data.partition(b"\n")[2])
    with pytest.raises(ConnectionError, match="in clear"):
        await server.start_tls(server_context, timeout=5)
    with pytest.raises(ConnectionError):
        await server.read()


async def test_bytes_in_clear_that_lie_in_the_kernel_fail_the_handshake(
    plain_pair: PlainPair, server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    server, client = plain_pair()
    await client.write(b"STARTTLS\r\n")
    assert await server.read() == b"STARTTLS\r\n"
    await client.write(b"MAIL FROM:<somebody@in.between>\r\n")
    shaking = asyncio.ensure_future(client.start_tls_client(client_context, "localhost", timeout=5))
    with pytest.raises(ConnectionError, match="TLS"):
        await server.start_tls(server_context, timeout=5)
    with pytest.raises(ConnectionError):
        await shaking


async def test_a_handshake_that_stops_midway_is_cut(
    plain_pair: PlainPair, server_context: ssl.SSLContext, client_hello: bytes
) -> None:
    for sent in (b"", client_hello[:3], client_hello[:100], client_hello):
        server, client = plain_pair()
        await client.write(sent)
        with pytest.raises(TimeoutError):
            await server.start_tls(server_context, timeout=0.05)
        with pytest.raises(ConnectionError):
            await server.read()
        with contextlib.suppress(ConnectionError):
            while await client.read(timeout=5):
                pass


async def test_a_peer_that_leaves_before_or_in_the_handshake_is_a_connection_error(
    plain_pair: PlainPair, server_context: ssl.SSLContext, client_hello: bytes
) -> None:
    for sent in (b"", client_hello[:100], client_hello):
        for leave in (Connection.abort, lambda one: os.close(one._socket.detach())):
            server, client = plain_pair()
            await client.write(sent)
            leave(client)
            with pytest.raises(ConnectionError):
                await server.start_tls(server_context, timeout=5)
            client.abort()


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(100), b"\x80\x2e\x01\x00\x02"]
)
async def test_what_is_not_tls_is_a_connection_error(
    garbage: bytes, plain_pair: PlainPair, server_context: ssl.SSLContext
) -> None:
    server, client = plain_pair()
    await client.write(garbage)
    client._socket.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionError):
        await server.start_tls(server_context, timeout=5)


async def test_garbage_after_the_handshake_is_a_connection_error(tls_pair: TlsPair) -> None:
    server, client = await tls_pair()
    os.write(client._socket.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))
    with pytest.raises(ConnectionError, match="TLS"):
        await server.read(timeout=5)


async def test_a_cancelled_handshake_closes_the_connection(
    plain_pair: PlainPair, server_context: ssl.SSLContext
) -> None:
    server, client = plain_pair()
    shaking = asyncio.ensure_future(server.start_tls(server_context, timeout=60))
    await asyncio.sleep(0.01)
    shaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await shaking
    assert await client.read(timeout=5) == b""


async def test_a_close_notify_is_sent_and_heard(tls_pair: TlsPair) -> None:
    """Seen from a client that treats an end without one as an attack."""
    server, client = await tls_pair()
    client._socket.suppress_ragged_eofs = False  # type: ignore[attr-defined]
    await server.write(b"bye")
    closing = asyncio.ensure_future(server.close())
    assert await client.read(timeout=5) == b"bye"
    assert await client.read(timeout=5) == b"", "an end that is not one would be an error here"
    await client.close()
    await closing


class Crosswise:
    """A TLS socket whose writes need a read first, as they do in a renegotiation (and the other way round)."""

    def __init__(self, real: ssl.SSLSocket) -> None:
        self._real = real
        self.reads = 0
        self.needs = 0

    def recv(self, limit: int) -> bytes:
        self.reads += 1
        return self._real.recv(limit)

    def send(self, data: bytes) -> int:
        if self.reads < self.needs:
            raise ssl.SSLWantReadError
        return self._real.send(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


async def test_a_write_that_waits_for_a_read_is_woken_by_the_task_that_reads(tls_pair: TlsPair) -> None:
    server, client = await tls_pair()
    crosswise = Crosswise(server._socket)  # type: ignore[arg-type]
    server._socket = crosswise  # type: ignore[assignment]
    reading = asyncio.ensure_future(server.read(timeout=5))
    await asyncio.sleep(0)
    crosswise.needs = crosswise.reads + 1
    await client.write(b"what the write waits for")
    # the event is there, the reader is awake but has not run; now the write begins to wait, and no other event comes
    writing = asyncio.ensure_future(server.write(b"answer", timeout=5))
    assert await reading == b"what the write waits for"
    await writing
    assert await client.read(timeout=5) == b"answer"


async def test_a_read_that_waits_for_room_to_write_goes_on(tls_pair: TlsPair) -> None:
    server, client = await tls_pair()
    real = server._socket
    wanted = iter([ssl.SSLWantWriteError, ssl.SSLWantWriteError])

    class NeedsToWrite(Crosswise):
        def recv(self, limit: int) -> bytes:
            if error := next(wanted, None):
                raise error
            return super().recv(limit)

    server._socket = NeedsToWrite(real)  # type: ignore[assignment, arg-type]
    await client.write(b"hello")
    assert await server.read(timeout=5) == b"hello"


async def test_a_process_that_dies_leaves_no_orderly_end(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> None:
    """The app would take it for the end of an answer, and pass over a message for good."""
    listening = socket.create_server(("127.0.0.1", 0))
    with listening, socket.create_connection(listening.getsockname()) as client:
        accepted, _ = listening.accept()
        server = Connection(accepted)
        client.setblocking(False)
        tls = client_context.wrap_socket(client, server_hostname="localhost", do_handshake_on_connect=False)
        peer = asyncio.to_thread(shake_hands, tls)
        await asyncio.gather(server.start_tls(server_context, timeout=10), peer)
        await server.write(b"* 1 FETCH (BODY[] {1000}")
        assert await asyncio.to_thread(tls.recv, 100) == b"* 1 FETCH (BODY[] {1000}"
        os.close(server._socket.detach())  # what the kernel does for a process that is killed
        with pytest.raises(ConnectionResetError):
            await asyncio.to_thread(tls.unwrap().recv, 100)


def shake_hands(tls: ssl.SSLSocket) -> None:
    tls.settimeout(10)
    tls.do_handshake()


@pytest.mark.skipif(not (KNOWN and COUNTS), reason="this system does not let us, or does not count")
async def test_records_are_filled_up_to_what_is_wanted(tls_pair: TlsPair) -> None:
    server, client = await tls_pair()
    await client.write(b"hello")
    await server.read()
    for wanted, filled in ((700, 700), (64, 128), (0, 101)):
        before = server.sent
        assert server.fill(wanted)
        await server.write(b"x" * 100)
        assert server.sent - before == RECORD + filled + HEADERS
        assert await client.read(timeout=5) == b"x" * 100


async def test_before_tls_1_3_and_in_clear_nothing_is_filled_up(
    tls_pair: TlsPair, plain_pair: PlainPair, client_context: ssl.SSLContext
) -> None:
    client_context.maximum_version = ssl.TLSVersion.TLSv1_2
    server, _ = await tls_pair()
    assert not server.fill(700)
    assert not plain_pair()[0].fill(700)
