"""Mail that is fetched: the rooms of that side, built from the settings, and what the keeper may ask them.

Two halves. One holds mail for relays that cannot be reached, and is part of the https door; the other fetches this
relay's own from holders, and gives the third road to `apps.departure`. What keepers agreed upon is changed through
`angarium peer`, also where no relay runs: then nothing here but papers is touched.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from angarium.apps.config import Config
from angarium.apps.envelope import envelope_key
from angarium.apps.home import Home
from angarium.edge.box import BOXES, box_inlet, box_routes, known, most
from angarium.edge.hold import Hold
from angarium.edge.pages.exchange import Handler, Inlet, Request
from angarium.mail.checks.signed import Signed
from angarium.mail.federation.box import BoxClient
from angarium.mail.federation.cards import Cards
from angarium.mail.federation.holder import Holder
from angarium.mail.federation.parcels import BoxRoad
from angarium.mail.federation.pull import Collector, Collectors, Desk
from angarium.mail.federation.queue import Queue, QueueFull
from angarium.mail.incoming import Incoming
from angarium.reach.envelope import Envelope
from angarium.reach.resolver import Resolver
from angarium.reach.trust import Trust
from angarium.store.interfaces import StoreError, StoreFull
from angarium.store.outbound import Consigned, Dispatch
from angarium.store.store import Store
from angarium.wire.address import Address
from angarium.wire.card import Agreement

__all__ = ["Days", "Exchange"]

AGAIN_SECONDS = 10.0
"""Until the store is asked again, where it failed."""

log = logging.getLogger("angarium.apps.exchange")


@dataclass(frozen=True, slots=True)
class Days:
    """What day it is, since 1970-01-01 (UTC): to write down, and to delete by."""

    today: Callable[[], int]
    due: Callable[[], int]


class Exchange:
    """Boxes, cards and agreements of one relay."""

    def __init__(self, config: Config, home: Home, store: Store, resolver: Resolver, trust: Trust, days: Days) -> None:
        """Raises HomeError where the envelope key cannot be read or made."""
        self._config = config
        self._days = days
        self._loaded = False
        self.envelope = Envelope(envelope_key(home))
        self.cards = Cards(store.papers)
        self.holder = Holder(config.federation, store.boxes, store.papers, days.today, days.due)
        self.collectors = Collectors(store.papers)
        self._client = BoxClient(resolver.addresses, trust)
        self.road = BoxRoad(self.cards, self.envelope, self._client)

    async def load(self) -> bool:
        """Read what keepers agreed upon, and what is held; False: the store fails, which keeps nothing else from
        running. Nothing is fetched then: without the cards, what is fetched would be taken for a stranger's."""
        if not self._loaded:
            try:
                for part in (self.cards, self.holder, self.collectors):
                    await part.load()
                self._loaded = True
            except (StoreError, ValueError) as error:
                log.error("what keepers agreed upon cannot be read: %s", error)
        return self._loaded

    def inlets(self, hold: Hold) -> Mapping[str, Inlet]:
        """What the https door takes besides."""
        if not self._config.federation.enabled:
            return {}
        return {BOXES: box_inlet(self.holder, self._config.messages, hold)}

    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """What it gives out."""
        return box_routes(self.holder) if self._config.federation.enabled else {}

    def known(self, request: Request) -> bool:
        """Whether a request is from a relay that has to do with a box here."""
        return self._config.federation.enabled and known(self.holder, request)

    async def run(self, incoming: Incoming, signed: Signed, queue: Queue, domain: Callable[[], str]) -> None:
        """Fetch, and forget what is too old, until cancelled."""

        async def report(to: str, message: bytes) -> None:
            dispatch = Dispatch("", message, (Consigned(Address.parse(to).domain, (to,)),))
            try:
                await queue.add(dispatch, [])
            except QueueFull:
                raise StoreFull("too much waits for other relays") from None

        desk = Desk(self.envelope, self.cards, incoming, signed, report, domain, self._days.today)

        def collector(agreement: Agreement) -> Collector:
            return Collector(agreement, self._client, desk, 2 * most(self._config.messages))

        try:
            while True:
                if await self.load():
                    break
                await asyncio.sleep(AGAIN_SECONDS)
            async with asyncio.TaskGroup() as running:
                running.create_task(self.holder.run())
                if self._config.federation.enabled:
                    running.create_task(self.collectors.run(collector))
        finally:
            self._client.close()
