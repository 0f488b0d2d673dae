"""From a submission to the mailboxes: every check, then one commit, then the answer.

A submission is accepted as a whole or not at all. Recipients it cannot reach (no such name, another relay, a full
mailbox) are bounced to the sender in the very commit that delivers to the others, so neither message nor notification
can be lost without the other. It refuses to know sockets, protocols and disks, and writes no address into any log.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence

from angarium.mail import settings
from angarium.mail.bounce import Failure, bounce
from angarium.mail.checks import recipients as recipient_checks
from angarium.mail.checks import sender as sender_checks
from angarium.mail.checks.cleanup import clean
from angarium.mail.checks.encrypted import encrypted
from angarium.mail.checks.form import read
from angarium.mail.checks.rate import Rate
from angarium.mail.checks.size import size
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.store.interfaces import Letter, Mailboxes, Owner, StoreError, StoreFull
from angarium.wire.address import Address
from angarium.wire.message import Entity, Malformed, parse

__all__ = ["Delivery", "examine"]

log = logging.getLogger("angarium.mail.delivery")

_UNKNOWN = Verdict.reject(550, "5.1.1", "there is no such address at this relay")
_ELSEWHERE = Verdict.reject(550, "5.4.4", "this relay does not yet deliver to other relays")
_FULL = Verdict.reject(552, "5.2.2", "the mailbox is full")
_DISK_FULL = Verdict.defer(452, "4.3.1", "the relay has no room now, try again later")
_STORE_FAILED = Verdict.defer(451, "4.3.0", "the relay cannot store the message now, try again later")

_LARGE = 262_144
"""Messages above this are examined in a thread, so that others need not wait the milliseconds it takes."""
_LARGE_AT_ONCE = 2
"""How many of those at once: each needs about twice its own size in memory while it is examined."""


class Delivery:
    """What the relay does with a message that somebody of its own submits.

    Args:
        settings: what may be sent.
        retention: how much an account may hold.
        mailboxes: where it goes.
        local: whether a domain is this relay (in lower case; an IP address without brackets).
        domain: the relay's own name, for the bounces it writes.
        today: days since 1970-01-01 (UTC).
        clock: seconds that never go back.
        on_delivered: called after each commit with the names that got something; it must not block.
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
        domain: Callable[[], str],
        today: Callable[[], int],
        clock: Callable[[], float],
        on_delivered: Callable[[Sequence[str]], None] | None = None,
        *,
        whole_list: int = 0,
    ) -> None:
        self._settings = settings
        self._quota = retention.quota
        self._mailboxes = mailboxes
        self._local = local
        self._domain = domain
        self._today = today
        self._on_delivered = on_delivered
        self._whole_list = whole_list
        self._rate = Rate(per_minute=settings.rate_per_minute, burst=settings.rate_burst, clock=clock)
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
        """Check a message, and deliver it with all its bounces in one commit; accepted means durable.

        Nothing is delivered unless the verdict is accepted. Recipients named twice get it once.
        """
        for verdict in self._envelope_verdicts(owner, sender, recipients, message):
            if not verdict.accepted:
                return verdict
        verdict, cleaned = await self._examine(sender, message)
        if not verdict.accepted:
            return verdict
        return await self._deliver(owner, sender, recipients, cleaned)

    def _envelope_verdicts(
        self, owner: Owner, sender: str, recipients: Sequence[str], message: bytes
    ) -> Iterator[Verdict]:
        yield self.sender(owner, sender)
        yield recipient_checks.number(len(recipients), self._settings.max_recipients)
        yield from map(self.recipient, recipients)
        yield size(len(message), self._settings.max_size)
        yield self._rate.count(owner.account)

    async def _examine(self, sender: str, message: bytes) -> tuple[Verdict, bytes]:
        if len(message) <= _LARGE:
            return examine(sender, message)
        async with self._examining:
            return await asyncio.to_thread(examine, sender, message)

    async def _deliver(self, owner: Owner, sender: str, recipients: Sequence[str], message: bytes) -> Verdict:
        try:
            names, failures = await self._route(recipients, len(message))
            if not names and len(recipients) < self._whole_list:
                return failures[0].verdict
            letters = [Letter(message, tuple(names))] if names else []
            if failures:
                notice = bounce(parse(message), failures, sender=sender, domain=self._domain(), day=self._today())
                letters.append(Letter(notice, (owner.name,)))
            await self._mailboxes.deliver(letters, day=self._today())
        except StoreFull:
            return _DISK_FULL
        except StoreError:  # what it was, the store has told the keeper, once and not at every message
            return _STORE_FAILED
        self._tell(letters)
        return ACCEPTED

    async def _route(self, recipients: Sequence[str], octets: int) -> tuple[list[str], list[Failure]]:
        """Who gets the message, each once, and who cannot."""
        here: dict[str, str] = {}
        elsewhere: dict[Address, str] = {}
        for spelt in recipients:
            address = Address.parse(spelt)
            if self._local(address.domain):
                here.setdefault(address.name, spelt)
            else:
                elsewhere.setdefault(address, spelt)
        usage = await self._mailboxes.usage(here)
        names: list[str] = []
        failures: list[Failure] = []
        for name, spelt in here.items():
            if name not in usage:
                failures.append(Failure(spelt, _UNKNOWN))
            elif usage[name] + octets > self._quota:
                failures.append(Failure(spelt, _FULL))
            else:
                names.append(name)
        failures += [Failure(spelt, _ELSEWHERE) for spelt in elsewhere.values()]
        return names, failures

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
