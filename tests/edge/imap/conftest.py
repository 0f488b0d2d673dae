"""A relay that is nothing but its IMAP, over real TCP, and clients that say exactly what a test tells them to."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from angarium.edge.imap.breath import Breath
from angarium.edge.imap.serve import serve_imap
from angarium.edge.imap.site import ImapSite
from angarium.edge.settings import Limits
from angarium.mail import settings
from angarium.mail.accounts import Gate
from angarium.mail.delivery import Delivery
from angarium.mail.notices import Notices
from angarium.reach.connect import connect
from angarium.reach.transport import Connection
from angarium.store.interfaces import Letter, Owner
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory, open_sqlite

TODAY = 20_000
DOMAIN = "relay.example"
NAME = "alice1234"
PASSWORD = "correct horse battery"
MAIL = (Path(__file__).parents[2] / "mails" / "encrypted" / "as-the-app-sends-it.eml").read_bytes()


async def no_wait(seconds: float) -> None:
    """Failed logins cost nothing here."""


@dataclass
class Relay:
    """A relay. What may differ between tests is set before a client comes."""

    store: Store
    server: ssl.SSLContext
    client: ssl.SSLContext
    limits: Limits = field(default_factory=Limits)
    retention: settings.Retention = field(default_factory=settings.Retention)
    metadata: dict[str, str] = field(default_factory=dict)
    push: bool = True
    breath: Breath | None = None
    keepalive_seconds: float = 270.0
    max_size: int = 31_457_280
    port: int = 0
    plain_port: int = 0
    sessions: set[asyncio.Task[None]] = field(default_factory=set)
    mail: bytes = MAIL

    def site(self) -> ImapSite:
        gate = Gate(
            settings.Accounts(),
            self.store.accounts,
            self.store.invitations,
            local=lambda domain: domain == DOMAIN,
            today=lambda: TODAY,
            sleep=no_wait,
        )
        delivery = Delivery(
            settings.Messages(max_size=self.max_size),
            self.retention,
            self.store.mailboxes,
            local=lambda domain: domain == DOMAIN,
            notices=Notices(lambda: DOMAIN, lambda: TODAY),
            today=lambda: TODAY,
            clock=lambda: 0.0,
        )
        return ImapSite(
            limits=self.limits,
            tls=lambda: self.server,
            gate=gate,
            delivery=delivery,
            mailboxes=self.store.mailboxes,
            changes=self.store.changes,
            tokens=self.store.tokens,
            retention=self.retention,
            max_size=self.max_size,
            metadata=lambda: self.metadata,
            today=lambda: TODAY,
            push=self.push,
            breath=self.breath,
            keepalive_seconds=self.keepalive_seconds,
        )

    async def accept(self, listening: socket.socket, *, tls: bool) -> None:
        loop = asyncio.get_running_loop()
        while True:
            accepted, _ = await loop.sock_accept(listening)
            task = asyncio.create_task(self.answer(Connection(accepted), tls=tls))
            self.sessions.add(task)
            task.add_done_callback(self.sessions.discard)

    async def answer(self, connection: Connection, *, tls: bool) -> None:
        if tls:
            await connection.start_tls(self.server, timeout=10)
        await serve_imap(connection, self.site())

    async def quiet(self) -> None:
        """Wait until every session has ended."""
        await self.quiet_but(0)

    async def quiet_but(self, left: int) -> None:
        """Wait until no more than so many sessions are left."""
        while len(self.sessions) > left:
            await asyncio.wait(set(self.sessions), return_when=asyncio.FIRST_COMPLETED)

    async def deliver(self, message: bytes = MAIL, *, name: str = NAME, times: int = 1) -> None:
        for _ in range(times):
            await self.store.mailboxes.deliver([Letter(message, (name,))], day=TODAY)

    async def owner(self) -> Owner:
        """The account that clients log in to."""
        return await self.store.accounts.login(NAME, PASSWORD, day=TODAY)

    def listeners(self) -> int:
        """How many subscriptions the store serves."""
        return sum(map(len, self.store.changes._hub._listeners.values()))


class Client:
    """Says lines and hears lines. Literals are part of the line they are announced in."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._heard = bytearray()
        self._tags = 0

    async def say(self, data: bytes) -> None:
        await self.connection.write(data, timeout=10)

    async def _more(self) -> None:
        data = await self.connection.read(65536, timeout=10)
        if not data:
            raise EOFError(bytes(self._heard))
        self._heard += data

    async def line(self) -> bytes:
        """One response, without its end."""
        at = 0
        while True:
            while (end := self._heard.find(b"\r\n", at)) < 0:
                await self._more()
            head = bytes(self._heard[at:end])
            if not head.endswith(b"}") or b"{" not in head:
                break
            at = end + 2 + int(head[head.rindex(b"{") + 1 : -1])
        response = bytes(self._heard[:end])
        del self._heard[: end + 2]
        return response

    async def until(self, start: bytes) -> list[bytes]:
        """Responses up to the one that starts like this, it included."""
        heard = [await self.line()]
        while not heard[-1].startswith(start):
            heard.append(await self.line())
        return heard

    async def do(self, command: bytes) -> list[bytes]:
        """Send a command; its untagged responses, then the tagged one without its tag."""
        self._tags += 1
        tag = b"t%d " % self._tags
        await self.say(tag + command + b"\r\n")
        *untagged, tagged = await self.until(tag)
        return [*untagged, tagged.removeprefix(tag)]

    async def ok(self, command: bytes) -> list[bytes]:
        """The untagged responses of a command that succeeds."""
        *untagged, tagged = await self.do(command)
        assert tagged.startswith(b"OK"), (command, tagged)
        return [response.removeprefix(b"* ") for response in untagged]

    async def refused(self, command: bytes) -> bytes:
        """The tagged response of a command that fails."""
        tagged = (await self.do(command))[-1]
        assert tagged.startswith((b"NO", b"BAD")), (command, tagged)
        return tagged

    async def login(self, name: str = NAME, password: str = PASSWORD) -> None:
        await self.ok(f'LOGIN "{name}@{DOMAIN}" "{password}"'.encode())

    async def idle(self) -> None:
        await self.say(b"i IDLE\r\n")
        assert await self.line() == b"+ idling"

    async def done(self) -> list[bytes]:
        await self.say(b"DONE\r\n")
        *before, tagged = await self.until(b"i ")
        assert tagged == b"i OK Completed"
        return before

    async def ended(self) -> bytes:
        """What is still said before the relay hangs up."""
        with suppress(EOFError):
            while True:
                await self._more()
        return bytes(self._heard)


