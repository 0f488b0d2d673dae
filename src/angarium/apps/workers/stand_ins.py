"""What stands in a worker for what only the first process has: the queue for other relays, and the calendar."""

import asyncio
from collections.abc import Sequence

from angarium.apps.workers.messages import Attempted, Await, Post, Posted, Refused
from angarium.edge.link import Link, LinkLost
from angarium.mail import settings
from angarium.mail.federation.queue import QueueFull
from angarium.mail.federation.roads import Roads
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.store.interfaces import Letter, StoreError, StoreFull
from angarium.store.outbound import Dispatch

__all__ = ["Days", "Postbox"]

LARGE = 262_144
"""Messages above this many bytes are on their way to the first process a few at a time,"""
LARGE_AT_ONCE = 2
AT_ONCE = 64
"""and all together so many."""


class Days:
    """What day it is, as the first process has said."""

    def __init__(self) -> None:
        self.at = 0, 0
        """Today, and the day to delete by; said before anybody is let in."""

    def today(self) -> int:
        """See `Calendar.today`."""
        return self.at[0]

    def due(self) -> int:
        """See `Calendar.due`."""
        return self.at[1]


class Postbox:
    """See `mail.delivery.Outward`. The first process makes the commit, since it has to know what waits."""

    def __init__(self, federation: settings.Federation, link: Link) -> None:
        self._policy = Roads(federation, {}).policy
        self._link = link
        self._room = asyncio.Semaphore(AT_ONCE)
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    def judge(self, destination: str) -> Verdict:
        """See `Queue.judge`."""
        return self._policy(destination)

    async def add(self, dispatch: Dispatch, letters: Sequence[Letter], *, hear: bool = False) -> "_Heard | None":
        """See `Queue.add`."""
        post = Post(dispatch, list(letters), hear)
        async with self._large if len(dispatch.message) > LARGE else self._room:
            try:
                answer = await self._link.ask(post)
            except LinkLost:
                raise StoreError("the first process did not take it") from None
        match answer:
            case Posted(hearing):
                return _Heard(self._link, hearing) if hearing else None
            case Refused("queue"):
                raise QueueFull
            case Refused("full", text):
                raise StoreFull(text)
            case Refused(_, text):
                raise StoreError(text)
            case _:
                raise TypeError("not an answer to that")


class _Heard:
    """See `mail.delivery.Heard`. How long it waits, the first process knows."""

    def __init__(self, link: Link, number: int) -> None:
        self._link = link
        self._number = number

    async def verdict(self, seconds: float) -> Verdict:
        """See `Hearing.verdict`."""
        try:
            answer = await self._link.ask(Await(self._number))
        except LinkLost:
            return ACCEPTED  # it is in the queue
        return answer.verdict if isinstance(answer, Attempted) else ACCEPTED
