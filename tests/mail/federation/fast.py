"""Days in moments: an event loop whose clock jumps to the next thing that is to happen.

And a world for it: a relay with a store in memory, its queue, and other relays that do what they are told to.
"""

import asyncio
import email
import email.policy
import selectors
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from angarium.mail.federation.consignment import Consignment, Fault, Unreachable
from angarium.mail.federation.queue import Queue
from angarium.mail.federation.road_clock import RoadClock, RoadDays
from angarium.mail.notices import Notices
from angarium.mail.settings import Federation
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.store.interfaces import Owner
from angarium.store.outbound import Consigned, Dispatch, OutQueue
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory

MAIL = (Path(__file__).parents[2] / "mails" / "encrypted" / "as-the-app-sends-it.eml").read_bytes()
ALICE = "alice1234@relay.example"
DAY = 20_000
DAY_SECONDS = 86_400.0
STUCK = 20.0
"""Seconds, real ones, after which nothing will happen any more."""

__all__ = ["ALICE", "DAY", "DAY_SECONDS", "MAIL", "World", "dead", "fast", "now", "numbered", "report"]


class _Jumping(selectors.DefaultSelector):
    """Waits for no time: tells how long it would have waited."""

    jump: Callable[[float], None]

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            ready = super().select(STUCK)
            if not ready:
                raise RuntimeError("nothing will ever happen")
            return ready
        self.jump(timeout)
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        selector = _Jumping()
        super().__init__(selector)
        self._now = 0.0
        selector.jump = self._jump

    def time(self) -> float:
        return self._now

    def _jump(self, seconds: float) -> None:
        self._now += seconds


def fast(test: Callable[["World"], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Make a test of one that takes a world, which goes by at once."""

    async def live() -> None:
        world = World()
        await world.make()
        try:
            await test(world)
        finally:
            await world.stop()

    def run() -> None:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(live())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@dataclass
class Abroad:
    """All other relays."""

    down: dict[str, Unreachable] = field(default_factory=dict)
    """Destinations that cannot be reached."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long an attempt takes there."""
    says: Callable[[str, str], Verdict] = lambda destination, recipient: ACCEPTED
    denied: dict[str, Verdict] = field(default_factory=dict)
    fault: Exception | None = None
    tried: list[tuple[float, str, Consignment]] = field(default_factory=list)
    taken: list[tuple[str, str, bytes]] = field(default_factory=list)
    """Destination, recipient and message of all that was accepted, in order."""
    under_way: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    """Most at once there; under "" in all."""

    def policy(self, destination: str) -> Verdict:
        return self.denied.get(destination, ACCEPTED)

    async def carry(self, destination: str, consignment: Consignment) -> list[Verdict]:
        self.tried.append((now(), destination, consignment))
        self._count(destination, 1)
        try:
            await asyncio.sleep(self.seconds.get(destination, 0.01))
            if self.fault is not None:
                raise self.fault
            if destination in self.down:
                raise self.down[destination]
            verdicts = [self.says(destination, each) for each in consignment.recipients]
            self.taken += [
                (destination, each, consignment.message)
                for each, verdict in zip(consignment.recipients, verdicts, strict=True)
                if verdict.accepted
            ]
            return verdicts
        finally:
            self._count(destination, -1)

    def times(self, destination: str) -> list[float]:
        """When it was tried."""
        return [when for when, where, _ in self.tried if where == destination]

    def _count(self, destination: str, step: int) -> None:
        for key in (destination, ""):
            self.under_way[key] = self.under_way.get(key, 0) + step
            self.most[key] = max(self.most.get(key, 0), self.under_way[key])


class World:
    """A relay, and the others."""

    def __init__(self) -> None:
        self.store: Store = open_memory(Clear(bytes(32)))
        self.abroad = Abroad()
        self.owners: dict[str, Owner] = {}
        self.told: list[Sequence[str]] = []
        self.settings = Federation()
        self.kept: RoadDays | None = None
        self.running: asyncio.Task[None] | None = None

    async def make(self) -> None:
        """Accounts."""
        await self.person(ALICE)
        self.queue = self.build()

    async def person(self, address: str) -> Owner:
        """One more account."""
        name = address.partition("@")[0]
        self.owners[address] = await self.store.accounts.create(name, "a long password", day=self.today())
        return self.owners[address]

    def today(self) -> int:
        """Since 1970."""
        return DAY + int(now() // DAY_SECONDS)

    def build(self, store: OutQueue | None = None) -> Queue:
        """A queue over what the store holds."""

        async def sign(message: bytes) -> bytes:
            return b"X-Signed: yes\r\n" + message

        self.clock = RoadClock(self.kept, self.today)
        return Queue(
            self.settings,
            store or self.store.queue,
            self.abroad,
            sign,
            self.clock,
            notices=Notices(lambda: "relay.example", self.today, sign),
            today=self.today,
            on_delivered=self.told.append,
            clock=now,
            chance=lambda: 0.5,
        )

    async def start(self) -> None:
        """Run the queue."""
        self.running = asyncio.create_task(self.queue.run())
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Stop it, as at the end of the process."""
        if self.running is not None:
            self.running.cancel()
            await asyncio.wait([self.running])
            assert self.running.cancelled()
            self.running = None

    async def restart(self) -> None:
        """Another process on the same store."""
        await self.stop()
        self.queue = self.build()
        await self.start()

    async def send(self, *recipients: str, sender: str = ALICE, message: bytes = MAIL, hear: bool = False) -> Any:
        """Queue a message."""
        relays: dict[str, list[str]] = {}
        for each in recipients:
            relays.setdefault(each.rpartition("@")[2].strip("[]"), []).append(each)
        to = tuple(Consigned(relay, tuple(people)) for relay, people in relays.items())
        return await self.queue.add(Dispatch(sender, message, to), [], hear=hear)

    async def inbox(self, address: str = ALICE) -> list[bytes]:
        """What is in a mailbox here."""
        owner = self.owners[address]
        snapshot = await self.store.mailboxes.snapshot(owner, "INBOX")
        return [await self.store.mailboxes.body(owner, "INBOX", entry.uid) or b"" for entry in snapshot.entries]

    async def waiting(self) -> list[tuple[str, tuple[str, ...]]]:
        """What the store holds for others: destination and recipients."""
        return [(each.destination, each.recipients) for each in await self.store.queue.waiting()]


def dead(text: str = "https: no answer in time", fault: Fault = Fault.TIMEOUT) -> Unreachable:
    """A destination that cannot be reached."""
    return Unreachable(text, fault)


def report(raw: bytes) -> tuple[str, dict[str, str]]:
    """The text for people, and the status of each failed recipient."""
    assert raw.startswith(b"X-Signed: yes\r\nFrom: Mail Delivery <mailer-daemon@relay.example>\r\n")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    text, status, _ = message.iter_parts()
    _, *blocks = status.iter_parts()
    return text.get_content(), {block["Final-Recipient"].split("; ")[1]: block["Status"] for block in blocks}


def now() -> float:
    """Seconds since the world began."""
    return asyncio.get_running_loop().time()


def numbered(number: int) -> bytes:
    """A message that is like no other."""
    return MAIL.replace(b"6f0b2a1e", b"%08x" % number)
