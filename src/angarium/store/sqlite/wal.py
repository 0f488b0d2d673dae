"""The write-ahead log: kept short while the writer writes; overwritten, then cut to nothing, when it rests.

The log holds what was written in the order it was written, also what has since been deleted. So it is to hold little,
and leave nothing behind. Three rules, none of which waits for a reader:

* After a commit that makes it longer than `SIZE`, SQLite copies it into the database (a passive checkpoint); the next
  transaction then begins it anew from its start. Where somebody reads in it, it grows until they have done.
* When the writer has rested, or the file has become `LONG`, it is cut. A cut file's bytes would stay readable in the
  free space of the file system, so they are overwritten with zeros first.
* What a shorter log does not reach of a longer one before it stays in the file until then: at most `LONG` and one
  transaction.

Overwriting is safe at every moment, whether this process ends there or the machine:

1. A restarting checkpoint has copied everything into the database and flushed it, and nobody reads in the log. From
   here on every reader looks into the database alone, for the index says that all of the log is there.
2. Within a write transaction, so that no other program begins one, the log's head is overwritten and flushed before
   anything else. A log without a head is no log: SQLite takes the database as it is, which is whole. Without this
   order it could play back the beginning of a log whose end is gone: old pages over new ones.
3. The rest is overwritten and flushed, and the file is cut.

Where the cut fails nothing is written until it succeeds (`ready`): what followed a log without a head would be lost.

Where several processes write, all this is done by one that holds the write lock, from the checkpoint to the cut: nobody
writes meanwhile, nobody else copies the log, and who begins to read finds all of it in the database (1), and looks
there. That the head is gone is written down beside the lock, so that it holds for all of them, whoever died in between.
Only one of them, the first, cuts the log when all of them rest.

The file is opened beside SQLite's own descriptor, which does no harm: SQLite locks the database and its index, never
the log. What a file system that copies on write, or an SSD, keeps of overwritten bytes is out of reach.
"""

import os
import sqlite3
from pathlib import Path
from typing import BinaryIO

from angarium.store.interfaces import StoreError
from angarium.store.sqlite.complaint import Complaint
from angarium.store.sqlite.errors import held, translated
from angarium.store.sqlite.writelock import Alone, WriteLock

__all__ = ["Wal"]

REST = 1.0
"""Seconds without a write after which the log is cut."""
SIZE = 256 * 1024
"""Bytes after which the log is copied, and then begun anew."""
LONG = 4 * 1024 * 1024
"""Bytes at which the file is cut even though the writer has work."""
HEAD = 32
"""Bytes of the log's head."""
PART = 1024 * 1024
"""Bytes overwritten at a time."""


class Wal:
    """One database's log. All methods belong to who has the writer's connection; `cut` and `ready` to who has the write
    lock as well."""

    def __init__(
        self, log: Path, writer: sqlite3.Connection, lock: WriteLock | None = None, *, first: bool = True
    ) -> None:
        """`writer` is the one connection of this process that writes, and copies the log. `first`: it cuts at rest."""
        self._log = log
        self._writer = writer
        self._lock = lock or Alone()
        self._first = first
        self._dirty = True
        self._others = -1
        """SQLite's count of what others have written, when it was looked at last."""
        self._complaint = Complaint("the log cannot be copied into the database", "the log is copied again")
        (page,) = writer.execute("PRAGMA page_size").fetchone()
        writer.execute(f"PRAGMA wal_autocheckpoint = {max(1, SIZE // page)}")

    @property
    def patience(self) -> float | None:
        """How long the writer may wait for work before it should call `rest`; None: for ever."""
        return REST if self._first and (self._dirty or self._lock.shared) else None

    @property
    def whole(self) -> bool:
        """Whether a transaction can be written as it is; otherwise only after `ready`."""
        return not self._lock.headless

    def ready(self) -> None:
        """Make sure that a transaction can be written.

        Raises:
            StoreError: the log could not be cut after it was overwritten, and cannot be now.
        """
        if self._lock.headless and not self._cut():
            raise StoreError("another program holds the database")

    def committed(self) -> bool:
        """Notice a commit; return whether the log has become so long that it should be cut now."""
        self._dirty = True
        return self._size() > LONG

    def rest(self) -> None:
        """This process has rested: cut the log, unless others have written since the last call, or write now."""
        if not self._lock.shared:
            self.cut()
        elif self._size() and self._others_rest() and self._lock.acquire(wait=False):
            try:
                self.cut()
            finally:
                self._lock.release()

    def end(self) -> None:
        """Nothing more is written by this process: cut the log, if that is its business."""
        if self._first and self._lock.acquire(wait=False):
            self.cut()
            self._lock.release()

    def _others_rest(self) -> bool:
        before = self._others
        try:
            (self._others,) = self._writer.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            return False
        return self._others == before

    def cut(self) -> None:
        """Copy what is left, overwrite the log and cut it to nothing; where somebody reads it, leave it for later."""
        (patience,) = self._writer.execute("PRAGMA busy_timeout").fetchone()
        self._writer.execute("PRAGMA busy_timeout = 0")
        try:
            if self._size():
                self._wipe()
            self._dirty = not self._cut()
            self._complaint.note(None)
        except (sqlite3.Error, OSError) as error:
            if not held(error):
                self._complaint.note(str(translated(error)) if isinstance(error, sqlite3.Error) else error.strerror)
        finally:
            self._writer.execute(f"PRAGMA busy_timeout = {patience}")

    def _wipe(self) -> None:
        """Overwrite the log, if all of it is in the database and nobody reads in it."""
        (version,) = self._writer.execute("PRAGMA data_version").fetchone()
        if not self._checkpoint("RESTART"):
            return
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            if self._writer.execute("PRAGMA data_version").fetchone() == (version,):
                with open(self._log, "r+b") as log:
                    self._lock.headless = True
                    overwrite(log)
        finally:
            self._writer.execute("ROLLBACK")

    def _cut(self) -> bool:
        if not self._checkpoint("TRUNCATE"):
            return False
        if self._lock.headless:
            self._lock.headless = False
        return True

    def _checkpoint(self, mode: str) -> bool:
        """Run a checkpoint; return whether it was complete."""
        busy, _, _ = self._writer.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return not busy

    def _size(self) -> int:
        try:
            return os.stat(self._log).st_size
        except OSError:
            return 0


def overwrite(log: BinaryIO) -> None:
    """Replace what a file holds with zeros, its head before the rest, each flushed to the disk."""
    size = os.fstat(log.fileno()).st_size
    _zero(log, min(HEAD, size))
    left = size - HEAD
    while left > 0:
        log.write(bytes(min(PART, left)))
        left -= PART
    _zero(log, 0)


def _zero(log: BinaryIO, count: int) -> None:
    log.write(bytes(count))
    log.flush()
    os.fsync(log.fileno())
