"""Every dialog in `imap/`: through the edge without a network, whole and byte by byte, and over TCP.

Options: `begin` (`secure`, the default, or `clear`), `mail` (how many messages wait), `size`, `line`, `errors`.

The people: anna, whose password is `password1`. Message n has the subject `n`, the Message-ID `<n@localhost>` and the
text `text n`.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import trustme

from angarium.edge.imap.serve import serve_imap
from angarium.edge.imap.site import ImapSite
from angarium.edge.settings import Limits
from angarium.mail import settings
from angarium.mail.accounts import Gate
from angarium.mail.delivery import Delivery
from angarium.mail.notices import Notices
from angarium.reach.connect import connect
from angarium.reach.transport import Connection
from angarium.store.interfaces import Letter
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory
from tests.transcripts.network import Network

if TYPE_CHECKING:
    from tests.transcripts.conftest import Dialog, Peer

DIALOGS = sorted((Path(__file__).parent / "imap").glob("*.txt"))
HOST = "relay.example"
TODAY = 20_000

Play = Callable[["Dialog", "Peer"], Awaitable[None]]
Read = Callable[[Path], "Dialog"]


async def no_wait(seconds: float) -> None:
    """Failed logins cost nothing here."""


def local(domain: str) -> bool:
    return domain == HOST


def today() -> int:
    return TODAY


def site(dialog: "Dialog", store: Store, context: ssl.SSLContext | None) -> ImapSite:
    """A relay with the dialog's options."""
    options = dialog.options
    size = int(options.get("size", 100_000))
    retention = settings.Retention(quota=1_048_576)
    accounts = settings.Accounts(name_min_length=4)
    return ImapSite(
        limits=Limits(imap_line_bytes=int(options.get("line", 8192)), errors=int(options.get("errors", 20))),
        tls=lambda: context,
        gate=Gate(accounts, store.accounts, store.invitations, local, today, sleep=no_wait),
        delivery=Delivery(
            settings.Messages(max_size=size),
            retention,
            store.mailboxes,
            local,
            Notices(lambda: HOST, today),
            today,
            lambda: 0.0,
        ),
        mailboxes=store.mailboxes,
        changes=store.changes,
        tokens=store.tokens,
        retention=retention,
        max_size=size,
        metadata=lambda: {"/shared/comment": "a relay", "/shared/vendor/deltachat/maxsmtprecipients": "50"},
        today=today,
        push=True,
    )


@contextlib.asynccontextmanager
async def stored(dialog: "Dialog") -> AsyncIterator[Store]:
    """A store with anna in it, and her mail."""
    store = open_memory(Clear(bytes(32)))
    await store.accounts.create("anna", "password1", day=TODAY)
    for number in range(1, int(dialog.options.get("mail", 0)) + 1):
        text = f"From: bob@{HOST}\r\nSubject: {number}\r\nMessage-ID: <{number}@localhost>\r\n\r\ntext {number}\r\n"
        await store.mailboxes.deliver([Letter(text.encode(), ("anna",))], day=TODAY)
    try:
        yield store
    finally:
        await store.close()


class Memory:
    """The relay without a network as a peer, and the connection it believes to have.

    What the client says arrives `piece` bytes at a time. The relay has said all it will once it waits to read more.
    """

    def __init__(self, piece: int, *, secure: bool) -> None:
        self.secure = secure
        self.alpn = None
        self._piece = piece
        self._coming = b""
        self._said = b""
        self._ended = False
        self._more = asyncio.Event()
        self._stirred: asyncio.Future[None] | None = None
        self.waits = asyncio.Event()

    # As the edge sees it

    async def read(self, limit: int = 16_384, *, timeout: float | None = None) -> bytes:
        while not self._coming and not self._ended:
            self.waits.set()
            self._more.clear()
            await self._more.wait()
        taken, self._coming = self._coming[: self._piece], self._coming[self._piece :]
        return taken

    async def take(self, limit: int = 16_384) -> bytes | None:
        return await self.read() if self._coming or self._ended else None

    def readable(self, *, timeout: float | None = None) -> asyncio.Future[None]:
        self._stirred = asyncio.get_running_loop().create_future()
        self.waits.set()
        return self._stirred

    def rouse(self) -> None:
        if self._stirred is not None and not self._stirred.done():
            self.waits.clear()
            self._stirred.set_result(None)

    def settle(self) -> None:
        pass

    async def write(self, data: bytes, *, timeout: float | None = None) -> None:
        self._said += data

    async def start_tls(self, context: ssl.SSLContext, *, timeout: float) -> None:
        self.secure = True
        self._coming = b""

    async def close(self) -> None:
        self._ended = True
        self.waits.set()

    def abort(self) -> None:
        self._ended = True
        self.waits.set()

    def hang_up(self) -> None:
        """The client is gone."""
        self._ended = True
        self._more.set()
        self.rouse()

    # As the client sees it

    async def send(self, data: bytes) -> None:
        self._coming += data
        self.waits.clear()
        self._more.set()
        self.rouse()
        await self.waits.wait()

    async def line(self) -> bytes:
        await self.waits.wait()
        line, end, self._said = self._said.partition(b"\n")
        assert line or self._ended, "the server says nothing"
        return line + end

    def unread(self) -> bytes:
        return self._said


class TlsInMemory(Memory):
    """The client's side of TLS where there is none."""

    async def start_tls(self, *_: object, timeout: float = 0) -> None:
        if timeout:
            await super().start_tls(cast("ssl.SSLContext", None), timeout=timeout)


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for the server and for the client."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(HOST, key_type=trustme.KeyType.ECDSA).configure_cert(server)
    authority.configure_trust(client)
    return server, client


@pytest.mark.parametrize("piece", [1 << 20, 1], ids=["whole", "bytes"])
@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
async def test_memory(
    path: Path, piece: int, contexts: tuple[ssl.SSLContext, ssl.SSLContext], read_dialog: Read, play: Play
) -> None:
    dialog = read_dialog(path)
    peer = TlsInMemory(piece, secure=dialog.options.get("begin") != "clear")
    async with asyncio.timeout(30), stored(dialog) as store:
        serving = asyncio.create_task(serve_imap(cast("Connection", peer), site(dialog, store, contexts[0])))
        try:
            await play(dialog, peer)
        finally:
            peer.hang_up()
            await serving


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
async def test_network(
    path: Path, contexts: tuple[ssl.SSLContext, ssl.SSLContext], read_dialog: Read, play: Play
) -> None:
    dialog = read_dialog(path)
    server_context, client_context = contexts
    secure = dialog.options.get("begin") != "clear"

    async def serve(store: Store) -> None:
        accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
        connection = Connection(accepted)
        if secure:
            await connection.start_tls(server_context, timeout=10)
        await serve_imap(connection, site(dialog, store, server_context))

    async with asyncio.timeout(30), stored(dialog) as store:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            serving = asyncio.create_task(serve(store))
            port = listening.getsockname()[1]
            connection = await connect("127.0.0.1", port, client_context if secure else None, server_name=HOST)
            try:
                await play(dialog, Network(connection, client_context, HOST))
            finally:
                connection.abort()
                await serving


def test_there_are_dialogs() -> None:
    assert len(DIALOGS) >= 20