@pytest.fixture(scope="session")
def imap_authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
async def relay(imap_authority: trustme.CA, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Relay]:
    """A relay over the store in memory; over SQLite where a test says so by `parametrize(..., indirect=True)`."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    imap_authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(server)
    imap_authority.configure_trust(client)
    seal = Clear(bytes(32))
    store = open_sqlite(tmp_path / "data", seal) if getattr(request, "param", "") == "sqlite" else open_memory(seal)
    running = Relay(store, server, client)
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    for door in doors:
        door.setblocking(False)
    running.port, running.plain_port = (door.getsockname()[1] for door in doors)
    accepting = [asyncio.create_task(running.accept(door, tls=not at)) for at, door in enumerate(doors)]
    try:
        yield running
    finally:
        tasks = [*accepting, *running.sessions]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for door in doors:
            door.close()
        assert running.listeners() == 0
        await store.close()


@pytest.fixture
async def greeted(relay: Relay) -> AsyncIterator[Callable[..., "asyncio.Future[Client]"]]:
    """Makes clients that have heard the greeting."""
    made: list[Client] = []

    async def make(*, tls: bool = True) -> Client:
        context = relay.client if tls else None
        client = Client(await connect("127.0.0.1", relay.port if tls else relay.plain_port, context))
        made.append(client)
        assert (await client.line()).startswith(b"* OK [CAPABILITY IMAP4rev1 ")
        return client

    yield make  # type: ignore[misc]
    for client in made:
        client.connection.abort()


@pytest.fixture
async def device(greeted: Callable[..., "asyncio.Future[Client]"]) -> Callable[..., "asyncio.Future[Client]"]:
    """Makes clients that have logged in and, if a mailbox is named, selected it."""

    async def make(mailbox: bytes = b"") -> Client:
        client = await greeted()
        await client.login()
        if mailbox:
            await client.ok(b"SELECT " + mailbox)
        return client

    return make  # type: ignore[return-value]
