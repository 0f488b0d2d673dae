"""How mail gets to other relays: the rooms of that side, built from the settings, and what the keeper may ask them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from angarium.apps.config import Config
from angarium.apps.home import Home
from angarium.apps.queue import Handled
from angarium.apps.signing import signing_keys
from angarium.edge.control import Question, Refusal
from angarium.mail.calendar import Calendar
from angarium.mail.federation.attempt import Road
from angarium.mail.federation.census import Destination
from angarium.mail.federation.desk import NoSuchDestination
from angarium.mail.federation.https import HttpsRoad
from angarium.mail.federation.queue import Queue
from angarium.mail.federation.road_clock import RoadClock
from angarium.mail.federation.roads import Roads
from angarium.mail.federation.smtp import SmtpRoad
from angarium.mail.notices import Notices
from angarium.mail.signer import Signer
from angarium.reach.names import Names, canonical
from angarium.reach.resolver import Resolver
from angarium.reach.trust import Trust
from angarium.store.interfaces import StoreError
from angarium.store.store import Store

__all__ = ["Departure"]


class Departure:
    """The side of a relay that sends to other relays.

    Where there is no federation it is there all the same: it takes nothing, and returns what still waits.
    """

    def __init__(
        self,
        config: Config,
        home: Home,
        store: Store,
        names: Names,
        calendar: Calendar,
        resolver: Resolver,
        on_delivered: Callable[[Sequence[str]], None],
        hostname: str,
        trust: Trust,
        third: Road,
    ) -> None:
        """`hostname`: what the relay calls itself; addresses in brackets. `on_delivered` as for `Queue`. `third`: the
        road by boxes.

        Raises:
            HomeError: the keys that sign cannot be read or made.
        """
        self._home = home
        self._road_clock = RoadClock(home.road(), calendar.due)
        self._https = HttpsRoad(resolver.addresses, trust)
        smtp = SmtpRoad(resolver.exchanges, resolver.addresses, trust, hostname)
        signer = Signer(signing_keys(home) if names.certifiable else ())
        self.notices = Notices(lambda: names.primary, calendar.today, signer.sign)
        """The bounces that people here get."""
        self.queue = Queue(
            config.federation,
            store.queue,
            Roads(config.federation, {"https": self._https, "smtp": smtp, "box": third}),
            signer.sign,
            self._road_clock,
            notices=self.notices,
            today=calendar.today,
            on_delivered=on_delivered,
        )

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            async with asyncio.TaskGroup() as running:
                running.create_task(self.queue.run())
                running.create_task(self._road_clock.run(self._home.remember_road))
        finally:
            self._https.close()

    def questions(self) -> dict[str, Question]:
        """What may be asked: destinations and counts, nobody's name."""
        return {
            "queue": self._listed,
            "queue-retry": self._retry,
            "queue-hold": self._hold,
            "queue-release": self._release,
            "queue-drop": self._drop,
        }

    async def _listed(self, details: Mapping[str, Any]) -> list[Destination]:
        return self.queue.desk.destinations()

    async def _retry(self, details: Mapping[str, Any]) -> Handled:
        async def retry(destination: str) -> int:
            return self.queue.desk.retry(destination)

        if not details.get("destination"):
            return Handled(self.queue.desk.retry(None))
        return await _handled(details, retry)

    async def _hold(self, details: Mapping[str, Any]) -> Handled:
        return await _handled(details, partial(self.queue.desk.hold, held=True))

    async def _release(self, details: Mapping[str, Any]) -> Handled:
        return await _handled(details, partial(self.queue.desk.hold, held=False))

    async def _drop(self, details: Mapping[str, Any]) -> Handled:
        return await _handled(details, self.queue.desk.drop)


async def _handled(details: Mapping[str, Any], handle: Callable[[str], Awaitable[int]]) -> Handled:
    """Do something with a destination, which may be spelt in any way. Raises Refusal."""
    said = str(details.get("destination", ""))
    try:
        return Handled(await handle(canonical(said) or said))
    except NoSuchDestination:
        raise Refusal(f"nothing waits for {said}: see angarium queue") from None
    except StoreError as error:
        raise Refusal(f"the store did not take it: {error}") from None
