"""Boxes for relays that cannot be reached: what is left in them, and who may fetch it.

Anybody may leave a parcel in a box, as anybody may bring mail to a relay; only who shows the token of a box learns what
is in it. What is in a parcel is known to the relay it is for. Held means durable; a parcel is gone when the other side
says that it has it, or after some days; a box that is full takes no more, so whoever brings it keeps it and tells its
sender in the end.

In which order parcels came is known to the running process alone. A cursor of another process, or none, stands for the
beginning: who fetches sees some parcels twice then, and never misses one.

Refuses to know HTTP, and who it is that fetches.
"""

import asyncio
import contextlib
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from angarium.mail import settings
from angarium.store.boxes import Boxes, Papers
from angarium.store.interfaces import StoreError
from angarium.wire.parcel import ParcelError, read_parcel

__all__ = ["Holder", "Left", "Listing", "Shelf", "digest"]

log = logging.getLogger("angarium.mail.holder")

KIND = "box"
LISTED = 256
"""Parcels named in one answer."""
READERS = 2
"""Parcels of one box that are read from the disk at once."""
FORGET_SECONDS = 3_600.0
LARGE = 262_144
"""Parcels above this are hashed in a thread."""


class Left(Enum):
    """What became of a parcel that was brought."""

    HELD = "held"
    FULL = "full"
    NONE = "none"
    """There is no such box."""
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Listing:
    """What waits in a box."""

    after: str
    """Where to go on."""
    parcels: tuple[tuple[bytes, int], ...]
    """Name and octets of each."""


class _Grant(msgspec.Struct, array_like=True, frozen=True):
    """What is remembered of a box."""

    number: bytes
    check: bytes
    """A hash of the token."""


