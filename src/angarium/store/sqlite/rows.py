"""The rows of `store.raw` in SQLite's tables: one short statement for each need, no logic."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from angarium.store.raw import AccountRow, RawBox, RawMessage

__all__ = ["SqliteRows"]

_FIRST = -(1 << 63)
"""No place is lower."""
_LAST = (1 << 63) - 1
"""No size is larger."""


class SqliteRows:
    """See `store.raw.RawWriting`, where every method is described."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute: Callable[..., sqlite3.Cursor] = connection.execute
        self._each: Callable[..., sqlite3.Cursor] = connection.executemany

    # Accounts and invitations

    def account(self, account: bytes) -> AccountRow | None:
        row = self._execute("SELECT lock, day, validity FROM accounts WHERE account = ?", (account,)).fetchone()
        return row and AccountRow(*row)

    def accounts(self) -> int:
        return int(self._value("SELECT count(*) FROM accounts"))

    def accounts_before(self, day: int, limit: int) -> list[bytes]:
        return self._column("SELECT account FROM accounts WHERE day < ? LIMIT ?", (day, limit))

    def put_account(self, account: bytes, row: AccountRow) -> None:
        self._execute("REPLACE INTO accounts (account, lock, day, validity) VALUES (?, ?, ?, ?)", (account, *row))

    def remove_account(self, account: bytes) -> None:
        self._execute("DELETE FROM accounts WHERE account = ?", (account,))
        self._execute("DELETE FROM devices WHERE account = ?", (account,))

    def buried(self, tomb: bytes) -> bool:
        return self._value("SELECT 1 FROM tombs WHERE tomb = ?", (tomb,)) is not None

    def bury(self, tomb: bytes) -> None:
        self._execute("INSERT INTO tombs (tomb) VALUES (?) ON CONFLICT DO NOTHING", (tomb,))

    def devices(self, account: bytes) -> bytes | None:
        devices: bytes | None = self._value("SELECT devices FROM devices WHERE account = ?", (account,))
        return devices

    def put_devices(self, account: bytes, devices: bytes) -> None:
        self._execute("REPLACE INTO devices (account, devices) VALUES (?, ?)", (account, devices))

    def invitation(self, token: bytes) -> tuple[int, int] | None:
        row: tuple[int, int] | None = self._execute(
            "SELECT uses, expires_day FROM invitations WHERE token = ?", (token,)
        ).fetchone()
        return row

    def put_invitation(self, token: bytes, uses: int, expires_day: int) -> None:
        if uses < 1:
            self._execute("DELETE FROM invitations WHERE token = ?", (token,))
        else:
            self._execute(
                "REPLACE INTO invitations (token, uses, expires_day) VALUES (?, ?, ?)", (token, uses, expires_day)
            )

    def remove_invitations(self, before_day: int) -> int:
        return self._execute("DELETE FROM invitations WHERE expires_day < ?", (before_day,)).rowcount

    # Mailboxes

    def mailbox(self, account: bytes, name: bytes) -> RawBox | None:
        row = self._execute(
            "SELECT number, title, state FROM mailboxes WHERE account = ? AND name = ?", (account, name)
        ).fetchone()
        return row and RawBox(*row)

    def entered(self, account: bytes, name: bytes) -> tuple[bytes, RawBox] | None:
        row = self._execute(
            "SELECT lock, number, title, state FROM accounts JOIN mailboxes USING (account)"
            " WHERE account = ? AND name = ?",
            (account, name),
        ).fetchone()
        return row and (row[0], RawBox(row[1], row[2], row[3]))

    def mailboxes(self, account: bytes) -> list[RawBox]:
        rows = self._execute("SELECT number, title, state FROM mailboxes WHERE account = ?", (account,))
        return list(map(RawBox._make, rows))

    def box(self, number: int) -> RawBox | None:
        row = self._execute("SELECT number, title, state FROM mailboxes WHERE number = ?", (number,)).fetchone()
        return row and RawBox(*row)

    def states(self, after: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        return self._execute(
            "SELECT number, account, state FROM mailboxes WHERE number > ? ORDER BY number LIMIT ?", (after, limit)
        ).fetchall()

    def add_mailbox(self, account: bytes, name: bytes, box: RawBox) -> None:
        self._execute(
            "INSERT INTO mailboxes (account, name, number, title, state) VALUES (?, ?, ?, ?, ?)", (account, name, *box)
        )

    def rename_mailbox(self, number: int, name: bytes, title: bytes) -> None:
        self._execute("UPDATE mailboxes SET name = ?, title = ? WHERE number = ?", (name, title, number))

    def put_states(self, states: Iterable[tuple[bytes, int]]) -> None:
        self._each("UPDATE mailboxes SET state = ? WHERE number = ?", states)

    def ruin_mailbox(self, number: int) -> None:
        self._execute(
            "INSERT INTO ruins (number, state) SELECT number, state FROM mailboxes WHERE number = ?", (number,)
        )
        self._execute("DELETE FROM mailboxes WHERE number = ?", (number,))

    def ruins(self) -> list[int]:
        return self._column("SELECT number FROM ruins")

    def ruin(self, number: int) -> bytes | None:
        state: bytes | None = self._value("SELECT state FROM ruins WHERE number = ?", (number,))
        return state

    def put_ruin(self, number: int, state: bytes) -> None:
        self._execute("UPDATE ruins SET state = ? WHERE number = ?", (state, number))

    def clear_ruin(self, number: int) -> None:
        self._execute("DELETE FROM ruins WHERE number = ?", (number,))

    # Messages

    def count(self) -> int:
        return int(self._value("SELECT count(*) FROM messages"))

    def messages(self, places: Sequence[int], bits: int = 0) -> list[RawMessage]:
        if len(places) == 1:
            rows = self._execute(
                "SELECT place, size, flags, day, note, record FROM messages WHERE place = ? AND flags & ? = ?",
                (places[0], bits, bits),
            )
        else:
            rows = self._execute(
                "SELECT place, size, flags, day, note, record FROM messages"
                " WHERE place IN (SELECT value FROM json_each(?)) AND flags & ? = ?",
                (json.dumps(places), bits, bits),
            )
        return list(map(RawMessage._make, rows))

    def old(self, before_day: int, *, bits: int, after: int | None, limit: int) -> list[tuple[int, bytes]]:
        return self._execute(
            "SELECT place, note FROM messages WHERE place >= ? AND day < ? AND flags & ? = ? ORDER BY place LIMIT ?",
            (_FIRST if after is None else after + 1, before_day, bits, bits, limit),
        ).fetchall()

    def notes(self, days: Collection[int]) -> Iterator[tuple[int, int, bytes]]:
        return self._execute(
            "SELECT place, day, note FROM messages WHERE day IN (SELECT value FROM json_each(?))",
            (json.dumps(list(days)),),
        )

    def add_messages(self, messages: Iterable[RawMessage]) -> None:
        self._each("INSERT INTO messages (place, size, flags, day, note, record) VALUES (?, ?, ?, ?, ?, ?)", messages)

    def put_flags(self, flags: Iterable[tuple[int, bytes, int]]) -> None:
        self._each("UPDATE messages SET flags = ?, note = ? WHERE place = ?", flags)

    def remove_messages(self, places: Sequence[int]) -> None:
        rows = [(place,) for place in places]
        self._each("DELETE FROM messages WHERE place = ?", rows)
        self._each("DELETE FROM bodies WHERE place = ?", rows)

    # Bodies

    def letter(self, place: int, most: int | None) -> tuple[bytes, bytes | None] | None:
        row: tuple[bytes, bytes | None] | None = self._execute(
            "SELECT record, body FROM messages LEFT JOIN bodies ON bodies.place = messages.place AND size <= ?"
            " WHERE messages.place = ?",
            (_LAST if most is None else most, place),
        ).fetchone()
        return row

    def add_bodies(self, bodies: Iterable[tuple[int, bytes]]) -> None:
        self._each("INSERT INTO bodies (place, body) VALUES (?, ?)", bodies)

    def copy_body(self, place: int, to: int) -> None:
        self._execute("INSERT INTO bodies (place, body) SELECT ?, body FROM bodies WHERE place = ?", (to, place))

    def blob(self, blob: int) -> bytes | None:
        body: bytes | None = self._value("SELECT body FROM blob_bodies WHERE blob = ?", (blob,))
        return body

    def blob_note(self, blob: int) -> bytes | None:
        note: bytes | None = self._value("SELECT note FROM blobs WHERE blob = ?", (blob,))
        return note

    def blobs(self) -> list[tuple[int, int, bytes]]:
        return self._execute("SELECT blob, day, note FROM blobs").fetchall()

    def add_blob(self, blob: int, *, day: int, note: bytes, body: bytes) -> None:
        self._execute("INSERT INTO blobs (blob, day, note) VALUES (?, ?, ?)", (blob, day, note))
        self._execute("INSERT INTO blob_bodies (blob, body) VALUES (?, ?)", (blob, body))

    def put_blob_note(self, blob: int, note: bytes) -> None:
        self._execute("UPDATE blobs SET note = ? WHERE blob = ?", (note, blob))

    def remove_blob(self, blob: int) -> None:
        self._execute("DELETE FROM blobs WHERE blob = ?", (blob,))
        self._execute("DELETE FROM blob_bodies WHERE blob = ?", (blob,))

    # Other relays

    def entry(self, number: int) -> bytes | None:
        entry: bytes | None = self._value("SELECT entry FROM queue WHERE number = ?", (number,))
        return entry

    def entries(self) -> Iterator[tuple[int, bytes]]:
        return self._execute("SELECT number, entry FROM queue")

    def put_entries(self, entries: Iterable[tuple[int, bytes]]) -> None:
        self._each("REPLACE INTO queue (number, entry) VALUES (?, ?)", entries)

    def remove_entry(self, number: int) -> None:
        self._execute("DELETE FROM queue WHERE number = ?", (number,))

    def cargo(self, cargo: int) -> bytes | None:
        body: bytes | None = self._value("SELECT body FROM cargo_bodies WHERE cargo = ?", (cargo,))
        return body

    def cargo_note(self, cargo: int) -> bytes | None:
        note: bytes | None = self._value("SELECT note FROM cargoes WHERE cargo = ?", (cargo,))
        return note

    def add_cargo(self, cargo: int, *, note: bytes, body: bytes) -> None:
        self._execute("INSERT INTO cargoes (cargo, note) VALUES (?, ?)", (cargo, note))
        self._execute("INSERT INTO cargo_bodies (cargo, body) VALUES (?, ?)", (cargo, body))

    def put_cargo_note(self, cargo: int, note: bytes) -> None:
        self._execute("UPDATE cargoes SET note = ? WHERE cargo = ?", (note, cargo))

    def remove_cargo(self, cargo: int) -> None:
        self._execute("DELETE FROM cargoes WHERE cargo = ?", (cargo,))
        self._execute("DELETE FROM cargo_bodies WHERE cargo = ?", (cargo,))

    def marked(self, marks: Iterable[bytes]) -> set[bytes]:
        return {mark for mark in marks if self._value("SELECT 1 FROM marks WHERE mark = ?", (mark,)) is not None}

    def marks_before(self, day: int, limit: int) -> list[bytes]:
        return self._column("SELECT mark FROM marks WHERE day < ? LIMIT ?", (day, limit))

    def add_marks(self, marks: Iterable[tuple[bytes, int]]) -> None:
        self._each("INSERT INTO marks (mark, day) VALUES (?, ?)", marks)

    def remove_marks(self, marks: Iterable[bytes]) -> None:
        self._each("DELETE FROM marks WHERE mark = ?", [(mark,) for mark in marks])

    def peer(self, peer: bytes) -> bytes | None:
        key: bytes | None = self._value("SELECT key FROM peers WHERE peer = ?", (peer,))
        return key

    def peers(self) -> list[tuple[bytes, bytes]]:
        return self._execute("SELECT peer, key FROM peers").fetchall()

    def put_peer(self, peer: bytes, key: bytes) -> None:
        self._execute("REPLACE INTO peers (peer, key) VALUES (?, ?)", (peer, key))

    def remove_peer(self, peer: bytes) -> None:
        self._execute("DELETE FROM peers WHERE peer = ?", (peer,))

    # What is held for other relays

    def paper(self, paper: bytes) -> bytes | None:
        content: bytes | None = self._value("SELECT content FROM papers WHERE paper = ?", (paper,))
        return content

    def papers(self) -> list[tuple[bytes, bytes]]:
        return self._execute("SELECT paper, content FROM papers").fetchall()

    def put_paper(self, paper: bytes, content: bytes | None) -> None:
        if content is None:
            self._execute("DELETE FROM papers WHERE paper = ?", (paper,))
        else:
            self._execute("REPLACE INTO papers (paper, content) VALUES (?, ?)", (paper, content))

    def parcel(self, place: int) -> bytes | None:
        note: bytes | None = self._value("SELECT note FROM parcels WHERE place = ?", (place,))
        return note

    def parcels(self) -> list[tuple[int, int, bytes]]:
        return self._execute("SELECT place, day, note FROM parcels").fetchall()

    def parcel_body(self, place: int) -> bytes | None:
        body: bytes | None = self._value("SELECT body FROM parcel_bodies WHERE place = ?", (place,))
        return body

    def add_parcel(self, place: int, day: int, note: bytes, body: bytes) -> None:
        self._execute("INSERT INTO parcels (place, day, note) VALUES (?, ?, ?)", (place, day, note))
        self._execute("INSERT INTO parcel_bodies (place, body) VALUES (?, ?)", (place, body))

    def remove_parcels(self, places: Sequence[int]) -> None:
        rows = [(place,) for place in places]
        self._each("DELETE FROM parcels WHERE place = ?", rows)
        self._each("DELETE FROM parcel_bodies WHERE place = ?", rows)

    def _value(self, sql: str, values: tuple[Any, ...] = ()) -> Any:
        row = self._execute(sql, values).fetchone()
        return None if row is None else row[0]

    def _column(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        return [value for (value,) in self._execute(sql, values)]
