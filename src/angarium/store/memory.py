"""The back-end that forgets everything when it ends: for tests, and for a relay that must leave no trace.

Rows in dictionaries. A job runs on the event loop without a pause, so it is alone; it raises before it changes
anything (see `store.rows`), so there is nothing to roll back.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from angarium.store.interfaces import StoreError
from angarium.store.raw import AccountRow, RawBox, RawMessage, RawWriting
from angarium.store.rows import News, Reading, Writing

__all__ = ["MemoryBackend"]

T = TypeVar("T")


class MemoryBackend:
    """See `store.rows.Backend`."""

    def __init__(self, publish: Callable[[News], None], *, veil: Callable[[RawWriting], Writing]) -> None:
        """`veil` makes of rows what jobs work on."""
        self.raw = _Rows()
        self._rows = veil(self.raw)
        self._veil = veil
        self._publish = publish
        self._open = True

    async def read(self, look: Callable[[Reading], T], *, heavy: bool = False, once: bool = False) -> T:
        """See `Backend.read`."""
        self._require_open()
        return look(self._rows)

    async def write(self, job: Callable[[Writing, News], T], *, heavy: bool = False) -> T:
        """See `Backend.write`."""
        self._require_open()
        news: News = []
        result = job(self._rows, news)
        self._publish(news)
        return result

    async def close(self) -> None:
        """See `Backend.close`."""
        self._open = False
        self.raw = _Rows()
        self._rows = self._veil(self.raw)

    def _require_open(self) -> None:
        if not self._open:
            raise StoreError("the store is closed")


class _Blob(NamedTuple):
    day: int
    note: bytes
    body: bytes


class _Parcel(NamedTuple):
    day: int
    note: bytes
    body: bytes


class _Rows:
    """See `store.raw.RawWriting`, where every method is described."""

    def __init__(self) -> None:
        self._accounts: dict[bytes, AccountRow] = {}
        self._devices: dict[bytes, bytes] = {}
        self._tombs: set[bytes] = set()
        self._invitations: dict[bytes, tuple[int, int]] = {}
        self._numbers: dict[bytes, dict[bytes, int]] = {}
        self._names: dict[int, tuple[bytes, bytes]] = {}
        self._boxes: dict[int, RawBox] = {}
        self._ruins: dict[int, bytes] = {}
        self._messages: dict[int, RawMessage] = {}
        self.bodies: dict[int, bytes] = {}
        self._blobs: dict[int, _Blob] = {}
        self._entries: dict[int, bytes] = {}
        self.cargoes: dict[int, tuple[bytes, bytes]] = {}
        self._marks: dict[bytes, int] = {}
        self._peers: dict[bytes, bytes] = {}
        self._papers: dict[bytes, bytes] = {}
        self._parcels: dict[int, _Parcel] = {}

    # Accounts and invitations

    def account(self, account: bytes) -> AccountRow | None:
        return self._accounts.get(account)

    def accounts(self) -> int:
        return len(self._accounts)

    def accounts_before(self, day: int, limit: int) -> list[bytes]:
        return list(islice((account for account, row in self._accounts.items() if row.day < day), limit))

    def put_account(self, account: bytes, row: AccountRow) -> None:
        self._accounts[account] = row

    def remove_account(self, account: bytes) -> None:
        del self._accounts[account]
        self._devices.pop(account, None)

    def buried(self, tomb: bytes) -> bool:
        return tomb in self._tombs

    def bury(self, tomb: bytes) -> None:
        self._tombs.add(tomb)

    def devices(self, account: bytes) -> bytes | None:
        return self._devices.get(account)

    def put_devices(self, account: bytes, devices: bytes) -> None:
        self._devices[account] = devices

    def invitation(self, token: bytes) -> tuple[int, int] | None:
        return self._invitations.get(token)

    def put_invitation(self, token: bytes, uses: int, expires_day: int) -> None:
        self._invitations[token] = (uses, expires_day)
        if uses < 1:
            del self._invitations[token]

    def remove_invitations(self, before_day: int) -> int:
        expired = [token for token, (_, last) in self._invitations.items() if last < before_day]
        for token in expired:
            del self._invitations[token]
        return len(expired)

    # Mailboxes

    def mailbox(self, account: bytes, name: bytes) -> RawBox | None:
        number = self._numbers.get(account, {}).get(name)
        return None if number is None else self._boxes[number]

    def entered(self, account: bytes, name: bytes) -> tuple[bytes, RawBox] | None:
        row, box = self._accounts.get(account), self.mailbox(account, name)
        return None if row is None or box is None else (row.lock, box)

    def mailboxes(self, account: bytes) -> list[RawBox]:
        return [self._boxes[number] for number in self._numbers.get(account, {}).values()]

    def box(self, number: int) -> RawBox | None:
        return self._boxes.get(number)

    def states(self, after: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        numbers = sorted(number for number in self._boxes if number > after)[:limit]
        return [(number, self._names[number][0], self._boxes[number].state) for number in numbers]

    def add_mailbox(self, account: bytes, name: bytes, box: RawBox) -> None:
        self._numbers.setdefault(account, {})[name] = box.number
        self._names[box.number] = (account, name)
        self._boxes[box.number] = box

    def rename_mailbox(self, number: int, name: bytes, title: bytes) -> None:
        account, before = self._names[number]
        del self._numbers[account][before]
        self._numbers[account][name] = number
        self._names[number] = (account, name)
        self._boxes[number] = self._boxes[number]._replace(title=title)

    def put_states(self, states: Iterable[tuple[bytes, int]]) -> None:
        for state, number in states:
            self._boxes[number] = self._boxes[number]._replace(state=state)

    def ruin_mailbox(self, number: int) -> None:
        account, name = self._names.pop(number)
        del self._numbers[account][name]
        if not self._numbers[account]:
            del self._numbers[account]
        self._ruins[number] = self._boxes.pop(number).state

    def ruins(self) -> list[int]:
        return list(self._ruins)

    def ruin(self, number: int) -> bytes | None:
        return self._ruins.get(number)

    def put_ruin(self, number: int, state: bytes) -> None:
        self._ruins[number] = state

    def clear_ruin(self, number: int) -> None:
        del self._ruins[number]

    # Messages

    def count(self) -> int:
        return len(self._messages)

    def messages(self, places: Sequence[int], bits: int = 0) -> list[RawMessage]:
        rows = (row for place in places if (row := self._messages.get(place)) is not None)
        return [row for row in rows if row.flags & bits == bits]

    def old(self, before_day: int, *, bits: int, after: int | None, limit: int) -> list[tuple[int, bytes]]:
        places = sorted(
            row.place for row in self._messages.values() if row.day < before_day and row.flags & bits == bits
        )
        return [(place, self._messages[place].note) for place in places if after is None or place > after][:limit]

    def notes(self, days: Collection[int]) -> Iterator[tuple[int, int, bytes]]:
        return ((row.place, row.day, row.note) for row in self._messages.values() if row.day in days)

    def add_messages(self, messages: Iterable[RawMessage]) -> None:
        self._messages.update((row.place, row) for row in messages)

    def put_flags(self, flags: Iterable[tuple[int, bytes, int]]) -> None:
        for bits, note, place in flags:
            self._messages[place] = self._messages[place]._replace(flags=bits, note=note)

    def remove_messages(self, places: Sequence[int]) -> None:
        for place in places:
            del self._messages[place]
            self.bodies.pop(place, None)

    # Bodies

    def letter(self, place: int, most: int | None) -> tuple[bytes, bytes | None] | None:
        row = self._messages.get(place)
        if row is None:
            return None
        return row.record, self.bodies.get(place) if most is None or row.size <= most else None

    def add_bodies(self, bodies: Iterable[tuple[int, bytes]]) -> None:
        self.bodies.update(bodies)

    def copy_body(self, place: int, to: int) -> None:
        body = self.bodies.get(place)
        if body is not None:
            self.bodies[to] = body

    def blob(self, blob: int) -> bytes | None:
        kept = self._blobs.get(blob)
        return None if kept is None else kept.body

    def blob_note(self, blob: int) -> bytes | None:
        kept = self._blobs.get(blob)
        return None if kept is None else kept.note

    def blobs(self) -> list[tuple[int, int, bytes]]:
        return [(blob, kept.day, kept.note) for blob, kept in self._blobs.items()]

    def add_blob(self, blob: int, *, day: int, note: bytes, body: bytes) -> None:
        self._blobs[blob] = _Blob(day, note, body)

    def put_blob_note(self, blob: int, note: bytes) -> None:
        self._blobs[blob] = self._blobs[blob]._replace(note=note)

    def remove_blob(self, blob: int) -> None:
        self._blobs.pop(blob, None)

    # Other relays

    def entry(self, number: int) -> bytes | None:
        return self._entries.get(number)

    def entries(self) -> Iterator[tuple[int, bytes]]:
        return iter(self._entries.items())

    def put_entries(self, entries: Iterable[tuple[int, bytes]]) -> None:
        self._entries.update(entries)

    def remove_entry(self, number: int) -> None:
        del self._entries[number]

    def cargo(self, cargo: int) -> bytes | None:
        kept = self.cargoes.get(cargo)
        return None if kept is None else kept[1]

    def cargo_note(self, cargo: int) -> bytes | None:
        kept = self.cargoes.get(cargo)
        return None if kept is None else kept[0]

    def add_cargo(self, cargo: int, *, note: bytes, body: bytes) -> None:
        self.cargoes[cargo] = note, body

    def put_cargo_note(self, cargo: int, note: bytes) -> None:
        self.cargoes[cargo] = note, self.cargoes[cargo][1]

    def remove_cargo(self, cargo: int) -> None:
        self.cargoes.pop(cargo, None)

    def marked(self, marks: Iterable[bytes]) -> set[bytes]:
        return {mark for mark in marks if mark in self._marks}

    def marks_before(self, day: int, limit: int) -> list[bytes]:
        return list(islice((mark for mark, of in self._marks.items() if of < day), limit))

    def add_marks(self, marks: Iterable[tuple[bytes, int]]) -> None:
        self._marks.update(marks)

    def remove_marks(self, marks: Iterable[bytes]) -> None:
        for mark in marks:
            self._marks.pop(mark, None)

    def peer(self, peer: bytes) -> bytes | None:
        return self._peers.get(peer)

    def peers(self) -> list[tuple[bytes, bytes]]:
        return list(self._peers.items())

    def put_peer(self, peer: bytes, key: bytes) -> None:
        self._peers[peer] = key

    def remove_peer(self, peer: bytes) -> None:
        self._peers.pop(peer, None)

    # What is held for other relays

    def paper(self, paper: bytes) -> bytes | None:
        return self._papers.get(paper)

    def papers(self) -> list[tuple[bytes, bytes]]:
        return list(self._papers.items())

    def put_paper(self, paper: bytes, content: bytes | None) -> None:
        if content is None:
            self._papers.pop(paper, None)
        else:
            self._papers[paper] = content

    def parcel(self, place: int) -> bytes | None:
        kept = self._parcels.get(place)
        return None if kept is None else kept.note

    def parcels(self) -> list[tuple[int, int, bytes]]:
        return [(place, kept.day, kept.note) for place, kept in self._parcels.items()]

    def parcel_body(self, place: int) -> bytes | None:
        kept = self._parcels.get(place)
        return None if kept is None else kept.body

    def add_parcel(self, place: int, day: int, note: bytes, body: bytes) -> None:
        self._parcels[place] = _Parcel(day, note, body)

    def remove_parcels(self, places: Sequence[int]) -> None:
        for place in places:
            self._parcels.pop(place, None)