@dataclass(slots=True)
class Shelf:
    """A box at hand."""

    relay: str
    """For which it is held."""
    check: bytes
    parcels: dict[bytes, tuple[int, int, int]] = field(default_factory=dict)
    """Order, octets and day, by name, in order."""
    octets: int = 0
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READERS))
    waiter: "asyncio.Future[None] | None" = None

    def wake(self) -> None:
        """Let whoever waits look again."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)
        self.waiter = None


class Holder:
    """All boxes that this relay holds. `load` comes first."""

    def __init__(
        self,
        federation: settings.Federation,
        boxes: Boxes,
        papers: Papers,
        today: Callable[[], int],
        due: Callable[[], int] | None = None,
    ) -> None:
        """`today`: the day to write down, since 1970-01-01 (UTC); `due`: the day to delete by, if it is another."""
        self._bytes = federation.hold_bytes_per_peer
        self._days = federation.hold_days
        self._boxes = boxes
        self._papers = papers
        self._today = today
        self._due = due or today
        self._epoch = secrets.token_hex(8)
        self._order = 0
        self._shelves: dict[bytes, Shelf] = {}

    async def load(self) -> None:
        """Read what there is. Raises StoreError."""
        self._shelves.clear()
        for relay, content in (await self._papers.all(KIND)).items():
            grant = msgspec.msgpack.decode(content, type=_Grant)
            self._shelves[grant.number] = Shelf(relay, grant.check)
        for held in sorted(await self._boxes.all(), key=lambda each: (each.day, each.name)):
            if shelf := self._shelves.get(held.box):
                self._shelve(shelf, held.name, held.octets, held.day)
            else:  # the keeper took the box away, and was interrupted
                await self._boxes.remove(held.box, [held.name])

    def shelves(self) -> list[Shelf]:
        """All boxes, for the keeper to count."""
        return list(self._shelves.values())

    async def grant(self, relay: str) -> tuple[bytes, bytes]:
        """Hold a box for a relay; return its number and a new token. A box that is there keeps its number and what is
        in it, and its old token opens it no more. Raises StoreError."""
        number = next((number for number, shelf in self._shelves.items() if shelf.relay == relay), None)
        number = number or secrets.token_bytes(16)
        token = secrets.token_bytes(32)
        check = _check(number, token)
        await self._papers.put(KIND, relay, msgspec.msgpack.encode(_Grant(number, check)))
        self._shelves.setdefault(number, Shelf(relay, check)).check = check
        return number, token

    async def withdraw(self, relay: str) -> bool:
        """Hold no box for a relay any more, and destroy what is in it; False: there was none. Raises StoreError."""
        for number, shelf in list(self._shelves.items()):
            if shelf.relay == relay:
                await self._papers.put(KIND, relay, None)
                del self._shelves[number]
                shelf.wake()
                await self._boxes.remove(number, list(shelf.parcels))
                return True
        return False

    def there(self, number: bytes) -> bool:
        """Whether there is such a box."""
        return number in self._shelves

    def opens(self, number: bytes, token: bytes) -> bool:
        """Whether a token opens a box; takes as long where there is no such box."""
        shelf = self._shelves.get(number)
        return hmac.compare_digest(_check(number, token), shelf.check if shelf else bytes(32))

    async def leave(self, number: bytes, parcel: bytes) -> Left:
        """Put a parcel into a box. The same again changes nothing, and is held as well. Raises StoreError."""
        shelf = self._shelves.get(number)
        if shelf is None:
            return Left.NONE
        try:
            read_parcel(parcel)
        except ParcelError:
            return Left.MALFORMED
        name = await digest(parcel)
        if name not in shelf.parcels and shelf.octets + len(parcel) > self._bytes:
            return Left.FULL
        shelf.octets += len(parcel)  # while it is being written, so that many at once do not overfill the box
        try:
            day = self._today()
            await self._boxes.put(number, name, parcel, day=day)
            if name not in shelf.parcels:
                self._shelve(shelf, name, len(parcel), day)
                shelf.wake()
        finally:
            shelf.octets -= len(parcel)
        return Left.HELD

    async def listing(self, number: bytes, after: str, wait: float) -> Listing:
        """What waits in a box behind a cursor; if that is nothing, wait so many seconds for something to come.

        One waits at a time: who comes later sends the one before away with nothing, whose connection is likely dead.
        """
        shelf = self._shelves[number]
        shelf.wake()
        found = self._behind(shelf, after)
        if not found.parcels and wait > 0:
            shelf.waiter = waiter = asyncio.get_running_loop().create_future()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await waiter
            found = self._behind(shelf, after)
        return found

    async def parcel(self, number: bytes, name: bytes) -> bytes | None:
        """The bytes of a parcel; None: it is not there. Raises StoreError."""
        shelf = self._shelves[number]
        async with shelf.reading:
            return await self._boxes.parcel(number, name) if name in shelf.parcels else None

    async def remove(self, number: bytes, name: bytes) -> None:
        """The other side has it: destroy a parcel, if it is there. Raises StoreError."""
        shelf = self._shelves[number]
        if name in shelf.parcels:
            await self._boxes.remove(number, [name])
            self._unshelve(shelf, name)

    async def forget(self) -> int:
        """Destroy what nobody fetched for too long; return how many parcels. Raises StoreError."""
        before = self._due() - self._days
        gone = 0
        for number, shelf in list(self._shelves.items()):
            old = [name for name, (_, _, day) in shelf.parcels.items() if day < before]
            if old:
                await self._boxes.remove(number, old)
                for name in old:
                    self._unshelve(shelf, name)
                gone += len(old)
        return gone

    async def run(self) -> None:
        """Forget what is too old, until cancelled."""
        while True:
            try:
                if gone := await self.forget():
                    log.warning("%d parcels that were never fetched are thrown away", gone)
            except StoreError as error:
                log.error("old parcels are not thrown away: %s", error)
            await asyncio.sleep(FORGET_SECONDS)

    def _shelve(self, shelf: Shelf, name: bytes, octets: int, day: int) -> None:
        self._order += 1
        shelf.parcels[name] = self._order, octets, day
        shelf.octets += octets

    def _unshelve(self, shelf: Shelf, name: bytes) -> None:
        _, octets, _ = shelf.parcels.pop(name, (0, 0, 0))
        shelf.octets -= octets

    def _behind(self, shelf: Shelf, after: str) -> Listing:
        epoch, _, order = after.partition(".")
        least = int(order) if epoch == self._epoch and order.isdecimal() and len(order) < 20 else 0
        found = [(order, name, octets) for name, (order, octets, _) in shelf.parcels.items() if order > least]
        found = found[:LISTED]
        last = found[-1][0] if found else least
        return Listing(f"{self._epoch}.{last}", tuple((name, octets) for _, name, octets in found))


async def digest(parcel: bytes) -> bytes:
    """The name of a parcel."""
    if len(parcel) <= LARGE:
        return hashlib.sha256(parcel).digest()
    return (await asyncio.to_thread(hashlib.sha256, parcel)).digest()


def _check(number: bytes, token: bytes) -> bytes:
    return hashlib.blake2b(token[:64], key=number, person=b"box token", digest_size=32).digest()
