"""The composition root: builds the rooms bottom-up and runs them in one task group.

Nothing is decided here. Each room gets its settings, the rooms below it, and callables where it must know what only
somebody above knows: the domain, the ports that were to be had, what day it is.
"""

import asyncio
import contextlib
import gc
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from angarium.apps.arrival import Arrival
from angarium.apps.certify import Certified, certify
from angarium.apps.config import Config
from angarium.apps.departure import Departure
from angarium.apps.exchange import Days, Exchange
from angarium.apps.harden import Hardened, harden
from angarium.apps.home import Home, HomeError
from angarium.apps.keeper import Keeper
from angarium.apps.last_error import LastError
from angarium.apps.peering import Peering, Place
from angarium.apps.people import People
from angarium.apps.reception import Reception
from angarium.apps.sites import Sites
from angarium.apps.ways import page
from angarium.apps.workers.crew import Crew, Rooms
from angarium.apps.workers.messages import Begin
from angarium.edge.control import serve_control
from angarium.edge.decoy.session import HEAD_SECONDS
from angarium.edge.imap.breath import Breath
from angarium.edge.listener import CannotListen, Door, Listener
from angarium.mail.accounts import Gate
from angarium.mail.calendar import Calendar, clock, passed
from angarium.mail.delivery import Delivery
from angarium.mail.federation.desk import NoSuchDestination
from angarium.mail.push import Push
from angarium.mail.retention import Retention
from angarium.reach.certificate import CertificateError
from angarium.reach.names import BadName, Names, literal
from angarium.reach.onion import OnionError
from angarium.reach.trust import Trust
from angarium.store.directory import DirectoryInUse, Hold
from angarium.store.interfaces import StoreError
from angarium.store.seal import Seal
from angarium.store.sealed import Sealed
from angarium.store.store import Store, open_sqlite

__all__ = ["Ready", "serve"]

log = logging.getLogger("angarium.apps.serve")


@dataclass(frozen=True, slots=True)
class Ready:
    """What a relay that listens has to say of itself."""

    domain: str
    doors: list[Door]
    page: str
    invitation: str
    """A fresh invitation where everybody may join; otherwise empty."""
    home: Path
    new: bool
    """Whether it was made at this start, and so has no account."""
    onion: str = ""
    """Its onion address, where it has one."""
    by_proxy: bool = False
    """Whether apps come in through the proxy only, so that the invitation needs a pass beside it."""


async def serve(
    home: Home,
    settings: Mapping[str, Any],
    *,
    ready: Callable[[Ready], None],
    passphrase: str | None = None,
    seal: Callable[[bytes], Seal] = Sealed,
) -> None:
    """Run the relay of a data directory until cancelled; `ready` is called once it listens.

    `passphrase` opens the root key where it has one. `seal` makes the seal from it; another than the default one is for
    measuring what it is good for.

    Raises:
        HomeError: it cannot start; the text says what to do.
        ConfigError: a setting is wrong.
    """
    hardened = harden()
    new, found = not home.made, home.others()
    home.make(settings)
    config = home.config(settings)
    if new and found:
        log.warning(
            "%s held files, but no root.key: this is a new relay, without any account (found: %s)",
            *(home.path, ", ".join(found)),
        )
    root, several = home.root_key(passphrase), config.limits.workers > 1
    try:
        hold = Hold(home.path) if several else None
        store = open_sqlite(home.path, seal(root), shared=hold)
    except DirectoryInUse as error:
        raise HomeError(f"{error}: {home.path}. To see how it is doing: angarium status --data {home.path}") from None
    except StoreError as error:
        raise HomeError(f"{error} ({home.path})") from None
    try:
        relay = _Relay(home, _each(config), store, hardened, new=new)
        await relay.run(ready, _Shared(root, hold.descriptor) if hold is not None else None)
    except (BadName, CannotListen, CertificateError, OnionError) as error:
        raise HomeError(str(error)) from None
    finally:
        await store.close()


@dataclass(frozen=True, slots=True)
class _Shared:
    """What workers need besides."""

    root: bytes
    descriptor: int
    """Of the file that holds the directory."""


