"""The relay as its pages see it: a real gate over a store in memory, and invitations drawn by a fixed seed."""

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trustme

from angarium.edge import tunnel
from angarium.edge.http import serve_http
from angarium.edge.pages.site import HttpSite
from angarium.edge.settings import Limits
from angarium.mail import settings
from angarium.mail.accounts import Gate
from angarium.mail.invitation import ALPHABET, Offer, Way, invitation, leading, others
from angarium.reach import transport
from angarium.reach.dialer import Addresses
from angarium.reach.passes import Passes
from angarium.reach.transport import Connection
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory
from tests.edge.nowhere import Nowhere

TODAY = 20_000


async def no_wait(seconds: float) -> None:
    """Failed logins cost nothing here."""


@dataclass
class HttpRelay:
    """A relay that is nothing but its pages. What may differ between tests is set before `site` is asked for."""

    store: Store
    domain: str = "relay.example"
    registration: str = "open"
    ways: list[Way] = field(default_factory=lambda: [Way("relay.example", 993, "ssl", 465, "ssl", 443, verified=True)])
    more: list[Way] = field(default_factory=list)
    """The other ways that an invitation has."""
    challenges: dict[str, str] = field(default_factory=dict)
    https_port: int | None = 443
    asked: list[str] = field(default_factory=list)
    """Tokens whose validity was asked for."""
    links: list[str] = field(default_factory=list)
    """Invitations given out."""
    by_proxy: bool = False
    proxies: dict[str | None, list[str]] = field(default_factory=dict)
    """Links that make it a proxy, by the token of an invitation; None: of the page for everybody."""
    personal: list[str] = field(default_factory=list)
    """Such links for who has an account."""
    persons: list[str] = field(default_factory=list)
    """Who was given them."""

    def __post_init__(self) -> None:
        self._random = random.Random(1)

    def bare(self) -> None:
        """Become a relay without a name or an authority's certificate."""
        self.domain = "192.0.2.7"
        self.ways = [Way("192.0.2.7", 10993, "ssl", 10465, "ssl", 10443, verified=False)]

    def choose(self, length: int) -> str:
        return "".join(self._random.choices(ALPHABET, k=length))

    def invite(self, token: str | None) -> str:
        self.links.append(invitation(self.domain, self.ways[0], token=token, choose=self.choose))
        return self.links[-1]

    def others(self, token: str | None, link: str) -> list[Offer]:
        return others(link, self.domain, self.more, token=token, choose=self.choose)

    def account(self, address: str, password: str, token: str | None) -> list[Offer]:
        return leading(address, password, [*self.ways, *self.more] if token is None else self.more)

    async def personal_proxies(self, address: str) -> list[str]:
        self.persons.append(address)
        return self.personal

    async def valid(self, token: str) -> bool:
        self.asked.append(token)
        return await self.store.invitations.valid(token, day=TODAY)

    def site(self, **limits: float) -> HttpSite:
        accounts = settings.Accounts(registration=self.registration)  # type: ignore[arg-type]
        gate = Gate(
            accounts,
            self.store.accounts,
            self.store.invitations,
            local=lambda domain: domain == self.domain,
            today=lambda: TODAY,
            sleep=no_wait,
        )
        return HttpSite(
            limits=Limits(),
            gate=gate,
            registration=accounts.registration,
            domain=lambda: self.domain,
            invite=self.invite,
            others=self.others,
            account=self.account,
            by_proxy=lambda: self.by_proxy,
            proxies=lambda token: self.proxies.get(token, []),
            personal_proxies=self.personal_proxies,
            valid_token=self.valid,
            ways=lambda: self.ways,
            challenge=self.challenges.get,
            https_port=lambda: self.https_port,
            **limits,  # type: ignore[arg-type]
        )


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.fixture
async def http_relay() -> AsyncIterator[HttpRelay]:
    store = open_memory(Clear(bytes(32)))
    try:
        yield HttpRelay(store)
    finally:
        await store.close()


HttpSession = Callable[[Connection, HttpSite], Awaitable[None]]


@asynccontextmanager
async def serve(
    site: HttpSite, context: ssl.SSLContext | None = None, session: HttpSession = serve_http
) -> AsyncIterator[int]:
    """Answer on a loopback port, which is given, until the test leaves."""
    loop = asyncio.get_running_loop()

    async def answer(accepted: socket.socket) -> None:
        connection = Connection(accepted)
        if context:
            await connection.start_tls(context, timeout=10)
        await session(connection, site)

    async def accept() -> None:
        async with asyncio.TaskGroup() as sessions:
            while True:
                accepted, _ = await loop.sock_accept(listening)
                sessions.create_task(answer(accepted))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        accepting = asyncio.create_task(accept())
        yield listening.getsockname()[1]
        accepting.cancel()
        await asyncio.wait([accepting])
        assert accepting.cancelled(), accepting.exception()


@pytest.fixture
def http_serve() -> Callable[..., AbstractAsyncContextManager[int]]:
    return serve


@pytest.fixture
async def nowhere(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Nowhere]:
    monkeypatch.setattr(transport, "GOODBYE_SECONDS", 0.05)
    passes = Passes(open_memory(Clear(bytes(32))).papers)
    made = Nowhere(passes)
    made.user, made.password = await passes.issue("", day=1, choose=lambda length: "x" * length)

    async def dial(addresses: Addresses, host: str, port: int, *, timeout: float) -> Connection:
        await addresses(host)
        made.dialled.append((host, port))
        ours, theirs = socket.socketpair()
        made.inside.append(Connection(theirs))
        return Connection(ours)

    monkeypatch.setattr(tunnel, "dial", dial)
    yield made
    for connection in made.inside:
        connection.abort()
