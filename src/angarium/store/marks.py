"""Each mailbox takes a message once, however often and over however many relays it arrives.

Other relays send again where they did not hear our answer, people with several relays send over the next one, and
anybody can send again what was once signed. So what arrived is remembered for some days by a mark: a keyed hash of the
mailbox's name and of what makes two messages the same, which tells nothing without the root key, and nothing of two
mailboxes together. A mark is written in the transaction that stores what it stands for, and outlives an account that is
emptied: what was destroyed there does not come back by being sent again.

Refuses to know what makes two messages the same: that is whose mark it is given.
"""

from collections.abc import Sequence
from functools import partial

from angarium.store.delivery import MANY, Intake, Parcel, store
from angarium.store.interfaces import AccountId, Letter
from angarium.store.rows import Backend, News, Writing
from angarium.store.seal import Seal

__all__ = ["StoredMarks"]

LOOKED_AT = 16_384
"""Marks in one look for old ones,"""
AT_ONCE = 1_024
"""and in one transaction that removes them, so that deliveries pass in between."""


class StoredMarks:
    """See `store.outbound.Marks`."""

    def __init__(self, backend: Backend, seal: Seal, intake: Intake) -> None:
        self._backend = backend
        self._seal = seal
        self._intake = intake

    async def deliver(self, letter: Letter, mark: bytes, *, day: int) -> tuple[str, ...]:
        """See `Marks.deliver`."""
        marks = {name: self._seal.name("mark", f"{mark.hex()}/{name}") for name in letter.names}
        names = {AccountId(self._seal.name("account", name)): name for name in marks}
        had = await self._backend.read(lambda rows: rows.marked(marks.values()), heavy=len(marks) > MANY)
        due = tuple(name for name, mark in marks.items() if mark not in had)

        def job(rows: Writing, news: News, ready: Sequence[Parcel]) -> tuple[str, ...]:
            late = rows.marked(marks[name] for name in due)
            going = [
                parcel
                for parcel in ready
                if marks[names[parcel.account]] not in late and rows.account(parcel.account) is not None
            ]
            store(rows, news, going, day=day)
            got = tuple(names[parcel.account] for parcel in going)
            rows.add_marks([(marks[name], day) for name in got])
            return got

        return await self._intake.sealed_then([Letter(letter.message, due)], job) if due else ()

    async def forget(self, *, before_day: int) -> int:
        """See `Marks.forget`."""
        forgotten = 0
        while marks := await self._backend.read(lambda rows: rows.marks_before(before_day, LOOKED_AT), heavy=True):
            for start in range(0, len(marks), AT_ONCE):
                await self._backend.write(partial(_remove, marks=marks[start : start + AT_ONCE]), heavy=True)
            forgotten += len(marks)
        return forgotten


def _remove(rows: Writing, news: News, *, marks: Sequence[bytes]) -> None:
    rows.remove_marks(marks)
