"""What the site wrote last: each file with what it was made from and its SHA-256, so that only what changed is written.

Two marks: what a page was made from, by which a page is passed over without being made; and what it is, by which a page
that came out the same is not written again. Files that were not named again by the end of a run are removed. A run that
was cut short leaves a site in between, and a ledger that knows it. The ledger can be lost: then everything is made
again, and what is on the disk already is compared.
"""

import hashlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

__all__ = ["Ledger", "LedgerError", "mark"]

TABLES = """
    CREATE TABLE files (
        path TEXT PRIMARY KEY, mark BLOB NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL, turn INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE notes (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    PRAGMA user_version = 1;
"""
COMMIT_EVERY = 2_000
"""Files written between two commits."""


class LedgerError(Exception):
    """The site cannot be written; the text says why and what to do."""


def mark(*parts: object) -> bytes:
    """A short mark of what something is made from: equal for equal parts only, for all that chance can do."""
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        octets = part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogatepass")
        found.update(len(octets).to_bytes(8, "big") + octets)
    return found.digest()


class Ledger:
    """The ledger of one site, and the writing of its files. Used by one process at a time.

    Raises:
        LedgerError: another run is at work, or the folder is somebody else's.
    """

    def __init__(self, file: Path, folder: Path) -> None:
        self.folder = folder.resolve()
        self.written = self.removed = 0
        self._pending = 0
        self._made: set[Path] = set()
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
        if not self._db.execute("PRAGMA user_version").fetchone()[0]:
            self._db.executescript(TABLES)
        os.chmod(file, 0o600)
        self._db.execute("BEGIN EXCLUSIVE")
        if self.note("folder") != str(self.folder).encode():
            if any(self.folder.glob("index.*")) and not (self.folder / "proof" / "manifest").exists():
                raise LedgerError(f"{self.folder} holds another site. Take an empty folder")
            self._db.execute("DELETE FROM files")
            self._db.execute("DELETE FROM notes")
            self.put_note("folder", str(self.folder).encode())
        self.turn = int.from_bytes(self.note("turn"), "big") + 1
        self.put_note("turn", self.turn.to_bytes(8, "big"))

    def close(self) -> None:
        """Let go of it, with what was written."""
        if self._db.in_transaction:
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
        row = self._db.execute(
            "UPDATE files SET turn = ? WHERE path = ? AND mark = ? RETURNING size", (self.turn, path, made_from)
        ).fetchone()
        return row is not None and self._there(path, row[0])

    def keeps_under(self, folder: str, first: str, made_from: bytes) -> bool:
        """Whether a folder's `first` file is there and was made from that; then all the folder's files stay."""
        if not self.keeps(f"{folder}/{first}", made_from):
            return False
        self._db.execute(
            "UPDATE files SET turn = ? WHERE path > ? AND path < ?", (self.turn, f"{folder}/", f"{folder}0")
        )
        return True

    def put(self, path: str, content: bytes, made_from: bytes = b"") -> None:
        """Write a file, unless it is there as it is."""
        digest = hashlib.sha256(content).digest()
        place = self.folder / path
        if not self._same(path, place, digest, len(content)):
            draft = self._draft(place)
            draft.write_bytes(content)
            draft.replace(place)
            self.written += 1
        self._record(path, made_from, digest, len(content))

    def put_file(self, path: str, source: Path, made_from: bytes) -> None:
        """Copy a file that is there."""
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        size, place = source.stat().st_size, self.folder / path
        if not self._same(path, place, digest, size):
            draft = self._draft(place)
            shutil.copyfile(source, draft)
            draft.replace(place)
            self.written += 1
        self._record(path, made_from, digest, size)

    def finish(self) -> None:
        """Remove what was not named in this run."""
        gone = self._db.execute("SELECT path FROM files WHERE turn <> ?", (self.turn,)).fetchall()
        for (path,) in gone:
            (self.folder / path).unlink(missing_ok=True)
            self.removed += 1
        self._db.execute("DELETE FROM files WHERE turn <> ?", (self.turn,))
        for folder in sorted({(self.folder / path).parent for (path,) in gone}, reverse=True):
            if folder != self.folder and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def folders(self) -> Iterator[tuple[str, list[tuple[str, bytes, int]]]]:
        """Every folder with its files: path, SHA-256 and octets, in order. The topmost comes last."""
        rows = self._db.execute("SELECT path, digest, size FROM files WHERE turn = ? ORDER BY path", (self.turn,))
        topmost: list[tuple[str, bytes, int]] = []
        for folder, files in groupby(rows, lambda row: row[0].rpartition("/")[0]):
            if folder:
                yield folder, list(files)
            else:
                topmost += files
        yield "", topmost

    def _same(self, path: str, place: Path, digest: bytes, size: int) -> bool:
        row = self._db.execute("SELECT digest FROM files WHERE path = ?", (path,)).fetchone()
        if not self._there(path, size):
            return False
        if row is not None:
            return bool(row[0] == digest)
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest() == digest

    def _there(self, path: str, size: int) -> bool:
        try:
            return os.stat(self.folder / path).st_size == size
        except OSError:
            return False

    def _draft(self, place: Path) -> Path:
        if place.parent not in self._made:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(place.parent)
        return place.with_name(f".{secrets.token_hex(6)}.part")

    def _record(self, path: str, made_from: bytes, digest: bytes, size: int) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", (path, made_from, digest, size, self.turn)
        )
        self._pending += 1
        if self._pending >= COMMIT_EVERY:
            self._db.execute("COMMIT")
            self._db.execute("BEGIN EXCLUSIVE")
            self._pending = 0
