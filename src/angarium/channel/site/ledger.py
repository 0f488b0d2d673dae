"""What the site wrote last: each file with what it was made from and its SHA-256, so that only what changed is written.

A page is passed over without being drawn where its mark says that it was made from the same. What was made lies beside
the site (`staging`) until a run has all of it; then it takes its place, in the order in which it was made, so that what
names a file comes after it; and only then is removed what was not named again. A run that was killed has either left
the site as it was, or begun to put things into their places; the next one goes on, and looks at the files themselves
where it cannot know. The ledger can be lost: then everything is made again, and compared with what is there.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from angarium.channel.site.staging import Laid, Staging

__all__ = ["Ledger", "LedgerError", "Line", "mark"]

VERSION = 2
TABLES = """
    DROP TABLE IF EXISTS files;
    DROP TABLE IF EXISTS notes;
    CREATE TABLE files (
        folder TEXT NOT NULL, name TEXT NOT NULL, mark BLOB NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL,
        turn INTEGER NOT NULL, staged INTEGER NOT NULL, PRIMARY KEY (folder, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE notes (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""
STAGED = """
    SELECT folder, name, digest FROM files WHERE staged > 0 AND (folder, name) > (?, ?) ORDER BY folder, name LIMIT ?
"""
COMMIT_EVERY = 2_000
"""Files recorded between two commits."""
CACHE_KIB = 16_000


class LedgerError(Exception):
    """The site cannot be written; the text says why and what to do."""


class Line(NamedTuple):
    """A file of the site."""

    path: str
    digest: bytes
    size: int


def mark(*parts: object) -> bytes:
    """A short mark of what something is made from: equal for equal parts only, for all that chance can do."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        octets = part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogatepass")
        found.update(len(octets).to_bytes(8, "big") + octets)
    return found.digest()


def parted(path: str) -> tuple[str, str]:
    """A file's folder, and its name there."""
    folder, _, name = path.rpartition("/")
    return folder, name


def joined(folder: str, name: str) -> str:
    """A file's path."""
    return f"{folder}/{name}" if folder else name


class Ledger:
    """The ledger of one site, and the order in which its files are written. Used by one process at a time.

    Raises:
        LedgerError: another run is at work, or the folder is somebody else's.
    """

    def __init__(self, file: Path, folder: Path) -> None:
        self.folder = folder.resolve()
        self.staging = Staging(self.folder)
        self.written = self.removed = 0
        self._kept: list[tuple[int, str, str]] = []
        self._recorded: list[tuple[str, str, bytes, bytes, int, int, int]] = []
        self._pending = 0
        file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file, isolation_level=None, timeout=0.1)
        try:
            self._open(file)
        except sqlite3.OperationalError:
            self._db.close()
            raise LedgerError("another run is writing this site: wait for its end") from None
        except sqlite3.DatabaseError:
            self._db.close()
            raise LedgerError(f"{file} is damaged. Delete it: it is made again") from None
        except LedgerError:
            self._db.close()
            raise

    def _open(self, file: Path) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.execute("PRAGMA synchronous = OFF")  # it can be lost
        self._db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._db.execute("BEGIN EXCLUSIVE")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            for statement in filter(str.strip, TABLES.split(";")):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {VERSION}")
        os.chmod(file, 0o600)
        if self.note("folder") != str(self.folder).encode():
            if any(self.folder.glob("index.*")) and not (self.folder / "proof" / "manifest").exists():
                raise LedgerError(f"{self.folder} holds another site. Take an empty folder")
            self._db.execute("DELETE FROM files")
            self._db.execute("DELETE FROM notes")
            self.put_note("folder", str(self.folder).encode())
        self.turn = int.from_bytes(self.note("turn"), "big") + 1
        self.put_note("turn", self.turn.to_bytes(8, "big"))
        self._recover()

    def _recover(self) -> None:
        """Find out where what a killed run had laid is now: still beside the site, in its place, or spoilt."""
        (self._order,) = self._db.execute("SELECT coalesce(max(staged), 0) FROM files").fetchone()
        at = ("", "")
        while rows := self._db.execute(STAGED, (*at, COMMIT_EVERY)).fetchall():
            for folder, name, digest in rows:
                self._find(folder, name, digest)
            at = rows[-1][:2]

    def _find(self, folder: str, name: str, digest: bytes) -> None:
        path = joined(folder, name)
        if self.staging.digest(self.staging.draft(path)) == digest:
            return
        if self.staging.digest(self.staging.place(path)) != digest:
            self._db.execute("UPDATE files SET mark = x'', digest = x'' WHERE folder = ? AND name = ?", (folder, name))
        self._db.execute("UPDATE files SET staged = 0 WHERE folder = ? AND name = ?", (folder, name))

    def close(self) -> None:
        """Let go of it, with what was written."""
        if self._db.in_transaction:
            self._flush()
            self._db.execute("COMMIT")
        self._db.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def note(self, name: str) -> bytes:
        """What was noted under a name; empty: nothing."""
        row = self._db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else b""

    def put_note(self, name: str, value: bytes) -> None:
        """Note something."""
        self._db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    def keeps(self, path: str, made_from: bytes) -> bool:
        """Whether a file is there that was made from that; then it stays."""
        folder, name = parted(path)
        row = self._db.execute(
            "SELECT size, staged FROM files WHERE folder = ? AND name = ? AND mark = ?", (folder, name, made_from)
        ).fetchone()
        if row is None or not self.staging.there(path, row[0], staged=row[1] > 0):
            return False
        self._kept.append((self.turn, folder, name))
        if len(self._kept) >= COMMIT_EVERY:
            self._flush()
        return True

    def keeps_under(self, folder: str, last: str, made_from: bytes) -> bool:
        """Whether a folder's `last` file is there and was made from that; then all stay there that were."""
        spoilt = self._db.execute("SELECT count(*) FROM files WHERE folder = ? AND digest = x''", (folder,))
        if spoilt.fetchone()[0] or not self.keeps(f"{folder}/{last}", made_from):
            return False
        self._db.execute("UPDATE files SET turn = ? WHERE folder = ? AND mark = ?", (self.turn, folder, made_from))
        return True

    def put(self, path: str, content: bytes, made_from: bytes = b"") -> None:
        """Have a file in the site, unless it is there as it is."""
        self.record([self.staging.lay(path, content)], made_from)

    def put_file(self, path: str, source: Path, made_from: bytes = b"") -> None:
        """Have a copy of a file in the site."""
        self.record([self.staging.lay_file(path, source)], made_from)

    def record(self, laid: Iterable[Laid], made_from: bytes) -> None:
        """Remember what was laid, all of it made from the same."""
        for each in laid:
            self._order += 1
            self.written += each.staged
            order = self._order if each.staged else 0
            self._recorded.append((*parted(each.path), made_from, each.digest, each.size, self.turn, order))
        if len(self._recorded) >= COMMIT_EVERY:
            self._flush()
            self._commit()

    def place(self) -> None:
        """Put everything that was laid into its place, in the order in which it was laid."""
        self._flush()
        self._commit()
        for folder, name in self._db.execute(
            "SELECT folder, name FROM files WHERE staged > 0 AND turn = ? ORDER BY staged", (self.turn,)
        ):
            self.staging.put(joined(folder, name))
        self._db.execute("UPDATE files SET staged = 0 WHERE staged > 0 AND turn = ?", (self.turn,))
        self._commit()

    def finish(self) -> None:
        """Remove what was not named in this run."""
        gone = self._db.execute("SELECT folder, name FROM files WHERE turn <> ?", (self.turn,)).fetchall()
        for folder, name in gone:
            self.staging.remove(joined(folder, name))
            self.removed += 1
        self._db.execute("DELETE FROM files WHERE turn <> ?", (self.turn,))
        for folder in sorted({folder for folder, _ in gone if folder}, reverse=True):
            self._remove_empty(self.folder / folder)
        self.staging.clear()

    def _remove_empty(self, folder: Path) -> None:
        while folder != self.folder and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent

    def folders(self) -> Iterator[tuple[str, list[Line]]]:
        """Every folder with its files, in order."""
        self._flush()
        rows = self._db.execute(
            "SELECT folder, name, digest, size FROM files WHERE turn = ? ORDER BY folder, name", (self.turn,)
        )
        for folder, files in groupby(rows, itemgetter(0)):
            yield folder, [Line(joined(folder, name), digest, size) for _, name, digest, size in files]

    def _flush(self) -> None:
        self._db.executemany("UPDATE files SET turn = ? WHERE folder = ? AND name = ?", self._kept)
        self._kept.clear()
        self._db.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", self._recorded)
        self._recorded.clear()

    def _commit(self) -> None:
        self._db.execute("COMMIT")
        self._db.execute("BEGIN EXCLUSIVE")
