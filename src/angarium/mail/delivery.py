"""From a submission to the mailboxes and to the queue: every check, then one commit, then the answer.

A submission is accepted as a whole or not at all. One commit delivers to the people here, queues for those elsewhere,
and bounces to the sender whom it cannot reach at all (no such name, a relay there is no mail with, a full mailbox): so
none of the three can be lost without the others.

Where all recipients are elsewhere, the answer waits a little for the first attempts, since the app shows a refusal and
passes over a bounce: try first, answer after. The message is in the queue by then, so nothing depends on the waiting. A
crash in it leaves a message that was answered with nothing: the app submits it again, it is sent twice, and the other
relay takes it once, by the mark it keeps. A refusal that came to nobody is bounced after the restart.

It refuses to know sockets, protocols and disks, and writes no address into any log.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from angarium.mail import settings
from angarium.mail.bounce import Failure
from angarium.mail.checks import recipients as recipient_checks
from angarium.mail.checks import sender as sender_checks
from angarium.mail.checks.cleanup import clean
from angarium.mail.checks.encrypted import encrypted
from angarium.mail.checks.form import read
from angarium.mail.checks.rate import Rate
from angarium.mail.checks.size import size
from angarium.mail.federation.queue import QueueFull
from angarium.mail.notices import Notices
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.store.interfaces import Letter, Mailboxes, Owner, StoreError, StoreFull
from angarium.store.outbound import Consigned, Dispatch
from angarium.wire.address import Address
from angarium.wire.message import Entity, Malformed

__all__ = ["FIRST_SECONDS", "Delivery", "Heard", "Outward", "examine"]

log = logging.getLogger("angarium.mail.delivery")

_UNKNOWN = Verdict.reject(550, "5.1.1", "there is no such address at this relay")
_ELSEWHERE = Verdict.reject(550, "5.7.1", "this relay has no mail with other relays")
_FULL = Verdict.reject(552, "5.2.2", "the mailbox is full")
_DISK_FULL = Verdict.defer(452, "4.3.1", "the relay has no room now, try again later")
_QUEUE_FULL = Verdict.defer(452, "4.3.1", "too much waits for other relays now, try again later")
_STORE_FAILED = Verdict.defer(451, "4.3.0", "the relay cannot store the message now, try again later")

_LARGE = 262_144
"""Messages above this are examined in a thread, so that others need not wait the milliseconds it takes."""
_LARGE_AT_ONCE = 2
"""How many of those at once: each needs about twice its own size in memory while it is examined."""
FIRST_SECONDS = 2.0
"""How long an answer waits for the first attempts at other relays."""


@dataclass(slots=True)
class _Route:
    """Where a submission goes."""

    names: list[str] = field(default_factory=list)
    """Those here who get it, each once."""
    elsewhere: dict[str, dict[Address, str]] = field(default_factory=dict)
    """Those behind other relays, by relay, as they were spelt."""
    failures: list[Failure] = field(default_factory=list)
    """Those who cannot have it."""

    @property
    def consigned(self) -> tuple[Consigned, ...]:
        return tuple(Consigned(relay, tuple(spelt.values())) for relay, spelt in self.elsewhere.items())


class Heard(Protocol):
    """The first attempts at other relays, under way."""

    async def verdict(self, seconds: float) -> Verdict:
        """See `Hearing.verdict`."""


class Outward(Protocol):
    """What takes mail for other relays: `Queue`, or what stands for it in a process that has none."""

    def judge(self, destination: str) -> Verdict:
        """See `Queue.judge`."""

    async def add(self, dispatch: Dispatch, letters: Sequence[Letter], *, hear: bool = False) -> Heard | None:
        """See `Queue.add`."""


class Delivery:
    """What the relay does with a message that somebody of its own submits.

    Args:
        settings: what may be sent.
        retention: how much an account may hold.
        mailboxes: where it goes.
        local: whether a domain is this relay (in lower case; an IP address without brackets).
        notices: writes the bounces.
        today: days since 1970-01-01 (UTC).
        clock: seconds that never go back.
        on_delivered: called after each commit with the names that got something; it must not block.
        queue: what takes mail for other relays; None: there is no mail with any.
        whole_list: a submission of fewer recipients than this is a message's whole list, or the end of it. Where none
            of them can be reached it is refused instead of bounced: newer apps pass over bounces, which are in clear,
            and show a refusal. It must not exceed the number of recipients after which apps split a list (50, or
            what METADATA announces), since a refusal makes them drop the rest of the list. 0: always bounce.
    """

    def __init__(
        self,
        settings: settings.Messages,
        retention: settings.Retention,
        mailboxes: Mailboxes,
        local: Callable[[str], bool],
        notices: Notices,
        today: Callable[[], int],
        clock: Callable[[], float],
        on_delivered: Callable[[Sequence[str]], None] | None = None,
        *,
        queue: Outward | None = None,
        whole_list: int = 0,
    ) -> None:
        self._settings = settings
        self._quota = retention.quota
        self._mailboxes = mailboxes
        self._local = local
        self._notices = notices
        self._today = today
        self._on_delivered = on_delivered
        self._queue = queue
        self._whole_list = whole_list
        self.rate = Rate(per_minute=settings.rate_per_minute, burst=settings.rate_burst, clock=clock)
        self._examining = asyncio.Semaphore(_LARGE_AT_ONCE)

    def sender(self, owner: Owner, address: str) -> Verdict:
        """Judge MAIL FROM."""
        return sender_checks.envelope(owner, address, self._local)

    def recipient(self, address: str) -> Verdict:
        """Judge RCPT TO by its syntax: unknown and foreign recipients are accepted and bounced later."""
        return recipient_checks.syntax(address)

    def stored(self, message: bytes) -> Verdict:
        """Judge a message that its owner wants to APPEND: size and encryption."""
        verdict = size(len(message), self._settings.max_size)
        return judge(message)[0] if verdict.accepted else verdict

    async def submit(self, owner: Owner, sender: str, recipients: Sequence[str], message: bytes) -> Verdict:
        """Check a message, and deliver it, queue it and bounce it in one commit; accepted means durable.

        Nothing is delivered unless the verdict is accepted. Recipients named twice get it once.
        """
        for verdict in self._envelope_verdicts(owner, sender, recipients, message):
            if not verdict.accepted:
                return verdict
        verdict, cleaned = await self._examine(sender, message)
        if not verdict.accepted:
            return verdict
        return await self._deliver(sender, recipients, cleaned)

    def _envelope_verdicts(
        self, owner: Owner, sender: str, recipients: Sequence[str], message: bytes
    ) -> Iterator[Verdict]:
        yield self.sender(owner, sender)
        yield recipient_checks.number(len(recipients), self._settings.max_recipients)
        yield from map(self.recipient, recipients)
        yield size(len(message), self._settings.max_size)
        yield self.rate.count(owner.account)

    async def _examine(self, sender: str, message: bytes) -> tuple[Verdict, bytes]:
        if len(message) <= _LARGE:
            return examine(sender, message)
        async with self._examining:
            return await asyncio.to_thread(examine, sender, message)

    async def _deliver(self, sender: str, recipients: Sequence[str], message: bytes) -> Verdict:
        try:
            route = await self._route(recipients, len(message))
            whole = len(recipients) < self._whole_list and not route.names
            if whole and not route.elsewhere:
                return route.failures[0].verdict
            letters = await self._letters(sender, message, route)
            hearing = await self._commit(sender, message, letters, route, hear=whole and not route.failures)
        except QueueFull:
            return _QUEUE_FULL
        except StoreFull:
            return _DISK_FULL
        except StoreError:  # what it was, the store has told the keeper, once and not at every message
            return _STORE_FAILED
        self._tell(letters)
        return ACCEPTED if hearing is None else await hearing.verdict(FIRST_SECONDS)

    async def _letters(self, sender: str, message: bytes, route: _Route) -> list[Letter]:
        """What goes into mailboxes here: the message, and the bounce."""
        letters = [Letter(message, tuple(route.names))] if route.names else []
        if route.failures:
            letters.append(await self._notices.letter(message, route.failures, sender))
        return letters

    async def _commit(
        self, sender: str, message: bytes, letters: Sequence[Letter], route: _Route, *, hear: bool
    ) -> Heard | None:
        if self._queue is None or not route.elsewhere:
            await self._mailboxes.deliver(letters, day=self._today())
            return None
        return await self._queue.add(Dispatch(sender, message, route.consigned), letters, hear=hear)

    async def _route(self, recipients: Sequence[str], octets: int) -> _Route:
        """Who gets the message, each once, who is elsewhere, and who cannot have it."""
        here: dict[str, str] = {}
        elsewhere: dict[str, dict[Address, str]] = {}
        for spelt in recipients:
            address = Address.parse(spelt)
            if self._local(address.domain):
                here.setdefault(address.name, spelt)
            else:
                elsewhere.setdefault(address.domain, {}).setdefault(address, spelt)
        usage = await self._mailboxes.usage(here)
        route = _Route()
        for name, spelt in here.items():
            if name not in usage:
                route.failures.append(Failure(spelt, _UNKNOWN))
            elif usage[name] + octets > self._quota:
                route.failures.append(Failure(spelt, _FULL))
            else:
                route.names.append(name)
        for relay, people in elsewhere.items():
            verdict = _ELSEWHERE if self._queue is None else self._queue.judge(relay)
            if verdict.accepted:
                route.elsewhere[relay] = people
            else:
                route.failures += [Failure(spelt, verdict) for spelt in people.values()]
        return route

    def _tell(self, letters: Sequence[Letter]) -> None:
        """Tell of a commit. What is committed is accepted, whatever becomes of the telling."""
        if self._on_delivered is None:
            return
        try:
            self._on_delivered(tuple(dict.fromkeys(name for letter in letters for name in letter.names)))
        except Exception as fault:
            log.error("nobody was told of a delivery: %s", type(fault).__name__)


def examine(sender: str, message: bytes) -> tuple[Verdict, bytes]:
    """Judge a submitted message; where it is accepted, return it as it is to be stored."""
    verdict, entity = judge(message)
    if entity is not None and verdict.accepted:
        verdict = sender_checks.header(entity, sender)
        if verdict.accepted:
            return verdict, clean(entity)
    return verdict, b""


def judge(message: bytes) -> tuple[Verdict, Entity | None]:
    """Judge a message by itself, whoever sends it; where it is not malformed, return it with its header read."""
    try:
        entity = read(message)
    except Malformed as fault:
        return Verdict.reject(554, "5.6.0", "the message is malformed", str(fault)), None
    return encrypted(entity), entity
