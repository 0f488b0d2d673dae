"""The posts of a channel on disk: one SQLite file beside the media, in the channel's folder at the newsroom.

All that is put within one `writing` is there afterwards, or none of it. Posts keep the number they got first: pages are
named by it. A post that was withdrawn leaves its key and number, so that no later import brings it back, and nothing of
what it said. Iterators read as they go, so that a channel of any length takes the memory of a post.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from angarium.channel.post import Author, Comment, Post
from angarium.channel.words import whole

__all__ = ["Archive", "ArchiveError", "Filed", "Packed", "Put"]

POST = msgspec.msgpack.Decoder(Post).decode
VERSION = 1
PATIENCE = 30
"""Seconds to wait for who writes."""
TABLES = (
    """CREATE TABLE posts (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, published INTEGER NOT NULL, author TEXT NOT NULL,
        pinned INTEGER NOT NULL, post BLOB
    ) STRICT""",
    "CREATE INDEX posts_by_time ON posts (published, number)",
    "CREATE INDEX posts_by_author ON posts (author, published, number)",
    "CREATE TABLE also (key TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX also_by_number ON also (number)",
    "CREATE TABLE tags (tag TEXT, number INTEGER, PRIMARY KEY (tag, number)) STRICT, WITHOUT ROWID",
    "CREATE INDEX tags_by_number ON tags (number)",
    "CREATE TABLE authors (slug TEXT PRIMARY KEY, author BLOB NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE comments (
        number INTEGER PRIMARY KEY, post INTEGER NOT NULL, shown INTEGER NOT NULL, comment BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX comments_by_post ON comments (post, shown, number)",
    "CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
)


Value = TypeVar("Value", Post, Author, Comment)


class ArchiveError(Exception):
    """The archive cannot be used; the text says why and what to do."""


class Put(StrEnum):
    """What became of a post that was put."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    WITHDRAWN = "withdrawn"
    """It had been withdrawn, and stays so."""


class Filed(msgspec.Struct, frozen=True):
    """A post and the number it has in its channel."""

    number: int
    post: Post


class Packed(NamedTuple):
    """A post as it lies on the disk, to be handed on or marked without being looked at."""

    number: int
    octets: bytes

    def filed(self) -> Filed:
        """The post."""
        return Filed(self.number, POST(self.octets))


