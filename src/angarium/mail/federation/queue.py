"""The queue: everything that is on its way to other relays, from the commit to the last recipient's verdict.

What waits is in the store; here is an index of it (`Board`), without the messages, and the tasks that carry them: each
is read, signed and sent when its turn comes, and what it came to is settled before the sender's next one goes. When to
try again is known to this process alone: after a restart everything is tried anew, spread out.

Never lost: an entry leaves the store only with the commit that says so. Never doubled but by a crash, or a broken
connection, between the other side's word and that commit; the other side swallows those by the mark it keeps. Bounced
at most once: the bounce is part of the commit.

Refuses to know by which road something goes, and how bytes travel.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from angarium.mail import settings
from angarium.mail.federation.board import Board
from angarium.mail.federation.chain import Entry, weigh
from angarium.mail.federation.desk import Desk
from angarium.mail.federation.hearing import Hearing
from angarium.mail.federation.returns import Returns
from angarium.mail.federation.road_clock import RoadClock
from angarium.mail.federation.sending import Carrier, Sending
from angarium.mail.federation.settlement import Settlement
from angarium.mail.federation.weather import Weather
from angarium.mail.notices import Notices
from angarium.mail.verdict import Verdict
from angarium.reach.trust import keeps_its_key
from angarium.store.interfaces import Letter, StoreError
from angarium.store.outbound import Dispatch, OutQueue, Waiting

__all__ = ["Queue", "QueueFull"]

_log = logging.getLogger("angarium.mail.federation.queue")

READ_AGAIN_SECONDS = 10.0
"""Until the store is asked again for what waits, where it failed at the start."""

_PRIVATE = random.SystemRandom()


class QueueFull(Exception):
    """So much waits already that nothing more is taken. Nothing was changed."""


class Queue:
    """See the file's head.

    Args:
        settings: how long to try, and how much may wait.
        store: where it waits.
        roads: how it gets there.
        sign: the relay's signature on a message; raises Malformed.
        road_clock: what it ages by; told when this becomes an island.
        notices: writes the bounces.
        today: days since 1970-01-01 (UTC).
        on_delivered: called with the names that got a bounce; it must not block.
        clock: seconds that never go back.
        chance: from 0 up to 1, another one each time.
    """

    def __init__(
        self,
        settings: settings.Federation,
        store: OutQueue,
        roads: Carrier,
        sign: Callable[[bytes], Awaitable[bytes]],
        road_clock: RoadClock,
        *,
        notices: Notices,
        today: Callable[[], int],
        on_delivered: Callable[[Sequence[str]], None],
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = _PRIVATE.random,
    ) -> None:
        self._settings = settings
        self._store = store
        self._roads = roads
        self._road_clock = road_clock
        self._today = today
        self._clock = clock
        self._board = Board()
        self._stirred = asyncio.Event()
        stir = self._stirred.set
        self._weather = Weather(self._board, road_clock, clock, chance, stir)
        self._settlement = Settlement(store, notices, today, on_delivered)
        self._returns = Returns(self._board, self._settlement, road_clock, settings.retry_days, self._weather.put_off)
        self._sending = Sending(self._board, store, roads, sign, self._weather, self._settlement, stir)
        self.desk = Desk(self._board, store, self._weather, self._returns, self._settlement, road_clock, clock)
        """What the keeper may ask."""
        self._tasks: asyncio.TaskGroup | None = None
        self._coming_weight = self._coming_octets = 0

    # What comes in

    def judge(self, destination: str) -> Verdict:
        """Whether mail for a destination is taken at all."""
        return self._roads.policy(destination)

    async def add(self, dispatch: Dispatch, letters: Sequence[Letter], *, hear: bool = False) -> Hearing | None:
        """Queue a message for each of its destinations, and deliver letters here, in one commit; durable on return.

        Args:
            dispatch: what, and to whom.
            letters: what goes into mailboxes here.
            hear: whether somebody would wait for the first attempts. A hearing is given where these are made at once.

        Raises:
            QueueFull, StoreFull, StoreError: nothing was changed.
        """
        weight = sum(weigh(part.recipients) for part in dispatch.to)
        octets = len(dispatch.message) * len(dispatch.to)
        self._make_room(weight, octets)
        self._coming_weight += weight
        self._coming_octets += octets
        try:
            hearing = Hearing(len(dispatch.to)) if hear and self._at_once(dispatch) else None
            await self._committed(self._commit(dispatch, letters, hearing))
            return hearing
        finally:
            self._coming_weight -= weight
            self._coming_octets -= octets

    async def _committed(self, commit: Coroutine[Any, Any, Exception | None]) -> None:
        """Have it done to its end, even where whoever submits has gone: what is in the store must be in the index."""
        failed = await (commit if self._tasks is None else asyncio.shield(self._tasks.create_task(commit)))
        if failed is not None:
            raise failed

    async def _commit(self, dispatch: Dispatch, letters: Sequence[Letter], hearing: Hearing | None) -> Exception | None:
        """Returns what went wrong rather than raising it: it may be the queue's own task."""
        try:
            age_day = self._road_clock.queueing_day()
            waiting = await self._store.add(dispatch, letters, day=self._today(), age_day=age_day)
            await self._index(waiting, hearing=hearing)
        except Exception as error:
            return error
        return None

    async def _index(self, waiting: Iterable[Waiting], *, hearing: Hearing | None = None, due: float = 0.0) -> None:
        lines = [self._board.add(Entry.of(each, hearing=hearing), due=due) for each in waiting]
        self._stirred.set()
        held = [each.number for each, line in zip(waiting, lines, strict=True) if line.held and not each.held]
        if held:
            try:
                await self._store.hold(held, held=True)
            except StoreError:
                _log.error("what was queued for a destination that is held is not marked so in the store")

    def _make_room(self, weight: int, octets: int) -> None:
        """Raises QueueFull."""
        weighs = self._board.weight + self._coming_weight + weight
        takes = self._board.octets + self._coming_octets + octets
        if weighs > self._settings.queue_messages or takes > self._settings.queue_bytes:
            raise QueueFull

    def _at_once(self, dispatch: Dispatch) -> bool:
        """Whether each destination would be tried now, as far as one can see."""
        if self._tasks is None or (
            self._weather.island and any(not keeps_its_key(to.destination) for to in dispatch.to)
        ):
            return False
        lines = [self._board.lines.get(to.destination) for to in dispatch.to]
        now = self._clock()
        return not any(
            line is not None and (line.held or line.failures or line.due > now or line.busy_with(dispatch.sender))
            for line in lines
        )

    # What goes out

    async def run(self) -> None:
        """Send until cancelled; then everything that is under way is cancelled, and has ended on return."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                tasks.create_task(self._returns.run())
                await self._read()
                while True:
                    self._stirred.clear()
                    for attempt in self._board.take(self._clock()):
                        tasks.create_task(self._sending.send(attempt))
                    await self._until_stirred(self._board.when())
            finally:
                self._tasks = None

    async def _read(self) -> None:
        """What an earlier process left."""
        while True:
            try:
                waiting = await self._store.waiting()
                break
            except StoreError as error:
                _log.error("what waits for other relays cannot be read: %s", error)
                await asyncio.sleep(READ_AGAIN_SECONDS)
        number = len({each.destination for each in waiting})
        for each in waiting:
            await self._index([each], due=self._weather.first(number))

    async def _until_stirred(self, when: float | None) -> None:
        try:
            async with asyncio.timeout(None if when is None else max(0.0, when - self._clock())):
                await self._stirred.wait()
        except TimeoutError:
            pass
