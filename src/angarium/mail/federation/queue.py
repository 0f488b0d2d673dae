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
from typing import Any, Protocol

from angarium.mail import settings
from angarium.mail.bounce import Failure
from angarium.mail.federation import census
from angarium.mail.federation.board import Board
from angarium.mail.federation.chain import Entry, weigh
from angarium.mail.federation.consignment import Consignment, Fault, Unreachable
from angarium.mail.federation.hearing import Hearing
from angarium.mail.federation.island import Island
from angarium.mail.federation.line import Attempt, Line
from angarium.mail.federation.outcome import busy, came
from angarium.mail.federation.road_clock import RoadClock
from angarium.mail.federation.roads import NO_SUCH, UNASKED
from angarium.mail.federation.schedule import pause, spread
from angarium.mail.federation.settlement import Settlement
from angarium.mail.verdict import Verdict
from angarium.reach.trust import keeps_its_key
from angarium.store.interfaces import Letter, StoreError
from angarium.store.outbound import Dispatch, OutQueue, Waiting
from angarium.wire.address import Address
from angarium.wire.message import Malformed

__all__ = ["Carrier", "NoSuchDestination", "Queue", "QueueFull"]

_log = logging.getLogger("angarium.mail.federation.queue")

SWEEP_SECONDS = 300.0
"""Between two looks for what has waited too long."""
READ_AGAIN_SECONDS = 10.0
"""Until the store is asked again for what waits, where it failed at the start."""
SETTLED_AT_ONCE = 16
"""Messages that are returned side by side, where many are."""

_PRIVATE = random.SystemRandom()
_MALFORMED = Verdict.reject(554, "5.6.0", "the message cannot be signed")
_DROPPED = Verdict.reject(554, "5.7.0", "dropped by the keeper")


class QueueFull(Exception):
    """So much waits already that nothing more is taken. Nothing was changed."""


class NoSuchDestination(Exception):
    """Nothing waits for it."""


class Carrier(Protocol):
    """What the queue asks of `Roads`."""

    def policy(self, destination: str) -> Verdict:
        """Whether there is mail with a relay at all."""

    async def carry(self, destination: str, consignment: Consignment) -> list[Verdict]:
        """See `Roads.carry`."""