class Archive:
    """The posts of a channel. One process writes at a time; any may read meanwhile.

    Raises:
        ArchiveError: the file is none of ours, or of a later release.
    """

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None, timeout=PATIENCE)
        self._encode = msgspec.msgpack.Encoder().encode
        self._comment = msgspec.msgpack.Decoder(Comment).decode
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA secure_delete = ON")
            self._db.execute("PRAGMA temp_store = MEMORY")
            self._prepare(file)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise ArchiveError(f"{file} is no archive of a channel ({error})") from None
        except ArchiveError:
            self._db.close()
            raise

    def _prepare(self, file: Path) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise ArchiveError(f"{file} was written by a later release. Install that one to go on.")
        if version == 0:
            with self.writing():
                for table in TABLES:
                    self._db.execute(table)
                self._db.execute(f"PRAGMA user_version = {VERSION}")

    @property
    def database(self) -> sqlite3.Connection:
        """For tables of this room's other files: what they write within `writing` is kept together with the posts."""
        return self._db

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All that is put within is kept together when it ends, and none of it if it raises."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """All that is read within is as it was at the first look, whatever others write meanwhile."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("COMMIT")

    def scrub(self) -> bool:
        """Leave nothing of what was deleted in the log beside the file. Not within `writing`.

        Whether that could be: while somebody reads, it cannot.
        """
        self._db.execute("PRAGMA busy_timeout = 0")
        (busy, _, _) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._db.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
        return not busy

    def put(self, post: Post, *, unless_later: bool = False) -> Put:
        """Add a post, or change the one that its key means. Within `writing`.

        A post keeps the key it got first. `unless_later`: one that was changed later than this stays as it is.
        What neither UTF-8 nor SQLite can hold becomes U+FFFD.
        """
        post, packed = self._packed(post)
        row = self._db.execute("SELECT number, post FROM posts WHERE key = ?", (post.key,)).fetchone()
        if row is None:
            row = self._db.execute(
                "SELECT number, post FROM posts WHERE number = (SELECT number FROM also WHERE key = ?)", (post.key,)
            ).fetchone()
            if row is not None and row[1] is not None:
                post = msgspec.structs.replace(post, key=POST(row[1]).key, also=(post.key, *post.also))
                packed = self._encode(post)
        if row is None:
            number, put = self._add(post, packed), Put.NEW
        elif row[1] is None:
            return Put.WITHDRAWN
        elif row[1] == packed or (unless_later and POST(row[1]).changed > post.changed):
            return Put.SAME
        else:
            number, put = row[0], Put.CHANGED
            self._db.execute(
                "UPDATE posts SET published = ?, author = ?, pinned = ?, post = ? WHERE number = ?",
                (post.published, post.author, post.pinned, packed, number),
            )
            self._loosen(number)
        self._db.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", ((tag, number) for tag in post.tags))
        self._db.executemany("INSERT OR REPLACE INTO also VALUES (?, ?)", ((key, number) for key in post.also))
        return put

    def _packed(self, value: Value) -> tuple[Value, bytes]:
        """A value as it can be kept, and how it is."""
        try:
            return value, self._encode(value)
        except UnicodeEncodeError:
            value = msgspec.convert(_whole(msgspec.to_builtins(value)), type(value))
            return value, self._encode(value)

    def _add(self, post: Post, packed: bytes) -> int:
        row = (post.key, post.published, post.author, post.pinned, packed)
        number = self._db.execute(
            "INSERT INTO posts (key, published, author, pinned, post) VALUES (?, ?, ?, ?, ?)", row
        ).lastrowid
        assert number is not None
        return number

    def _loosen(self, number: int) -> None:
        self._db.execute("DELETE FROM tags WHERE number = ?", (number,))
        self._db.execute("DELETE FROM also WHERE number = ?", (number,))

    def withdraw(self, number: int) -> bool:
        """Take a post back, with its comments. Whether it was there. Within `writing`.

        All its keys stay, so that no part of it comes back under another of them.
        """
        gone = self._db.execute(
            "UPDATE posts SET post = NULL, author = '', pinned = 0 WHERE number = ? AND post IS NOT NULL", (number,)
        ).rowcount
        self._db.execute("DELETE FROM tags WHERE number = ?", (number,))
        self._db.execute("DELETE FROM comments WHERE post = ?", (number,))
        return bool(gone)

    def count(self) -> int:
        """How many posts there are, those withdrawn left out."""
        (count,) = self._db.execute("SELECT count(*) FROM posts WHERE post IS NOT NULL").fetchone()
        return int(count)

    def find(self, key: str) -> Filed | None:
        """The post that a key means."""
        key = whole(key)
        row = self._db.execute(
            """SELECT number, post FROM posts WHERE post IS NOT NULL AND number IN
            (SELECT number FROM posts WHERE key = ?1 UNION ALL SELECT number FROM also WHERE key = ?1)""",
            (key,),
        ).fetchone()
        return Filed(row[0], POST(row[1])) if row else None

    def get(self, number: int) -> Filed | None:
        """The post of a number."""
        packed = self.pack(number)
        return packed.filed() if packed else None

    def posts(
        self, *, author: str | None = None, tag: str | None = None, since: int | None = None, until: int | None = None
    ) -> Iterator[Filed]:
        """Posts, the latest first: all, an author's, of a tag, published from `since` on and before `until`."""
        asked = ["post IS NOT NULL"]
        values: list[str | int] = []
        for condition, value in (
            ("author = ?", author),
            ("number IN (SELECT number FROM tags WHERE tag = ?)", tag),
            ("published >= ?", since),
            ("published < ?", until),
        ):
            if value is not None:
                asked.append(condition)
                values.append(value)
        rows = self._db.execute(
            f"SELECT number, post FROM posts WHERE {' AND '.join(asked)} ORDER BY published DESC, number DESC",  # noqa: S608
            values,
        )
        for number, packed in rows:
            yield Filed(number, POST(packed))

    def packed(self) -> Iterator[Packed]:
        """All posts, the latest first, as they lie on the disk."""
        rows = self._db.execute(
            "SELECT number, post FROM posts WHERE post IS NOT NULL ORDER BY published DESC, number DESC"
        )
        yield from map(Packed._make, rows)

    def pack(self, number: int) -> Packed | None:
        """The post of a number, as it lies on the disk."""
        row = self._db.execute("SELECT post FROM posts WHERE number = ? AND post IS NOT NULL", (number,)).fetchone()
        return Packed(number, row[0]) if row else None

    def pinned(self) -> list[Filed]:
        """Posts that stay on top, the latest first."""
        rows = self._db.execute(
            "SELECT number, post FROM posts WHERE pinned AND post IS NOT NULL ORDER BY published DESC, number DESC"
        )
        return [Filed(number, POST(packed)) for number, packed in rows]

    def withdrawn(self) -> Iterator[int]:
        """Numbers of posts that were taken back."""
        for (number,) in self._db.execute("SELECT number FROM posts WHERE post IS NULL ORDER BY number"):
            yield number

    def span(self) -> tuple[int, int] | None:
        """When the first post and the last were published; None: there are none."""
        first, last = self._db.execute(
            "SELECT min(published), max(published) FROM posts WHERE post IS NOT NULL"
        ).fetchone()
        return None if first is None else (first, last)

    def tags(self) -> list[tuple[str, int]]:
        """Tags and how many posts have each, the most used first."""
        return self._db.execute(
            "SELECT tag, count(*) AS many FROM tags GROUP BY tag ORDER BY many DESC, tag"
        ).fetchall()

    def digests(self) -> set[str]:
        """Digests of all that is attached to posts."""
        rows = self._db.execute("SELECT post FROM posts WHERE post IS NOT NULL")
        return {medium.digest for (packed,) in rows for medium in POST(packed).media}

    def add_author(self, author: Author) -> None:
        """Add an author, unless there is one of that slug."""
        author, packed = self._packed(author)
        self._db.execute("INSERT OR IGNORE INTO authors VALUES (?, ?)", (author.slug, packed))

    def put_author(self, author: Author) -> None:
        """Add an author, or change the one of that slug."""
        author, packed = self._packed(author)
        self._db.execute("INSERT OR REPLACE INTO authors VALUES (?, ?)", (author.slug, packed))

    def authors(self) -> list[tuple[Author, int]]:
        """Authors and how many posts each has, by name."""
        rows = self._db.execute(
            """SELECT author, (SELECT count(*) FROM posts WHERE posts.author = slug AND post IS NOT NULL)
            FROM authors"""
        )
        found = [(msgspec.msgpack.decode(packed, type=Author), count) for packed, count in rows]
        return sorted(found, key=lambda each: each[0].name.casefold())

    def put_comment(self, comment: Comment) -> int:
        """Keep what a reader says until an editor judges it; return its number."""
        comment, packed = self._packed(comment)
        number = self._db.execute(
            "INSERT INTO comments (post, shown, comment) VALUES (?, 0, ?)", (comment.post, packed)
        ).lastrowid
        assert number is not None
        return number

    def judge_comment(self, number: int, *, show: bool) -> bool:
        """Show a comment, from then on without the way to its writer, or drop it. Whether it was there."""
        row = self._db.execute("SELECT comment FROM comments WHERE number = ?", (number,)).fetchone()
        if row is None:
            return False
        if show:
            packed = self._encode(msgspec.structs.replace(self._comment(row[0]), reply_to=""))
            self._db.execute("UPDATE comments SET shown = 1, comment = ? WHERE number = ?", (packed, number))
        else:
            self._db.execute("DELETE FROM comments WHERE number = ?", (number,))
        return True

    def comments(self, post: int) -> list[Comment]:
        """What is shown of what readers say about a post, in their order."""
        return self._comments("post = ? AND shown", post)

    def commented(self) -> set[int]:
        """Numbers of posts about which something of readers is shown."""
        return {number for (number,) in self._db.execute("SELECT DISTINCT post FROM comments WHERE shown")}

    def waiting(self) -> list[Comment]:
        """Comments nobody has judged yet."""
        return self._comments("NOT shown")

    def _comments(self, asked: str, *values: int) -> list[Comment]:
        rows = self._db.execute(f"SELECT number, comment FROM comments WHERE {asked} ORDER BY number", values)  # noqa: S608
        return [msgspec.structs.replace(self._comment(packed), number=number) for number, packed in rows]

    def note(self, name: str) -> str:
        """What was noted under a name, such as how far an import came; empty: nothing."""
        row = self._db.execute("SELECT value FROM notes WHERE name = ?", (whole(name),)).fetchone()
        return str(row[0]) if row else ""

    def put_note(self, name: str, value: str) -> None:
        """Note something under a name."""
        self._db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (whole(name), whole(value)))


def _whole(value: object) -> object:
    """A value's parts, with texts that can be kept."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    return [_whole(each) for each in value] if isinstance(value, list | tuple) else value
