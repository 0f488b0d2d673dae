"""The rows of `store.rows` in SQLite's tables: one short statement for each need, no logic."""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any

from angarium.store.flags import DELETED, SEEN, SYSTEM
from angarium.store.rows import AccountRow, MailboxRow, MessageRow

__all__ = ["SqliteRows"]

_BIT = {flag: 1 << at for at, flag in enumerate(SYSTEM)}
_UIDS = 0xFFFF_FFFF


class SqliteRows:
    """See `store.rows.Writing`, where every method is described."""

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

    def accounts_holding(self, more_than: int) -> list[bytes]:
        return self._column("SELECT account FROM mailboxes GROUP BY account HAVING sum(size) > ?", (more_than,))

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

    def mailbox(self, account: bytes, name: bytes) -> MailboxRow | None:
        row = self._execute(
            "SELECT number, title, uidvalidity, uidnext, modseq, messages, size FROM mailboxes"
            " WHERE account = ? AND name = ?",
            (account, name),
        ).fetchone()
        return row and MailboxRow(*row)

    def mailboxes(self, account: bytes) -> list[MailboxRow]:
        rows = self._execute(
            "SELECT number, title, uidvalidity, uidnext, modseq, messages, size FROM mailboxes WHERE account = ?",
            (account,),
        )
        return list(map(MailboxRow._make, rows))

    def box(self, number: int) -> MailboxRow | None:
        row = self._execute(
            "SELECT number, title, uidvalidity, uidnext, modseq, messages, size FROM mailboxes WHERE number = ?",
            (number,),
        ).fetchone()
        return row and MailboxRow(*row)

    def numbered(self, number: int) -> bool:
        return self.box(number) is not None or number in self.ruins()

    def waiting(self) -> int:
        return int(self._value("SELECT ifnull(sum(messages), 0) FROM mailboxes"))

    def add_mailbox(self, account: bytes, name: bytes, row: MailboxRow) -> None:
        self._execute(
            "INSERT INTO mailboxes (account, name, number, title, uidvalidity, uidnext, modseq, messages, size)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (account, name, *row),
        )

    def rename_mailbox(self, number: int, name: bytes, title: bytes) -> None:
        self._execute("UPDATE mailboxes SET name = ?, title = ? WHERE number = ?", (name, title, number))

    def put_mailboxes(self, rows: Iterable[MailboxRow]) -> None:
        self._each(
            "UPDATE mailboxes SET uidnext = ?, modseq = ?, messages = ?, size = ? WHERE number = ?",
            [(row.uidnext, row.modseq, row.messages, row.size, row.number) for row in rows],
        )

    def ruin_mailbox(self, number: int) -> None:
        self._execute("DELETE FROM mailboxes WHERE number = ?", (number,))
        self._execute("INSERT INTO ruins (number) VALUES (?)", (number,))

    def ruins(self) -> list[int]:
        return self._column("SELECT number FROM ruins")

    def clear_ruin(self, number: int) -> None:
        self._execute("DELETE FROM ruins WHERE number = ?", (number,))

    # Messages

    def messages(
        self, number: int, uids: Collection[int] | None = None, *, limit: int | None = None
    ) -> list[MessageRow]:
        return self._messages(number, uids, 0, limit)

    def deleted(self, number: int, uids: Collection[int] | None, limit: int) -> list[MessageRow]:
        return self._messages(number, uids, _BIT[DELETED], limit)

    def _messages(self, number: int, uids: Collection[int] | None, bits: int, limit: int | None) -> list[MessageRow]:
        most = -1 if limit is None else limit
        if uids is None:
            rows = self._execute(
                "SELECT place, size, flags, keywords, day, modseq, record FROM messages"
                " WHERE place BETWEEN ? AND ? AND flags & ? = ? ORDER BY place LIMIT ?",
                (_place(number, 0), _place(number, _UIDS), bits, bits, most),
            )
        else:
            rows = self._execute(
                "SELECT place, size, flags, keywords, day, modseq, record FROM messages"
                " WHERE place IN (SELECT value FROM json_each(?)) AND flags & ? = ? ORDER BY place LIMIT ?",
                (json.dumps([_place(number, uid) for uid in uids if 0 < uid <= _UIDS]), bits, bits, most),
            )
        return [
            MessageRow(place & _UIDS, size, _flags(flags, keywords), day, modseq, record)
            for place, size, flags, keywords, day, modseq, record in rows
        ]

    def old(
        self, before_day: int, *, above: int, seen: bool, after: tuple[int, int], limit: int
    ) -> list[tuple[int, int]]:
        bits = _BIT[SEEN] if seen else 0
        places = self._execute(
            "SELECT place FROM messages WHERE place > ? AND day < ? AND size > ? AND flags & ? = ?"
            " ORDER BY place LIMIT ?",
            (_place(*after), before_day, above, bits, bits, limit),
        )
        return [(place >> 32, place & _UIDS) for (place,) in places]

    def add_messages(self, messages: Iterable[tuple[int, MessageRow]]) -> None:
        self._each(
            "INSERT INTO messages (place, size, flags, keywords, day, modseq, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (_place(number, row.uid), row.size, *_columns(row.flags), row.day, row.modseq, row.record)
                for number, row in messages
            ],
        )

    def put_flags(self, number: int, messages: Iterable[MessageRow]) -> None:
        self._each(
            "UPDATE messages SET flags = ?, keywords = ?, modseq = ? WHERE place = ?",
            [(*_columns(row.flags), row.modseq, _place(number, row.uid)) for row in messages],
        )

    def remove_messages(self, number: int, uids: Sequence[int]) -> None:
        places = [(_place(number, uid),) for uid in uids]
        self._each("DELETE FROM messages WHERE place = ?", places)
        self._each("DELETE FROM bodies WHERE place = ?", places)

    # Bodies

    def body(self, number: int, uid: int) -> bytes | None:
        body: bytes | None = self._value("SELECT body FROM bodies WHERE place = ?", (_place(number, uid),))
        return body

    def add_bodies(self, bodies: Iterable[tuple[int, int, bytes]]) -> None:
        self._each(
            "INSERT INTO bodies (place, body) VALUES (?, ?)",
            [(_place(number, uid), body) for number, uid, body in bodies],
        )

    def copy_body(self, number: int, uid: int, to_number: int, to_uid: int) -> None:
        self._execute(
            "INSERT INTO bodies (place, body) SELECT ?, body FROM bodies WHERE place = ?",
            (_place(to_number, to_uid), _place(number, uid)),
        )

    def blob(self, blob: int) -> bytes | None:
        body: bytes | None = self._value("SELECT body FROM blob_bodies WHERE blob = ?", (blob,))
        return body

    def add_blob(self, blob: int, *, day: int, holders: int, body: bytes) -> None:
        self._execute("INSERT INTO blobs (blob, day, holders) VALUES (?, ?, ?)", (blob, day, holders))
        self._execute("INSERT INTO blob_bodies (blob, body) VALUES (?, ?)", (blob, body))

    def hold_blob(self, blob: int, more: int) -> None:
        self._execute("UPDATE blobs SET holders = holders + ? WHERE blob = ?", (more, blob))
        if self._value("SELECT holders < 1 FROM blobs WHERE blob = ?", (blob,)):
            self._remove_blob(blob)

    def remove_blobs(self, before_day: int, limit: int) -> int:
        old: list[int] = self._column("SELECT blob FROM blobs WHERE day < ? LIMIT ?", (before_day, limit))
        for blob in old:
            self._remove_blob(blob)
        return len(old)

    def _remove_blob(self, blob: int) -> None:
        self._execute("DELETE FROM blobs WHERE blob = ?", (blob,))
        self._execute("DELETE FROM blob_bodies WHERE blob = ?", (blob,))

    def _value(self, sql: str, values: tuple[Any, ...] = ()) -> Any:
        row = self._execute(sql, values).fetchone()
        return None if row is None else row[0]

    def _column(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        return [value for (value,) in self._execute(sql, values)]


def _place(number: int, uid: int) -> int:
    return number << 32 | uid


@lru_cache(maxsize=1024)
def _columns(flags: frozenset[str]) -> tuple[int, str]:
    bits = sum(_BIT.get(flag, 0) for flag in flags)
    return bits, " ".join(sorted(flag for flag in flags if flag not in _BIT))


@lru_cache(maxsize=1024)
def _flags(bits: int, keywords: str) -> frozenset[str]:
    return frozenset(flag for flag, bit in _BIT.items() if bits & bit) | frozenset(keywords.split())
