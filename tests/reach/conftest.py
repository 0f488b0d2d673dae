"""Loopback pairs in clear and in TLS, for the tests of everything that moves bytes."""

import asyncio
import contextlib
import http.server
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

import pytest
import trustme

from angarium.reach.transport import Connection

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]

Pair = tuple[Connection, Connection]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return context


@pytest.fixture
def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.fixture
async def raw_pair() -> AsyncIterator[Callable[[], tuple[socket.socket, socket.socket]]]:
    """Makes connected TCP sockets (server, client); what is still open is closed after the test."""
    made: list[socket.socket] = []

    def make() -> tuple[socket.socket, socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            client = socket.create_connection(listening.getsockname())
            server, _ = listening.accept()
        made.extend((server, client))
        return server, client

    yield make
    for one in made:
        one.close()


@pytest.fixture
async def plain_pair(
    raw_pair: Callable[[], tuple[socket.socket, socket.socket]],
) -> AsyncIterator[Callable[[], Pair]]:
    """Makes connections in clear (server, client)."""
    made: list[Connection] = []

    def make() -> Pair:
        server, client = (Connection(one) for one in raw_pair())
        made.extend((server, client))
        return server, client

    yield make
    for one in made:
        one.abort()


@pytest.fixture
async def tls_pair(
    plain_pair: Callable[[], Pair], server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> Callable[..., Awaitable[Pair]]:
    """Makes connections in TLS (server, client)."""

    async def make(session: ssl.SSLSession | None = None, alpn: Sequence[str] = ()) -> Pair:
        server, client = plain_pair()
        client_context.set_alpn_protocols(list(alpn))
        await asyncio.gather(
            server.start_tls(server_context, timeout=10),
            client.start_tls_client(client_context, "localhost", timeout=10, session=session),
        )
        return server, client

    return make


@pytest.fixture
def client_hello(client_context: ssl.SSLContext) -> bytes:
    """The first flight of a client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        client_context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


@pytest.fixture
def raw_http() -> Iterator[Callable[[bytes], str]]:
    """Answers every request with these bytes; gives the URL. In clear, so the library has to be pointed at http."""
    servers: list[http.server.HTTPServer] = []

    def answer(body: bytes) -> str:
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_request(self, code: object = "-", size: object = "-") -> None:
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/dir"

    yield answer
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The transport is tried on every loop it may run on."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if uvloop is not None and item.path.name.startswith("test_transport"):
        loops["uvloop"] = uvloop.new_event_loop
    return loops
