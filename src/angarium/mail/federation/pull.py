"""Fetching mail from holders: for a relay that nobody can reach, over connections that it makes itself.

One task for each agreement asks its holder what waits, and stays on the line until something does. A parcel is fetched,
opened, given to `mail.incoming` with the same checks as mail by any other road, and only then acknowledged: so a crash
on either side means that it is fetched again, and each mailbox takes a message once (`mail.once`).

A parcel proves which relay sealed it. Where that relay's card is known and the message is from its domain, nothing else
is asked; otherwise a signature (DKIM) is, as by the other roads; and a relay that can publish no key, an IP address or
a `_name`, is believed by its card alone: what comes from it before its card stays in the box, within bounds, until its
card is added. Who cannot have it is told to its sender in a report, if it is beyond doubt that the parcel is from the
sender's relay; what a signature should vouch for and does not is dropped, and no report goes to who may not have sent
anything.

What may pass (DNS that does not answer, a full disk) leaves the parcel where it is, and it is tried again later.

Refuses to know HTTP and keys. Nothing about a parcel but its fate, counted, is told to anybody.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from angarium.mail.bounce import Failure, bounce
from angarium.mail.checks import recipients
from angarium.mail.checks.signed import Signed, signs
from angarium.mail.federation.box import BoxClient, Spoilt
from angarium.mail.federation.cards import Cards
from angarium.mail.federation.consignment import Unreachable
from angarium.mail.incoming import Incoming
from angarium.mail.verdict import ACCEPTED, Outcome, Verdict
from angarium.reach.envelope import Envelope
from angarium.store.boxes import Papers
from angarium.store.interfaces import StoreError
from angarium.wire.address import Address, AddressError
from angarium.wire.card import Agreement, read_agreement
from angarium.wire.message import Malformed, parse
from angarium.wire.parcel import Contents, ParcelError

__all__ = ["Collector", "Collectors", "Desk"]

log = logging.getLogger("angarium.mail.pull")

KIND = "agreement"
WAIT_SECONDS = 50.0
"""How long a holder is to wait for something to come."""
AGAIN_SECONDS = 300.0
"""When a parcel that could not be decided on is tried again."""
FIRST_SECONDS, MOST_SECONDS = 5.0, 300.0
"""Patience with a holder that is away: the first time, and at most."""
BREATH_SECONDS = 1.0
"""Least time between two answers without a parcel: a holder that does not wait is not asked without end."""
LARGE = 262_144
STRANGERS, STRANGERS_OCTETS = 64, 8 << 20
"""Most parcels, and octets, of relays whose card is not known that are left in one box; more are dropped, since
anybody can leave some."""
PAGES = 256
"""Most answers in which a holder may tell what is in a box."""

_NOT_VOUCHED = Verdict.reject(
    550, "5.7.1", "the parcel does not come from the relay of its sender, as far as this one knows: exchange cards"
)

_FORGED = Verdict.reject(550, "5.7.1", "the parcel does not come from the relay of its sender")

Verify = Callable[[str, bytes], Awaitable[Verdict]]
Sleep = Callable[[float], Awaitable[None]]


class Fate(Enum):
    """What is to be done with a parcel that was fetched."""

    SETTLED = "settled"
    LATER = "later"
    """It cannot be decided on now."""
    NOT_VOUCHED = "not vouched"
    """Only a card that is not there could vouch for it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What becomes of a parcel that was fetched.

    Args:
        envelope: opens it.
        cards: says whose key sealed it.
        incoming: takes the message.
        signed: whether a domain signed a message (`mail.checks.signed`).
        report: sends a report to an address, durably. Raises StoreError.
        domain: the name of this relay.
        today: days since 1970-01-01 (UTC).
    """

    envelope: Envelope
    cards: Cards
    incoming: Incoming
    signed: Signed
    report: Callable[[str, bytes], Awaitable[None]]
    domain: Callable[[], str]
    today: Callable[[], int]

    async def settle(self, raw: bytes) -> Fate:
        """Decide on a parcel, for good if it can be."""
        try:
            sealed_by, contents = await self._opened(raw)
        except ParcelError:
            log.warning("a parcel that cannot be opened was dropped")
            return Fate.SETTLED
        verify = self._verify(self.cards.whose(sealed_by))
        verdicts = await self.incoming.receive(contents.sender, contents.recipients, contents.message, signed=verify)
        if any(verdict.outcome is Outcome.DEFER for verdict in verdicts):
            return Fate.LATER
        if _NOT_VOUCHED in verdicts:
            return Fate.NOT_VOUCHED
        failures = [
            Failure(recipient, verdict)
            for recipient, verdict in zip(contents.recipients, verdicts, strict=True)
            if not verdict.accepted
        ]
        told = not failures or await self._tell(contents, failures, verify)
        return Fate.SETTLED if told else Fate.LATER

    async def _opened(self, raw: bytes) -> tuple[bytes, Contents]:
        if len(raw) <= LARGE:
            return self.envelope.open(raw)
        return await asyncio.to_thread(self.envelope.open, raw)

    def _verify(self, relay: str | None) -> Verify:
        """What proves that a message is from a domain, in a parcel that this relay sealed."""

        async def verify(domain: str, message: bytes) -> Verdict:
            if relay is not None and relay == domain:
                return ACCEPTED
            if signs(domain):
                return await self.signed.verdict(domain, message)
            return _FORGED if relay is not None or self.cards.of(domain) is not None else _NOT_VOUCHED

        return verify

    async def _tell(self, contents: Contents, failures: list[Failure], verify: Verify) -> bool:
        """Send a report, where there is somebody to send it to beyond doubt; False: that cannot be found out now."""
        if not contents.sender or not self.incoming.sender(contents.sender).accepted:
            return True
        try:
            domain = Address.parse(contents.sender).domain
            original = parse(contents.message)
        except (AddressError, Malformed):
            log.warning("a parcel with a message that is none was dropped")
            return True
        verdict = await verify(domain, contents.message)
        if verdict.outcome is Outcome.DEFER:
            return False
        if not verdict.accepted:
            log.warning("a parcel that nobody vouches for was dropped")
            return True
        addressable = [failure for failure in failures if recipients.syntax(failure.address).accepted]
        if not addressable:
            return True
        told = bounce(original, addressable, sender=contents.sender, domain=self.domain(), day=self.today())
        try:
            await self.report(contents.sender, told)
        except StoreError:
            return False
        return True


class Collector:
    """Fetches what one holder has for this relay."""

    def __init__(
        self, agreement: Agreement, client: BoxClient, desk: Desk, most: int, *, sleep: Sleep = asyncio.sleep
    ) -> None:
        """`most`: octets of the largest parcel that is fetched."""
        self._agreement = agreement
        self._client = client
        self._desk = desk
        self._most = most
        self._sleep = sleep
        self._later: dict[bytes, tuple[float, int]] = {}
        self._strangers: dict[bytes, int] = {}
        self._counted = -AGAIN_SECONDS
        self._cards = desk.cards.added
        self.problem = ""
        """Why nothing can be fetched now; empty: it can."""

    async def run(self) -> None:
        """Fetch until cancelled."""
        failures = 0
        after = ""
        while True:
            try:
                after = await self._round(after)
                failures, self.problem = 0, ""
            except Unreachable as failure:
                self.problem = str(failure)
                await self._sleep(_patience(failures))
                failures += 1
                after = ""

    async def _round(self, after: str) -> str:
        """Ask once, and take what is there; return where to go on. Raises Unreachable."""
        clock = asyncio.get_running_loop().time
        self._look_at_strangers(clock())
        for name, (due, octets) in list(self._later.items()):
            if due <= clock():
                await self._collect(name, octets)
        begun = clock()
        next_due = min((due for due, _ in self._later.values()), default=begun + WAIT_SECONDS)
        wait = max(BREATH_SECONDS, min(WAIT_SECONDS, next_due - begun))
        listing = await self._client.listing(self._agreement, after, wait)
        self.problem = ""
        if not listing.parcels and clock() - begun < BREATH_SECONDS:
            await self._sleep(BREATH_SECONDS)
        for name, octets in listing.parcels:
            if name not in self._later and name not in self._strangers:
                await self._collect(name, octets)
        return listing.after

    def _look_at_strangers(self, now: float) -> None:
        """Once a card was added, see again what waits for one."""
        if self._cards != self._desk.cards.added:
            self._cards = self._desk.cards.added
            self._later |= {name: (now, octets) for name, octets in self._strangers.items()}
            self._strangers.clear()

    async def _collect(self, name: bytes, octets: int) -> None:
        """Fetch one, and see to it that it is settled, or looked at again. Raises Unreachable."""
        if octets > self._most:
            log.warning("a parcel that is too large was dropped")
        else:
            fate = await self._fate(name, octets)
            if fate is Fate.LATER:
                self._later[name] = asyncio.get_running_loop().time() + AGAIN_SECONDS, octets
                return
            if fate is None or (fate is Fate.NOT_VOUCHED and await self._left(name, octets)):
                self._later.pop(name, None)
                return
        await self._client.remove(self._agreement, name)
        self._later.pop(name, None)

    async def _left(self, name: bytes, octets: int) -> bool:
        """Whether what only a card could vouch for may stay in the box. Raises Unreachable."""
        if self._full(octets):
            await self._count()
        if self._full(octets):
            log.warning("a parcel of a relay whose card is not known was dropped: too many wait")
            return False
        if not self._strangers:
            log.warning("parcels wait that come from a relay whose card is not known: angarium peer add CARD")
        self._strangers[name] = octets
        return True

    def _full(self, octets: int) -> bool:
        return len(self._strangers) >= STRANGERS or sum(self._strangers.values()) + octets > STRANGERS_OCTETS

    async def _count(self) -> None:
        """See what of strangers is still in the box: the holder throws away what waits for long. Raises Unreachable."""
        now = asyncio.get_running_loop().time()
        if now - self._counted < AGAIN_SECONDS:
            return
        self._counted = now
        there: set[bytes] = set()
        after = ""
        for _ in range(PAGES):
            listing = await self._client.listing(self._agreement, after, 0)
            if not listing.parcels:
                self._strangers = {name: octets for name, octets in self._strangers.items() if name in there}
                return
            there |= self._strangers.keys() & {name for name, _ in listing.parcels}
            after = listing.after

    @property
    def strangers(self) -> int:
        """Parcels in the box that wait for a card."""
        return len(self._strangers)

    async def _fate(self, name: bytes, octets: int) -> Fate | None:
        """What becomes of a parcel; None: it is not there any more."""
        try:
            parcel = await self._client.fetch(self._agreement, name, octets)
            return None if parcel is None else await self._desk.settle(parcel)
        except Unreachable:
            raise
        except Spoilt:
            log.warning("a holder gave another parcel than it named")
        except Exception as fault:  # one message must not end the relay, nor stand in the way of all behind it
            log.error("a parcel cannot be dealt with: %s", type(fault).__name__)
        return Fate.LATER


class Collectors:
    """All agreements of this relay, each with a task of its own. `load` comes first."""

    def __init__(self, papers: Papers) -> None:
        self._papers = papers
        self._changed = asyncio.Event()
        self._agreements: dict[str, Agreement] = {}
        self._collectors: dict[str, tuple[Agreement, Collector, asyncio.Task[None]]] = {}

    async def load(self) -> None:
        """Read what there is. Raises StoreError."""
        for name, content in (await self._papers.all(KIND)).items():
            self._agreements[name] = read_agreement(content.decode())

    def all(self) -> dict[str, Agreement]:
        """The agreements, by holder (`host:port`)."""
        return dict(self._agreements)

    def problem(self, holder: str) -> str:
        """Why nothing can be fetched there now; empty: it can, or nobody has tried."""
        return self._collectors[holder][1].problem if holder in self._collectors else ""

    async def add(self, agreement: Agreement) -> str:
        """Fetch by this agreement, in the place of the last one with that holder; return the holder's name here.

        Raises:
            StoreError: it cannot be kept.
        """
        holder = str(agreement.box).partition(",")[0]
        await self._papers.put(KIND, holder, str(agreement).encode())
        self._agreements[holder] = agreement
        self._changed.set()
        return holder

    async def remove(self, holder: str) -> bool:
        """Fetch there no more; False: it was not done. Raises StoreError."""
        if holder not in self._agreements:
            return False
        await self._papers.put(KIND, holder, None)
        del self._agreements[holder]
        self._changed.set()
        return True

    async def run(self, collector: Callable[[Agreement], Collector]) -> None:
        """Fetch from every holder, each by a collector of its own, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                for holder, (agreement, _, task) in list(self._collectors.items()):
                    if self._agreements.get(holder) != agreement:
                        task.cancel()
                        del self._collectors[holder]
                for holder, agreement in self._agreements.items():
                    if holder not in self._collectors:
                        one = collector(agreement)
                        self._collectors[holder] = agreement, one, tasks.create_task(one.run())
                await self._changed.wait()


def _patience(failures: int) -> float:
    """Seconds until a holder is asked again; not everybody comes back in the same moment."""
    longest = min(MOST_SECONDS, FIRST_SECONDS * float(1 << min(failures, 10)))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)
