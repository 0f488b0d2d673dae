"""The rows that the writer wrote last, and so need not ask SQLite for: a mailbox and a message are looked at in each of
the three transactions of a delivery, within a second or two.

What is kept is what lies in the database, as this connection sees it, and nothing else may be: at the beginning of each
transaction (`begin`) SQLite is asked whether another connection has committed since the last one, and where one has, or
where a transaction was undone (`forget`), everything is looked up anew. So this is for the one connection that writes.

Invariants:
* Whatever changes a row changes what is kept of it, or forgets it. What is rare (accounts, and mailboxes that are made,
  renamed or removed) forgets everything.
* Bounded in number: of two rows that are one too many, the one kept longer ago goes.
* What is removed from the database is removed here.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from angarium.store.raw import AccountRow, RawBox, RawMessage
from angarium.store.sqlite.rows import SqliteRows

__all__ = ["MOST", "RecentRows"]

MOST = 1_024
"""Mailboxes, and as many messages: about a megabyte."""


class RecentRows(SqliteRows):
    """See the file's head, and `store.raw.RawWriting` for the methods."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._version = -1
        self._boxes: dict[tuple[bytes, bytes], tuple[bytes, RawBox]] = {}
        """Mailboxes, each with the lock of its account, by account and keyed name."""
        self._names: dict[int, tuple[bytes, bytes]] = {}
        """By their numbers, where they are in there."""
        self._messages: dict[int, RawMessage] = {}

    def begin(self) -> None:
        """A transaction has begun."""
        version = int(self._value("PRAGMA data_version"))
        if version != self._version:
            self.forget()
            self._version = version

    def forget(self) -> None:
        """Keep nothing."""
        self._boxes, self._names, self._messages = {}, {}, {}

    # Mailboxes

    def entered(self, account: bytes, name: bytes) -> tuple[bytes, RawBox] | None:
        both = self._boxes.get((account, name))
        if both is None and (both := super().entered(account, name)) is not None:
            self._boxes[account, name] = both
            self._names[both[1].number] = account, name
            if len(self._boxes) > MOST:
                _, oldest = self._boxes.pop(next(iter(self._boxes)))
                del self._names[oldest.number]
        return both

    def mailbox(self, account: bytes, name: bytes) -> RawBox | None:
        both = self._boxes.get((account, name))
        return super().mailbox(account, name) if both is None else both[1]

    def put_states(self, states: Iterable[tuple[bytes, int]]) -> None:
        states = list(states)
        super().put_states(states)
        for state, number in states:
            if (at := self._names.get(number)) is not None:
                lock, box = self._boxes[at]
                self._boxes[at] = lock, RawBox(number, box.title, state)

    def put_account(self, account: bytes, row: AccountRow) -> None:
        self.forget()
        super().put_account(account, row)

    def remove_account(self, account: bytes) -> None:
        self.forget()
        super().remove_account(account)

    def add_mailbox(self, account: bytes, name: bytes, box: RawBox) -> None:
        self.forget()
        super().add_mailbox(account, name, box)

    def rename_mailbox(self, number: int, name: bytes, title: bytes) -> None:
        self.forget()
        super().rename_mailbox(number, name, title)

    def ruin_mailbox(self, number: int) -> None:
        self.forget()
        super().ruin_mailbox(number)

    # Messages

    def messages(self, places: Sequence[int], bits: int = 0) -> list[RawMessage]:
        kept = self._messages.get(places[0]) if len(places) == 1 else None
        if kept is not None:
            return [kept] if kept.flags & bits == bits else []
        return super().messages(places, bits)

    def add_messages(self, messages: Iterable[RawMessage]) -> None:
        messages = list(messages)
        super().add_messages(messages)
        for message in messages:
            self._messages[message.place] = message
            if len(self._messages) > MOST:
                del self._messages[next(iter(self._messages))]

    def put_flags(self, flags: Iterable[tuple[int, bytes, int]]) -> None:
        flags = list(flags)
        super().put_flags(flags)
        for bits, note, place in flags:
            if (kept := self._messages.get(place)) is not None:
                self._messages[place] = RawMessage(place, kept.size, bits, kept.day, note, kept.record)

    def remove_messages(self, places: Sequence[int]) -> None:
        for place in places:
            self._messages.pop(place, None)
        super().remove_messages(places)
