"""Between the logic and the disk: which message lies in which mailbox is known to who has the root key, and only then.

The logic asks for mailboxes and UIDs (`store.rows`); a back-end keeps rows at places (`store.raw`). Here one becomes
the other:

* A message lies at its mailbox's number and its UID, permuted by the seal: rows of one mailbox lie all over the table,
  among everybody's, and in the order in which they came as little as in any other.
* A mailbox's counters, its size, and which UIDs it holds are one hidden state. So its messages are found without a look
  at the table, and nothing but the state's length (a power of two, the least for up to 26 runs of UIDs) shows anything.
* A message's mod-sequence, true size class and keywords are one hidden note; so are the holders and the size of a blob.

What a row of a message still shows: system flags, the day, and the size class of what lies beside it. Whose it is, or
which other rows are in the same mailbox, none of them says.

Accounts, and all that concerns other relays, pass through as they are: what has to be hidden of them, the logic hides.

Invariants:
* Whatever is hidden is bound to its row: bytes that were moved to another are refused (ValueError).
* Nothing is remembered between two calls but what the seal remembers and, where it is given one, what `store.written`
  does; every row is made anew under a fresh nonce.
"""

import struct
from collections.abc import Collection, Iterable, Sequence

from angarium.store.flags import BIT, DELETED, SEEN, joined, split
from angarium.store.raw import RawBox, RawMessage, RawWriting
from angarium.store.rows import MailboxRow, MessageRow, Place
from angarium.store.seal import Seal
from angarium.store.uids import Uids
from angarium.store.written import Written

__all__ = ["Veiled"]

_COUNTERS = struct.Struct(">5Q")
"""UIDVALIDITY, UIDNEXT, MODSEQ, messages, size; runs of UIDs follow."""
_NOTE = struct.Struct(">QQ")
"""Mod-sequence and size class of a message, whose keywords follow; or holders and size class of a blob."""
_SHORT = 64
"""Notes up to this length look alike: those with a few keywords too."""
_AT_ONCE = 1_024
"""Messages asked for in one statement."""
_UIDS = 0xFFFF_FFFF