class _Relay:
    """The rooms of one relay, in the order in which they are built."""

    def __init__(self, home: Home, config: Config, store: Store, hardened: Hardened, *, new: bool) -> None:
        self._home = home
        self._config = config
        self._store = store
        self._hardened = hardened
        self._new = new
        self._ports: dict[str, int] = {}
        self._crew: Crew | None = None
        self._calendar = Calendar(home.calendar(), clock, passed)
        today = self._calendar.today
        self._names = Names(config.names, config.listen.addresses)
        self._certified: Certified = certify(config.tls, home.tls, self._names, today=_date)
        self._push = Push(config.push, store.tokens)
        self._retention = Retention(
            config.retention, store.accounts, store.mailboxes, store.invitations, store.marks, self._calendar.due
        )
        self._gate = Gate(
            config.accounts,
            store.accounts,
            store.invitations,
            self._names.local,
            today,
            due=self._calendar.due,
            forget_elsewhere=self._forget_elsewhere,
        )
        hostname = literal(self._names.primary)
        self._reception = Reception(config, store, self._names.local, today, self._push.notify, hostname)
        resolver = self._reception.resolver
        self._trust = Trust(store.keys)
        days = Days(today, self._calendar.due)
        self._exchange = Exchange(config, home, store, resolver, self._trust, days)
        self._departure = Departure(
            config,
            home,
            store,
            self._names,
            self._calendar,
            resolver,
            self._push.notify,
            hostname,
            self._trust,
            self._exchange.road,
        )
        self._delivery = Delivery(
            config.messages,
            config.retention,
            store.mailboxes,
            self._names.local,
            self._departure.notices,
            today,
            time.monotonic,
            self._push.notify,
            queue=self._departure.queue,
            whole_list=config.messages.max_recipients,
        )
        self._arrival = Arrival(
            config,
            home,
            store,
            self._names,
            self._certified,
            resolver.addresses,
            lambda: self._ports,
            lambda door, connected: self._listener.receive(Door(door, "", 0, tls=True), connected),
            today,
        )
        self._listener = self._listening()

    async def run(self, ready: Callable[[Ready], None], shared: _Shared | None) -> None:
        """Listen, and run everything that runs for as long as the relay does; `shared`: with workers."""
        errors = LastError()
        logging.getLogger("angarium").addHandler(errors)
        await self._exchange.load()
        await self._arrival.load()
        doors = await self._listener.bind(self._reception.listen, self._home.ports())
        self._ports = {door.name: door.port for door in reversed(doors)}  # of one open on more ports, the first
        try:
            self._home.remember_ports(self._ports)
            await self._arrival.publish([*doors, *self._listener.bind_within(self._arrival.within())])
            if shared is not None:
                self._crew = self._workers(shared, errors)
            keeper = Keeper(
                config=self._config,
                store=self._store,
                directory=self._home.path,
                domain=self._names.primary,
                doors=doors,
                certified=self._certified,
                connections=self._connections,
                errors=errors,
                queue=self._departure.queue.desk.totals,
                hardened=lambda: self._crew.hardened(self._hardened) if self._crew else self._hardened,
                approach=self._arrival.approach,
                today=self._calendar.today,
                end=self._end,
                base=self._arrival.base,
                proxies=self._arrival.proxying.invite,
            )
            async with asyncio.TaskGroup() as running:
                running.create_task(self._listener.run())
                running.create_task(self._calendar.run(self._home.remember_calendar))
                running.create_task(self._retention.run())
                running.create_task(self._push.run())
                running.create_task(self._certified.run())
                running.create_task(self._departure.run())
                running.create_task(
                    self._exchange.run(
                        self._reception.incoming, self._reception.signed, self._departure.queue, self._domain
                    )
                )
                if self._crew is not None:
                    running.create_task(self._crew.run())
                    await self._crew.ready()
                running.create_task(self._arrival.run())
                await self._arrival.known()
                gc.collect()
                gc.freeze()  # what is here stays: a collection need not look at it for every few thousand connections
                told = partial(ready, self._ready(doors))
                questions = {
                    **keeper.questions(),
                    **self._departure.questions(),
                    **self._peering().questions(),
                    **self._arrival.questions(),
                }
                running.create_task(serve_control(self._home.control, questions, ready=told))
        finally:
            self._listener.close()
            logging.getLogger("angarium").removeHandler(errors)

    def _listening(self) -> Listener:
        people = People(
            config=self._config,
            store=self._store,
            hostname=literal(self._names.primary),
            contexts=self._certified.context,
            gate=self._gate,
            delivery=self._delivery,
            today=self._calendar.today,
            push=self._push.enabled,
            breath=Breath(self._config.limits.breath_bytes),
        )
        sites = Sites(
            people=people,
            names=self._names,
            certified=self._certified,
            calendar=self._calendar,
            reception=self._reception,
            exchange=self._exchange,
            ports=lambda: self._ports,
            approach=self._arrival.approach,
            tunnels=self._arrival.tunnels,
            proxying=self._arrival.proxying,
            base=self._arrival.base,
        )
        limits = self._config.limits
        if sites.disguised:  # who says nothing is waited for as long as a web server does
            limits = replace(limits, handshake_seconds=max(limits.handshake_seconds, HEAD_SECONDS))
        decoys = sites.decoys()
        admit = sites.admit(decoys, limits.handshake_seconds)
        return Listener(limits, sites.sessions(decoys), sites.contexts(), admit)

    def _workers(self, shared: _Shared, errors: LastError) -> Crew:
        """The other processes. Raises CannotListen."""

        def begin(doors: list[tuple[str, str, int, bool, int]]) -> Begin:
            certificate, key = self._certified.files
            config = replace(self._config, names=replace(self._config.names, domain=self._names.primary))
            return Begin(
                str(self._home.path), shared.descriptor, shared.root, config, str(certificate), str(key), doors
            )

        rooms = Rooms(
            begin=begin,
            store=self._store,
            queue=self._departure.queue,
            listener=self._listener,
            forget=self._gate.forget,
            counted=self._delivery.rate.counted,
            delivered=self._push.notify,
            trouble=lambda text: setattr(errors, "text", text),
            days=lambda: (self._calendar.today(), self._calendar.due()),
        )
        crew = Crew(rooms, shared.descriptor, self._config.limits.workers - 1)
        self._delivery.rate.elsewhere = crew.counted
        return crew

    # What the rooms are told

    def _end(self) -> None:
        """End this process now: no goodbye, nothing written, and the keys in its memory are gone."""
        self._arrival.kill()
        os.write(2, b"angarium: burnt, by order of its keeper\n")
        os._exit(0)

    def _domain(self) -> str:
        return self._names.primary

    async def _forget_elsewhere(self, name: str) -> None:
        if self._crew is not None:
            await self._crew.forget(name)

    async def _connections(self) -> int:
        return self._listener.connections if self._crew is None else await self._crew.connections()

    def _peering(self) -> Peering:
        """What the keeper may ask about other relays."""

        def place() -> Place:
            return Place(self._names.primary, self._ports.get("https"), self._certified.pin)

        def found(destination: str) -> None:
            with contextlib.suppress(NoSuchDestination):
                self._departure.queue.desk.retry(destination)

        return Peering(
            self._exchange,
            self._store.keys,
            place,
            self._names.local,
            self._calendar.today,
            trust=self._trust,
            found=found,
        )

    def _ready(self, doors: list[Door]) -> Ready:
        arrival, domain = self._arrival, self._names.primary
        invited = arrival.approach.invite(None) if self._config.accounts.registration == "open" else ""
        shown = page(domain, self._ports, f"{arrival.base}/")
        by_proxy = arrival.approach.by_proxy
        return Ready(domain, doors, shown, invited, self._home.path, self._new, arrival.onion, by_proxy)


def _each(config: Config) -> Config:
    """The settings of each process: where there are several, each has its part of what is for all together."""
    limits = config.limits
    each = {name: -(-getattr(limits, name) // limits.workers) for name in ("connections", "handshakes")}
    return replace(config, limits=replace(limits, **each))


def _date() -> date:
    """The machine's own day: certificates are judged by other people's clocks, and are made anew where it was wrong."""
    return datetime(1970, 1, 1, tzinfo=UTC).date() + timedelta(days=clock())
