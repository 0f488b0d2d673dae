"""What the desk remembers, on disk, in the same file as the posts: what is written within one `Archive.writing` is kept
together with them, or not at all.

Beside the desk's own book: who signs by which name, what of the readers' letters was taken, which messages of the
channel carry a post, and what is still to be sent (`Outbox`). A message in the group that nothing came of is forgotten
after a while; what was published is not, for as long as it may be changed.
"""

import sqlite3
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Generic, TypeVar

import msgspec

from angarium.channel.archive import Archive
from angarium.channel.matters import Draft, Motion, Reference

__all__ = ["DeskBook"]

TABLES = (
    "CREATE TABLE IF NOT EXISTS drafts (number INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS motions (number INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS references_ (number INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS pens (member INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE IF NOT EXISTS letters (message INTEGER PRIMARY KEY) STRICT",
    "CREATE TABLE IF NOT EXISTS beside (message INTEGER PRIMARY KEY, comment INTEGER NOT NULL) STRICT",
    """CREATE TABLE IF NOT EXISTS carriers (
        message INTEGER PRIMARY KEY, draft INTEGER NOT NULL, part INTEGER NOT NULL, arrived INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX IF NOT EXISTS carriers_by_draft ON carriers (draft, part)",
    "CREATE INDEX IF NOT EXISTS carriers_under_way ON carriers (message) WHERE NOT arrived",
)
Value = TypeVar("Value", Draft, Motion, Reference)
IDLE = 5000
"""Messages for which it is remembered that nothing came of them, and letters that were taken."""


class Table(MutableMapping[int, Value], Generic[Value]):
    """Values by number, each looked up and written where it is needed."""

    def __init__(self, db: sqlite3.Connection, name: str, kind: type[Value]) -> None:
        self._db = db
        self._name = name
        self._decoder: msgspec.msgpack.Decoder[Value] = msgspec.msgpack.Decoder(kind)

    def __getitem__(self, number: int) -> Value:
        row = self._db.execute(f"SELECT value FROM {self._name} WHERE number = ?", (number,)).fetchone()  # noqa: S608
        if row is None:
            raise KeyError(number)
        return self._decoder.decode(row[0])

    def __setitem__(self, number: int, value: Value) -> None:
        packed = msgspec.msgpack.encode(value)
        self._db.execute(f"INSERT OR REPLACE INTO {self._name} VALUES (?, ?)", (number, packed))  # noqa: S608

    def __delitem__(self, number: int) -> None:
        self._db.execute(f"DELETE FROM {self._name} WHERE number = ?", (number,))  # noqa: S608

    def __iter__(self) -> Iterator[int]:
        rows = self._db.execute(f"SELECT number FROM {self._name} ORDER BY number").fetchall()  # noqa: S608
        return (number for (number,) in rows)

    def __len__(self) -> int:
        (count,) = self._db.execute(f"SELECT count(*) FROM {self._name}").fetchone()  # noqa: S608
        return int(count)


class DeskBook:
    """The book of one channel's desk."""

    def __init__(self, archive: Archive) -> None:
        self._db = archive.database
        self._archive = archive
        with archive.writing():
            for table in TABLES:
                self._db.execute(table)
        self.drafts: MutableMapping[int, Draft] = Table(self._db, "drafts", Draft)
        self.motions: MutableMapping[int, Motion] = Table(self._db, "motions", Motion)
        self.references: MutableMapping[int, Reference] = Table(self._db, "references_", Reference)

    def serial(self) -> int:
        """A number for a motion that none had before."""
        number = int(self._archive.note("desk serial") or 0) + 1
        self._archive.put_note("desk serial", str(number))
        return number

    def pen(self, member: int) -> str:
        """The slug of who a member signs as; empty: the channel."""
        row = self._db.execute("SELECT slug FROM pens WHERE member = ?", (member,)).fetchone()
        return str(row[0]) if row else ""

    def take_pen(self, member: int, slug: str) -> bool:
        """Sign as that from now on (empty: as the channel). Whether no other member does."""
        if not slug:
            self._db.execute("DELETE FROM pens WHERE member = ?", (member,))
            return True
        if self._db.execute("SELECT 1 FROM pens WHERE slug = ? AND member != ?", (slug, member)).fetchone():
            return False
        self._db.execute("INSERT OR REPLACE INTO pens VALUES (?, ?)", (member, slug))
        return True

    def members(self) -> frozenset[int]:
        """Who was in the editors' group when that was noted last."""
        return frozenset(int(each) for each in self._archive.note("members").split())

    def note_members(self, members: Iterable[int]) -> None:
        """Note who is in the editors' group."""
        self._archive.put_note("members", " ".join(str(each) for each in sorted(members)))

    def take_letter(self, message: int) -> bool:
        """Note that a reader's message was read. Whether it was not before."""
        return bool(self._db.execute("INSERT OR IGNORE INTO letters VALUES (?)", (message,)).rowcount)

    def put_beside(self, message: int, comment: int) -> None:
        """Note which message in the group says how the writer of a comment may be answered."""
        self._db.execute("INSERT OR REPLACE INTO beside VALUES (?, ?)", (message, comment))

    def take_beside(self, comment: int) -> list[int]:
        """The messages in the group that say how its writer may be answered: they are to go."""
        rows = self._db.execute("DELETE FROM beside WHERE comment = ? RETURNING message", (comment,)).fetchall()
        return sorted(message for (message,) in rows)

    def carry(self, message: int, draft: int, part: int) -> None:
        """Note which message in the channel carries a part of a post."""
        self._db.execute("INSERT OR REPLACE INTO carriers VALUES (?, ?, ?, 0)", (message, draft, part))

    def carriers(self, draft: int) -> list[tuple[int, int]]:
        """The messages in the channel that carry a post: (part, message)."""
        query = "SELECT part, message FROM carriers WHERE draft = ? ORDER BY part"
        return self._db.execute(query, (draft,)).fetchall()

    def carried(self, message: int) -> int:
        """The draft whose post a message in the channel carries; 0: none."""
        row = self._db.execute("SELECT draft FROM carriers WHERE message = ?", (message,)).fetchone()
        return int(row[0]) if row else 0

    def arrived(self, message: int) -> None:
        """A message is no longer under way: the relay has it, or it failed and that was told."""
        self._db.execute("UPDATE carriers SET arrived = 1 WHERE message = ?", (message,))

    def under_way(self) -> list[int]:
        """Messages in the channel that the relay may not have yet."""
        return [message for (message,) in self._db.execute("SELECT message FROM carriers WHERE NOT arrived")]

    def drop_carriers(self, draft: int) -> None:
        """A post is in no message any more."""
        self._db.execute("DELETE FROM carriers WHERE draft = ?", (draft,))

    def forget(self) -> None:
        """Let go of what is not needed any more. Within `Archive.writing`."""
        (last,) = self._db.execute("SELECT coalesce(max(number), 0) FROM references_").fetchone()
        idle = msgspec.msgpack.encode(Reference())
        self._db.execute("DELETE FROM references_ WHERE number < ? AND value = ?", (last - IDLE, idle))
        self._db.execute("DELETE FROM letters WHERE message < (SELECT max(message) FROM letters) - ?", (IDLE,))