class Veiled:
    """See `store.rows.Writing`, where every method is described. Over rows that only look, it only looks."""

    def __init__(self, rows: RawWriting, seal: Seal, written: Written | None = None) -> None:
        """`written` is one for all that look at the same rows, of whom only one writes; None: nothing is remembered."""
        self._rows = rows
        self._seal = seal
        self._written = Written(0) if written is None else written
        self.account = rows.account
        self.accounts = rows.accounts
        self.accounts_before = rows.accounts_before
        self.buried = rows.buried
        self.invitation = rows.invitation
        self.devices = rows.devices
        self.put_account = rows.put_account
        self.remove_account = rows.remove_account
        self.bury = rows.bury
        self.put_invitation = rows.put_invitation
        self.remove_invitations = rows.remove_invitations
        self.put_devices = rows.put_devices
        self.entry = rows.entry
        self.entries = rows.entries
        self.cargo = rows.cargo
        self.cargo_note = rows.cargo_note
        self.put_entries = rows.put_entries
        self.remove_entry = rows.remove_entry
        self.add_cargo = rows.add_cargo
        self.put_cargo_note = rows.put_cargo_note
        self.remove_cargo = rows.remove_cargo
        self.marked = rows.marked
        self.marks_before = rows.marks_before
        self.add_marks = rows.add_marks
        self.remove_marks = rows.remove_marks
        self.peer = rows.peer
        self.peers = rows.peers
        self.put_peer = rows.put_peer
        self.remove_peer = rows.remove_peer
        self.paper = rows.paper
        self.papers = rows.papers
        self.put_paper = rows.put_paper
        self.parcel = rows.parcel
        self.parcels = rows.parcels
        self.parcel_body = rows.parcel_body
        self.add_parcel = rows.add_parcel
        self.remove_parcels = rows.remove_parcels
        self.rename_mailbox = rows.rename_mailbox
        self.ruins = rows.ruins
        self.clear_ruin = rows.clear_ruin
        self.blob = rows.blob
        self.remove_blob = rows.remove_blob

    # Mailboxes

    def mailbox(self, account: bytes, name: bytes) -> MailboxRow | None:
        box = self._rows.mailbox(account, name)
        return box and self._shown(box)

    def entered(self, account: bytes, name: bytes) -> tuple[bytes, MailboxRow] | None:
        both = self._rows.entered(account, name)
        return both and (both[0], self._shown(both[1]))

    def mailboxes(self, account: bytes) -> list[MailboxRow]:
        return list(map(self._shown, self._rows.mailboxes(account)))

    def box(self, number: int) -> MailboxRow | None:
        box = self._rows.box(number)
        return box and self._shown(box)

    def numbered(self, number: int) -> bool:
        return self._rows.box(number) is not None or self._rows.ruin(number) is not None

    def holdings(self, after: int, limit: int) -> list[tuple[int, bytes, int]]:
        return [
            (number, account, self._shown(RawBox(number, b"", state)).size)
            for number, account, state in self._rows.states(after, limit)
        ]

    def ruin(self, number: int) -> MailboxRow | None:
        state = self._rows.ruin(number)
        return None if state is None else self._shown(RawBox(number, b"", state))

    def waiting(self) -> int:
        ruins = filter(None, map(self.ruin, self._rows.ruins()))
        return self._rows.count() - sum(ruin.messages for ruin in ruins)

    def add_mailbox(self, account: bytes, name: bytes, row: MailboxRow) -> None:
        self._rows.add_mailbox(account, name, RawBox(row.number, row.title, self._state(row)))

    def put_mailboxes(self, rows: Iterable[MailboxRow]) -> None:
        states = []
        for row in rows:
            states.append((state := self._state(row), row.number))
            self._written.put_box(row, state)
        self._rows.put_states(states)

    def ruin_mailbox(self, number: int) -> None:
        self._written.remove_box(number)
        self._rows.ruin_mailbox(number)

    def put_ruin(self, row: MailboxRow) -> None:
        self._rows.put_ruin(row.number, self._state(row))

    def _state(self, row: MailboxRow) -> bytes:
        counters = _COUNTERS.pack(row.uidvalidity, row.uidnext, row.modseq, row.messages, row.size)
        return self._seal.hide(counters + row.live.pack(), bound=b"mailbox %d" % row.number)

    def _shown(self, box: RawBox) -> MailboxRow:
        return self._written.box(box) or self._revealed(*box)

    def _revealed(self, number: int, title: bytes, state: bytes) -> MailboxRow:
        packed = self._seal.reveal(state, bound=b"mailbox %d" % number)
        if len(packed) < _COUNTERS.size:
            raise ValueError("not the state of a mailbox")
        uidvalidity, uidnext, modseq, messages, size = _COUNTERS.unpack_from(packed)
        live = Uids.unpack(packed[_COUNTERS.size :])
        return MailboxRow(number, title, uidvalidity, uidnext, modseq, messages, size, live)

    # Messages

    def messages(self, box: MailboxRow, uids: Collection[int] | None = None) -> list[MessageRow]:
        return self._messages(box, uids, 0, None)

    def deleted(self, box: MailboxRow, uids: Collection[int] | None, limit: int) -> list[MessageRow]:
        return self._messages(box, uids, BIT[DELETED], limit)

    def old(
        self, before_day: int, *, above: int, seen: bool, after: int | None, limit: int
    ) -> tuple[list[Place], int | None]:
        found = self._rows.old(before_day, bits=BIT[SEEN] if seen else 0, after=after, limit=limit)
        places = [place for place, note in found if above < 0 or self._note(b"message", place, note)[1] > above]
        here = [(place >> 32, place & _UIDS) for place in self._seal.gather(places)]
        return here, found[-1][0] if len(found) == limit else None

    def kinds(self, days: Collection[int]) -> set[tuple[int, int]]:
        return {(day, self._note(b"message", place, note)[1]) for place, day, note in self._rows.notes(days)}

    def add_messages(self, messages: Iterable[tuple[int, MessageRow, bytes | None]]) -> None:
        added = list(messages)
        places = self._seal.scatter([number << 32 | row.uid for number, row, _ in added])
        raw, bodies = [], []
        for place, (_, row, body) in zip(places, added, strict=True):
            raw.append(self._raw(place, row))
            if body is not None:
                bodies.append((place, body))
        self._rows.add_messages(raw)
        self._rows.add_bodies(bodies)

    def put_flags(self, number: int, messages: Iterable[MessageRow]) -> None:
        rows = list(messages)
        places = self._places(number, [row.uid for row in rows])
        raw = [self._raw(place, row) for place, row in zip(places, rows, strict=True)]
        self._rows.put_flags([(row.flags, row.note, row.place) for row in raw])

    def remove_messages(self, number: int, uids: Sequence[int]) -> None:
        places = self._places(number, uids)
        self._written.remove_messages(places)
        self._rows.remove_messages(places)

    def _messages(
        self, box: MailboxRow, uids: Collection[int] | None, bits: int, limit: int | None
    ) -> list[MessageRow]:
        wanted = list(box.live) if uids is None else sorted(uid for uid in set(uids) if uid in box.live)
        messages: list[MessageRow] = []
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            places = self._places(box.number, some)
            found = {row.place: row for row in self._rows.messages(places, bits)}
            for uid, place in zip(some, places, strict=True):
                if (row := found.get(place)) is not None:
                    messages.append(self._written.message(row) or self._noted(uid, row))
            if limit is not None and len(messages) >= limit:
                return messages[:limit]
        return messages

    def _places(self, number: int, uids: Iterable[int]) -> list[int]:
        return self._seal.scatter([number << 32 | uid for uid in uids])

    def _noted(self, uid: int, raw: RawMessage) -> MessageRow:
        modseq, size, keywords = self._note(b"message", raw.place, raw.note)
        flags = joined(raw.flags, keywords.decode())
        return MessageRow(uid, size, raw.size, flags, raw.day, modseq, raw.record)

    def _raw(self, place: int, row: MessageRow) -> RawMessage:
        """A message as it is to lie there."""
        bits, keywords = split(row.flags)
        note = _NOTE.pack(row.modseq, row.size) + keywords.encode()
        hidden = self._seal.hide(note, bound=b"message %d" % place, least=_SHORT)
        raw = RawMessage(place, row.shown, bits, row.day, hidden, row.record)
        self._written.put_message(raw, row)
        return raw

    def _note(self, kind: bytes, at: int, note: bytes) -> tuple[int, int, bytes]:
        packed = self._seal.reveal(note, bound=b"%b %d" % (kind, at))
        if len(packed) < _NOTE.size:
            raise ValueError("not a note")
        return *_NOTE.unpack_from(packed), packed[_NOTE.size :]

    # Bodies

    def letter(self, box: MailboxRow, uid: int, most: int | None) -> tuple[bytes, bytes | None] | None:
        if uid not in box.live:
            return None
        (place,) = self._places(box.number, [uid])
        return self._rows.letter(place, most)

    def copy_body(self, number: int, uid: int, to_number: int, to_uid: int) -> None:
        place, to = self._seal.scatter([number << 32 | uid, to_number << 32 | to_uid])
        self._rows.copy_body(place, to)

    def blobs(self) -> list[tuple[int, int, int]]:
        return [(blob, day, self._note(b"blob", blob, note)[1]) for blob, day, note in self._rows.blobs()]

    def add_blob(self, blob: int, *, day: int, size: int, holders: int, body: bytes) -> None:
        self._rows.add_blob(blob, day=day, note=self._blob_note(blob, holders, size), body=body)

    def hold_blob(self, blob: int, more: int) -> None:
        note = self._rows.blob_note(blob)
        if note is None:
            return
        holders, size, _ = self._note(b"blob", blob, note)
        if holders + more < 1:
            self._rows.remove_blob(blob)
        else:
            self._rows.put_blob_note(blob, self._blob_note(blob, holders + more, size))

    def _blob_note(self, blob: int, holders: int, size: int) -> bytes:
        return self._seal.hide(_NOTE.pack(holders, size), bound=b"blob %d" % blob, least=_SHORT)
