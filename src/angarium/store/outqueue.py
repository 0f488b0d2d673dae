"""What waits for other relays: entries that only the root key reads, and bodies that only their entries open.

A message to several relays has an entry for each, and one body, wrapped under a key of its own; beside the body stands,
hidden, how many entries hold it. Settling an entry destroys it, and the key in it; with the last one the body goes too.

Nothing on the disk counts upwards. `Waiting.order` is inside the entries, and where it goes on is found in what waits
when the process begins to queue: of what was sent before, not even the number is kept.
"""

import asyncio
import secrets
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from angarium.store.delivery import Intake, Parcel, store
from angarium.store.interfaces import Letter
from angarium.store.outbound import Dispatch, Waiting
from angarium.store.rows import Backend, News, Reading, Writing
from angarium.store.seal import Seal
from angarium.store.waybill import Waybill

__all__ = ["StoredQueue"]

BIG = 262_144
"""Messages of more bytes are wrapped, and opened, outside the event loop's thread."""
_HOLDERS = struct.Struct(">Q")
_SHORT = 64
"""Notes of bodies are all this long."""


@dataclass(frozen=True, slots=True)
class _Cargo:
    """A body on its way into the queue."""

    number: int
    key: bytes
    wrapped: bytes


class StoredQueue:
    """See `store.outbound.OutQueue`."""

    def __init__(self, backend: Backend, seal: Seal, intake: Intake) -> None:
        self._backend = backend
        self._seal = seal
        self._intake = intake
        self._last: int | None = None

    async def add(self, dispatch: Dispatch, letters: Sequence[Letter], *, day: int, age_day: int) -> list[Waiting]:
        """See `OutQueue.add`."""
        cargo = await self._wrapped(dispatch.message)
        bills = await self._bills(dispatch, cargo, age_day)
        entries = [(number, bill.hide(self._seal, number)) for number, bill in bills]
        note = self._note(cargo.number, len(bills))

        def job(rows: Writing, news: News, ready: Sequence[Parcel]) -> None:
            store(rows, news, ready, day=day)
            if entries:
                rows.put_entries(entries)
                rows.add_cargo(cargo.number, note=note, body=cargo.wrapped)

        await self._intake.sealed_then(letters, job, heavy=len(dispatch.message) > BIG)
        return [bill.waiting(number) for number, bill in bills]

    async def waiting(self) -> list[Waiting]:
        """See `OutQueue.waiting`."""

        def look(rows: Reading) -> list[Waiting]:
            return [Waybill.reveal(self._seal, number, entry).waiting(number) for number, entry in rows.entries()]

        return sorted(await self._backend.read(look, heavy=True), key=lambda waiting: waiting.order)

    async def message(self, number: int) -> bytes | None:
        """See `OutQueue.message`."""

        def look(rows: Reading, most: int | None = BIG) -> tuple[bool, bytes | None]:
            bill = self._bill(rows, number)
            if bill is None:
                return True, None
            if most is not None and bill.octets > most:
                return False, None
            wrapped = rows.cargo(bill.cargo)
            return True, None if wrapped is None else self._seal.unwrap(bill.key, wrapped)

        done, message = await self._backend.read(look)
        if not done:
            _, message = await self._backend.read(lambda rows: look(rows, None), heavy=True)
        return message

    async def settle(self, number: int, left: Collection[str], letters: Sequence[Letter], *, day: int) -> None:
        """See `OutQueue.settle`."""
        staying = frozenset(left)

        def job(rows: Writing, news: News, ready: Sequence[Parcel]) -> None:
            bill = self._bill(rows, number)
            if bill is None:
                return
            store(rows, news, ready, day=day)
            recipients = tuple(each for each in bill.recipients if each in staying)
            if not recipients:
                rows.remove_entry(number)
                self._let_go(rows, bill.cargo)
            elif recipients != bill.recipients:
                self._put(rows, number, bill._replace(recipients=recipients))

        await self._intake.sealed_then(letters, job, heavy=True)

    async def hold(self, numbers: Collection[int], *, held: bool) -> None:
        """See `OutQueue.hold`."""

        def job(rows: Writing, news: News) -> None:
            for number in numbers:
                bill = self._bill(rows, number)
                if bill is not None and bill.held != held:
                    self._put(rows, number, bill._replace(held=held))

        await self._backend.write(job)

    async def _wrapped(self, message: bytes) -> _Cargo:
        big = len(message) > BIG
        key, wrapped = await asyncio.to_thread(self._seal.wrap, message) if big else self._seal.wrap(message)
        return _Cargo(_number(), key, wrapped)

    async def _bills(self, dispatch: Dispatch, cargo: _Cargo, day: int) -> list[tuple[int, Waybill]]:
        """An entry for each relay, and its number."""
        first = 1 + await self._order()
        self._last = first + len(dispatch.to) - 1
        sender, octets = dispatch.sender, len(dispatch.message)
        return [
            (
                _number(),
                Waybill(order, to.destination, sender, to.recipients, octets, day, False, cargo.number, cargo.key),
            )
            for order, to in enumerate(dispatch.to, first)
        ]

    async def _order(self) -> int:
        """The highest order that was given out."""
        if self._last is None:
            last = max((waiting.order for waiting in await self.waiting()), default=0)
            if self._last is None:  # nobody else was faster
                self._last = last
        return self._last

    def _bill(self, rows: Reading, number: int) -> Waybill | None:
        entry = rows.entry(number)
        return None if entry is None else Waybill.reveal(self._seal, number, entry)

    def _put(self, rows: Writing, number: int, bill: Waybill) -> None:
        rows.put_entries([(number, bill.hide(self._seal, number))])

    def _let_go(self, rows: Writing, cargo: int) -> None:
        """Count a holder of a body out."""
        note = rows.cargo_note(cargo)
        if note is None:
            return
        (holders,) = _HOLDERS.unpack(self._seal.reveal(note, bound=_bound(cargo)))
        if holders > 1:
            rows.put_cargo_note(cargo, self._note(cargo, holders - 1))
        else:
            rows.remove_cargo(cargo)

    def _note(self, cargo: int, holders: int) -> bytes:
        return self._seal.hide(_HOLDERS.pack(holders), bound=_bound(cargo), least=_SHORT)


def _number() -> int:
    return secrets.randbelow(2**63 - 1) + 1


def _bound(cargo: int) -> bytes:
    return b"cargo %d" % cargo