class Queue:
    """See the file's head.

    Args:
        settings: how long to try, and how much may wait.
        store: where it waits.
        roads: how it gets there.
        sign: the relay's signature on a message; raises Malformed.
        road_clock: what it ages by; told when this becomes an island.
        domain: the relay's own name, for bounces.
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
        domain: Callable[[], str],
        today: Callable[[], int],
        on_delivered: Callable[[Sequence[str]], None],
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = _PRIVATE.random,
    ) -> None:
        self._settings = settings
        self._store = store
        self._roads = roads
        self._sign = sign
        self._road_clock = road_clock
        self._today = today
        self._clock = clock
        self._chance = chance
        self._board = Board()
        self._island = Island(found=road_clock.since is not None)
        self._settlement = Settlement(store, sign, domain, today, on_delivered)
        self._stirred = asyncio.Event()
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
        except Exception as error:
            return error
        await self._index(waiting, hearing=hearing)
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
        if self._tasks is None or (self._island.found and any(not keeps_its_key(to.destination) for to in dispatch.to)):
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
                tasks.create_task(self._return_the_old())
                await self._read()
                while True:
                    self._stirred.clear()
                    for attempt in self._board.take(self._clock()):
                        tasks.create_task(self._send(attempt))
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
        now, number = self._clock(), len({each.destination for each in waiting})
        for each in waiting:
            await self._index([each], due=now + spread(number, self._chance()))

    async def _until_stirred(self, when: float | None) -> None:
        try:
            async with asyncio.timeout(None if when is None else max(0.0, when - self._clock())):
                await self._stirred.wait()
        except TimeoutError:
            pass

    async def _send(self, attempt: Attempt) -> None:
        """One attempt, from reading the message to the commit of what it came to."""
        entry = attempt.entry
        try:
            try:
                verdicts = await self._carry(attempt)
            finally:
                self._board.arrived(attempt)
                self._stirred.set()
            await self._conclude(attempt, verdicts)
        except Exception as fault:  # of ours: one message's misfortune must not end the relay
            _log.error("an attempt went wrong: %s", type(fault).__name__)
            self._put_off(entry)
        finally:
            if entry.hearing is not None:
                entry.hearing.end()
                entry.hearing = None
            self._board.done(attempt)
            self._stirred.set()

    async def _carry(self, attempt: Attempt) -> list[Verdict]:
        """A verdict for each recipient that it was tried for; none where nothing came of it."""
        entry, destination = attempt.entry, attempt.entry.destination
        try:
            message = await self._store.message(entry.number)
        except StoreError:
            self._put_off(entry)
            return []
        if message is None:
            self._board.remove(entry)
            return []
        try:
            signed = await self._sign(message)
        except Malformed:
            return [_MALFORMED] * len(attempt.recipients)
        consignment = Consignment(_written(entry.sender), tuple(map(_written, attempt.recipients)), signed)
        del message, signed
        try:
            verdicts = await self._roads.carry(destination, consignment)
            if verdicts[0] is NO_SUCH and self._island.found:
                raise Unreachable("DNS says that there is no such relay", Fault.DNS)
        except Unreachable as failure:
            self._unreachable(attempt, failure)
            return []
        self._heard(attempt, verdicts)
        return verdicts

    async def _conclude(self, attempt: Attempt, verdicts: Sequence[Verdict]) -> None:
        """Settle what was decided, and plan the rest."""
        entry = attempt.entry
        tried = attempt.recipients if verdicts else ()
        found = came(entry, tried, verdicts)
        if len(found.left) < len(entry.recipients):
            failures = found.failures
            if entry.hearing is not None and found.nobody and await entry.hearing.refuse(found.nobody):
                failures = ()  # whoever submitted it is told
            await self._settlement.settle(entry, found.left, failures)
            entry.recipients = found.left
        if not found.left:
            self._board.remove(entry)
        elif found.put_off is not None:
            entry.said = found.put_off
            self._put_off(entry)

    # What is learnt

    def _put_off(self, entry: Entry) -> None:
        entry.failures += 1
        entry.due = self._clock() + pause(entry.failures, self._chance())

    def _heard(self, attempt: Attempt, verdicts: Sequence[Verdict]) -> None:
        if verdicts[0] in UNASKED:
            return  # nobody was asked
        said = busy(verdicts)
        if said is not None:
            self._back_off(attempt, f"not well: {said.code} {said.enhanced}")
        else:
            attempt.line.answered()
        if self._island.answered(attempt.entry.destination):
            self._road_changed()

    def _unreachable(self, attempt: Attempt, failure: Unreachable) -> None:
        self._back_off(attempt, str(failure))
        if self._island.failed(attempt.entry.destination, failure.fault):
            self._road_changed()

    def _back_off(self, attempt: Attempt, fault: str) -> None:
        line = attempt.line
        if line.failed(attempt, fault):
            line.due = self._clock() + pause(line.failures, self._chance())

    def _road_changed(self) -> None:
        found = self._island.found
        self._road_clock.island(found=found)
        if found:
            _log.warning("no other relay that is known by name can be reached: mail for them waits, and does not age")
            return
        _log.warning("there is a road to other relays again: what waited is sent")
        self._soon(self._board.lines.values())

    def _soon(self, lines: Iterable[Line]) -> None:
        chosen = list(lines)
        for line in chosen:
            line.soon(self._clock() + spread(len(chosen), self._chance()))
            self._board.stir(line)
        self._stirred.set()

    # What has waited too long

    async def _return_the_old(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            oldest = self._road_clock.day() - self._settings.retry_days
            lines = [line for line in self._board.lines.values() if line.tried or line.held]
            old = [entry for line in lines for entry in line.entries() if entry.day < oldest]
            await self._return(old, self._too_old)

    def _too_old(self, entry: Entry) -> Verdict:
        days = self._settings.retry_days
        line = self._board.lines.get(entry.destination)
        why = ("" if line is None else line.fault) or (entry.said.text if entry.said else "it was held")
        return Verdict.reject(554, "5.4.7", f"not delivered in {days} day{'s' if days > 1 else ''}: {why}")

    async def _return(self, entries: Iterable[Entry], why: Callable[[Entry], Verdict]) -> int:
        """Return messages to their senders; one that is just being tried, after that. Returns how many."""
        room = asyncio.Semaphore(SETTLED_AT_ONCE)

        async def one(entry: Entry, verdict: Verdict) -> None:
            async with room:
                failures = [Failure(each, verdict) for each in entry.recipients]
                await self._settlement.settle(entry, (), failures)

        number = 0
        async with asyncio.TaskGroup() as returning:
            for entry in entries:
                number += 1
                verdict = why(entry)
                line = self._board.lines.get(entry.destination)
                if line is not None and line.sending(entry):
                    entry.ending = verdict
                    continue
                self._board.remove(entry)
                returning.create_task(one(entry, verdict))
        return number

    # What the keeper asks

    def destinations(self) -> list[census.Destination]:
        """What waits where."""
        clock = self._road_clock
        return census.destinations(self._board, day=clock.day(), now=self._clock(), island=clock.since is not None)

    def totals(self) -> census.Totals:
        """How much waits, and whether this is an island."""
        return census.totals(self._board, dropped=self._settlement.dropped, since=self._road_clock.since)

    def retry(self, destination: str | None) -> int:
        """Try one destination, or all, soon; returns how many messages that is. Raises NoSuchDestination."""
        lines = [self._line(destination)] if destination else list(self._board.lines.values())
        self._soon(lines)
        return sum(len(line) for line in lines if not line.held)

    async def hold(self, destination: str, *, held: bool) -> int:
        """Leave a destination alone, or no longer; durable on return. Returns how many messages that is.

        Raises:
            NoSuchDestination: see there.
            StoreError: the store does not know of it.
        """
        line = self._line(destination)
        numbers = []
        for entry in line.entries():
            entry.held = held
            numbers.append(entry.number)
        line.held = held
        self._board.stir(line)
        self._stirred.set()
        await self._store.hold(numbers, held=held)
        return len(numbers)

    async def drop(self, destination: str) -> int:
        """Return everything that waits for a destination to its senders. Returns how many. Raises NoSuchDestination."""
        return await self._return(list(self._line(destination).entries()), lambda _: _DROPPED)

    def _line(self, destination: str) -> Line:
        try:
            return self._board.lines[destination]
        except KeyError:
            raise NoSuchDestination(destination) from None


def _written(address: str) -> str:
    """An address as RFC 5321 writes it; the sender of a report has none."""
    return str(Address.parse(address)) if address else ""
