"""Another relay, in this process: the real doors for other relays, over a store in memory, on ports of loopback.

And a peer that says what it is told to, for what other software says.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from angarium.edge.hold import Hold
from angarium.edge.http import serve_http
from angarium.edge.mx import MxSite, serve_mx
from angarium.edge.mxdeliv import HEAD_BYTES, PATH, mxdeliv
from angarium.edge.pages.site import HttpSite
from angarium.edge.settings import Limits
from angarium.mail.checks.peers import Peers
from angarium.mail.federation.consignment import Consignment
from angarium.mail.incoming import Incoming
from angarium.mail.settings import Messages, Retention
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.resolver import NoSuchName
from angarium.reach.transport import Connection
from angarium.reach.trust import KnownInMemory, Trust
from angarium.store.interfaces import Owner
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory

MAIL = (Path(__file__).parents[2] / "mails" / "encrypted" / "as-the-app-sends-it.eml").read_bytes()
THERE = "there.example"
DAY = 20_000


class Names:
    """A DNS for one test."""

    def __init__(self) -> None:
        self.hosts: dict[str, tuple[str, ...]] = {THERE: ("127.0.0.1",), f"mx.{THERE}": ("127.0.0.1",)}
        self.mx: dict[str, tuple[str, ...] | Exception] = {THERE: (f"mx.{THERE}",)}

    async def addresses(self, name: str) -> Sequence[str]:
        if name.replace(".", "").isdecimal() or ":" in name:
            return (name,)
        if name not in self.hosts:
            raise NoSuchName
        return self.hosts[name]

    async def exchanges(self, domain: str) -> Sequence[str]:
        found = self.mx.get(domain, NoSuchName())
        if isinstance(found, Exception):
            raise found
        return found


@dataclass
class There:
    """The other relay."""

    store: Store
    authority: trustme.CA
    names: Names = field(default_factory=Names)
    known: KnownInMemory = field(default_factory=KnownInMemory)
    owners: dict[str, Owner] = field(default_factory=dict)
    connections: int = 0
    asked: list[str] = field(default_factory=list)
    tls: ssl.SSLContext = field(init=False)

    def __post_init__(self) -> None:
        self.incoming = Incoming(
            Messages(),
            Retention(),
            self.store.mailboxes,
            self.store.marks,
            Peers([], []),
            self.signed,
            lambda domain: domain in {THERE, "127.0.0.1", "_there.localhost"},
            lambda: DAY,
        )
        self.show(THERE, f"mx.{THERE}")

    async def signed(self, domain: str, message: bytes) -> Verdict:
        self.asked.append(domain)
        return ACCEPTED

    def show(self, *names: str) -> None:
        """Show a certificate for these names, with a new key."""
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.set_alpn_protocols(["imap", "smtp", "http/1.1"])
        self.authority.issue_cert(*names, key_type=trustme.KeyType.ECDSA).configure_cert(self.tls)

    def trust(self) -> Trust:
        def verifying() -> ssl.SSLContext:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self.authority.configure_trust(context)
            return context

        return Trust(self.known, verifying)

    async def https(self, connection: Connection) -> None:
        """The session of the https door."""
        await connection.start_tls(self.tls, timeout=10)
        inlet = mxdeliv(self.incoming, Messages(), Hold(1 << 26))
        nothing: Any = None
        site = HttpSite(
            limits=Limits(),
            gate=nothing,
            registration="closed",
            domain=lambda: THERE,
            invite=nothing,
            valid_token=nothing,
            ways=nothing,
            challenge=nothing,
            https_port=nothing,
        )
        await serve_http(connection, replace(site, inlets={PATH: inlet}, head_bytes=HEAD_BYTES))

    async def mx(self, connection: Connection) -> None:
        """The session of the smtp door."""
        await serve_mx(connection, MxSite(THERE, Limits(), Messages(), self.incoming, Hold(1 << 26), lambda: self.tls))

    async def inbox(self, name: str) -> list[bytes | None]:
        owner = self.owners[name]
        snapshot = await self.store.mailboxes.snapshot(owner, "INBOX")
        return [await self.store.mailboxes.body(owner, "INBOX", entry.uid) for entry in snapshot.entries]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
async def there(authority: trustme.CA) -> AsyncIterator[There]:
    store = open_memory(Clear(bytes(32)))
    there = There(store, authority)
    for name in ("bob12345", "carol123"):
        there.owners[name] = await store.accounts.create(name, "a long password", day=DAY)
    yield there
    await store.close()


@contextlib.asynccontextmanager
async def listening(there: There, session: Callable[[Connection], Awaitable[None]]) -> AsyncIterator[int]:
    """Serve every connection with a session, on a port that is given."""
    tasks: list[asyncio.Task[None]] = []

    async def one(connection: Connection) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            await session(connection)
        connection.abort()

    async def accept(listener: socket.socket) -> None:
        while True:
            accepted, _ = await asyncio.get_running_loop().sock_accept(listener)
            there.connections += 1
            tasks.append(asyncio.create_task(one(Connection(accepted))))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        accepting = asyncio.create_task(accept(listener))
        try:
            yield listener.getsockname()[1]
        finally:
            for task in (accepting, *tasks):
                task.cancel()
            await asyncio.wait([accepting, *tasks])


@pytest.fixture
def serving() -> Callable[..., contextlib.AbstractAsyncContextManager[int]]:
    return listening


@pytest.fixture
def consign() -> Callable[..., Consignment]:
    def consign(*names: str, sender: str = "alice1234@relay.example", message: bytes = MAIL) -> Consignment:
        recipients = tuple(name if "@" in name else f"{name}@{THERE}" for name in names)
        return Consignment(sender, recipients, message)

    return consign
