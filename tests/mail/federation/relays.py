"""Whole relays in one process, as far as mail between them goes: what two of them need to reach only a third."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from angarium.edge.box import BOXES, box_inlet, box_routes, most
from angarium.edge.hold import Hold
from angarium.edge.http import serve_http
from angarium.edge.mxdeliv import HEAD_BYTES, PATH, mxdeliv
from angarium.edge.pages.site import HttpSite
from angarium.edge.settings import Limits
from angarium.lab.mails import sealed
from angarium.mail.checks.peers import Peers
from angarium.mail.checks.signed import Signed
from angarium.mail.federation.box import BoxClient
from angarium.mail.federation.cards import Cards
from angarium.mail.federation.consignment import Consignment
from angarium.mail.federation.holder import Holder
from angarium.mail.federation.parcels import BoxRoad
from angarium.mail.federation.pull import Collector, Collectors, Desk
from angarium.mail.incoming import Incoming
from angarium.mail.settings import Federation, Messages, Retention
from angarium.mail.verdict import Verdict
from angarium.reach.envelope import Envelope
from angarium.reach.resolver import NoSuchName, Unanswered
from angarium.reach.transport import Connection
from angarium.reach.trust import KnownInMemory, Trust
from angarium.store.interfaces import Owner
from angarium.store.seal import Seal
from angarium.store.sealed import Sealed
from angarium.store.store import Store, open_memory, open_sqlite
from angarium.wire.card import Agreement, Box, Card

DAY = 20_000
SEAL = Sealed(bytes(32), memory=8, spread=1)


async def nobody(name: str) -> tuple[bytes, ...]:
    """A DNS that is out of reach."""
    raise Unanswered


@dataclass
class Side:
    """One relay. Its store may be closed and opened again."""

    name: str
    authority: trustme.CA
    directory: Path | None = None
    messages: Messages = field(default_factory=Messages)
    federation: Federation = field(default_factory=Federation)
    seal: Seal = SEAL
    connections: int = 0
    heard: bytearray = field(default_factory=bytearray)
    """All that came and went in HTTP, past TLS."""
    owners: dict[str, Owner] = field(default_factory=dict)
    reports: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.envelope = Envelope(X25519PrivateKey.generate())
        self.known = KnownInMemory()
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.set_alpn_protocols(["imap", "smtp", "http/1.1"])
        self.authority.issue_cert(self.name.lstrip("_"), key_type=trustme.KeyType.ECDSA).configure_cert(self.tls)
        self.signed = Signed(nobody)
        self.store: Store
        self.open()

    def open(self) -> None:
        """Begin, as after a start."""
        store = open_sqlite(self.directory, self.seal) if self.directory else open_memory(self.seal)
        self.store = store
        self.cards = Cards(store.papers)
        self.holder = Holder(self.federation, store.boxes, store.papers, lambda: DAY)
        self.incoming = Incoming(
            self.messages,
            Retention(),
            store.mailboxes,
            store.marks,
            Peers([], []),
            self.signed.verdict,
            lambda domain: domain == self.name,
            lambda: DAY,
        )
        self.client = BoxClient(self.addresses, Trust(self.known, self.verifying))
        self.road = BoxRoad(self.cards, self.envelope, self.client)
        self.desk = Desk(
            self.envelope, self.cards, self.incoming, self.signed, self.report, lambda: self.name, lambda: DAY
        )
        self.collectors = Collectors(store.papers)

    async def load(self) -> None:
        for part in (self.cards, self.holder, self.collectors):
            await part.load()

    async def close(self) -> None:
        self.client.close()
        await self.store.close()

    async def addresses(self, name: str) -> list[str]:
        return ["127.0.0.1"]

    def verifying(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context

    async def report(self, to: str, message: bytes) -> None:
        self.reports.append(message.decode())
        with contextlib.suppress(NoSuchName):
            await self.road.carry(to.rpartition("@")[2], None, Consignment("", (to,), message))

    def site(self) -> HttpSite:
        nothing: Any = None
        site = HttpSite(
            limits=Limits(),
            gate=nothing,
            registration="closed",
            domain=lambda: self.name,
            invite=nothing,
            valid_token=nothing,
            ways=nothing,
            challenge=nothing,
            https_port=nothing,
        )
        hold = Hold(1 << 27)
        inlets = {
            PATH: mxdeliv(self.incoming, self.messages, hold),
            BOXES: box_inlet(self.holder, self.messages, hold),
        }
        return replace(site, inlets=inlets, routes=box_routes(self.holder), head_bytes=HEAD_BYTES)

    async def https(self, connection: Connection) -> None:
        """The session of the https door."""
        await connection.start_tls(self.tls, timeout=10)
        await serve_http(Overheard(connection, self.heard), self.site())  # type: ignore[arg-type]

    async def account(self, name: str) -> str:
        self.owners[name] = await self.store.accounts.create(name, "a long password", day=DAY)
        return f"{name}@{self.name}"

    async def inbox(self, address: str) -> list[bytes | None]:
        owner = self.owners[address.partition("@")[0]]
        snapshot = await self.store.mailboxes.snapshot(owner, "INBOX")
        return [await self.store.mailboxes.body(owner, "INBOX", entry.uid) for entry in snapshot.entries]

    async def send(self, sender: str, *recipients: str, mark: str = "mark", size: int = 1_500) -> bytes:
        """Send one message from here by the box road; what was sent."""
        message = sealed(sender, mark, size)
        for verdict in await self.carry(sender, recipients, message):
            assert verdict.accepted, verdict
        return message

    async def carry(self, sender: str, recipients: tuple[str, ...], message: bytes) -> list[Verdict]:
        destination = recipients[0].rpartition("@")[2]
        return await self.road.carry(destination, None, Consignment(sender, recipients, message))


class Overheard:
    """A connection of which all is written down that somebody past TLS sees."""

    def __init__(self, connection: Connection, heard: bytearray) -> None:
        self._connection = connection
        self._heard = heard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def read(self, *how: Any, **which: Any) -> bytes:
        data = await self._connection.read(*how, **which)
        self._heard += data
        return data

    async def write(self, data: bytes, **which: Any) -> None:
        self._heard += data
        await self._connection.write(data, **which)


async def agree(side: Side, holder: Side, port: int) -> Agreement:
    """The holder's keeper makes a box, and the other's fetches there."""
    number, token = await holder.holder.grant(side.name)
    agreement = Agreement(side.name, Box(holder.name, port, number), token)
    await side.collectors.add(agreement)
    return agreement


async def befriend(*sides: Side) -> None:
    """Everybody gets everybody's card."""
    for one in sides:
        boxes = tuple(agreement.box for agreement in one.collectors.all().values())
        for other in sides:
            if other is not one:
                await other.cards.add(Card(one.name, one.envelope.public, boxes))


def collector(side: Side, agreement: Agreement | None = None) -> Collector:
    (only,) = side.collectors.all().values() if agreement is None else (agreement,)
    return Collector(only, side.client, side.desk, most(side.messages))


@contextlib.asynccontextmanager
async def relay(name: str, authority: trustme.CA, **how: Any) -> AsyncIterator[Side]:
    side = Side(name, authority, **how)
    await side.load()
    try:
        yield side
    finally:
        await side.close()
