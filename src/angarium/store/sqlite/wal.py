"""The write-ahead log: copied into the database beside the writer, and cut off.

The log holds what was written in the order it was written, also what has since been deleted, so it is cut to nothing
whenever the writer rests, and at a size under constant load. The bulk of the copying is done by a thread of its own
(passive checkpoints), or every thousandth write would wait for it.
"""

import os
import sqlite3
import threading
from pathlib import Path

from angarium.store.sqlite.complaint import Complaint
from angarium.store.sqlite.errors import held, translated

__all__ = ["Wal"]

REST = 1.0
"""Seconds without a write after which the log is cut."""
CHANGES = 1000
"""Changed rows after which a passive checkpoint begins."""
SIZE = 64 * 1024 * 1024
"""Bytes at which the log is cut even though the writer has work."""


class Wal:
    """One database's log. `committed` and `truncate` belong to the writer's thread."""

    def __init__(self, log: Path, connection: sqlite3.Connection) -> None:
        """`connection` is this object's own, for its thread."""
        self._log = log
        self._connection = connection
        self._dirty = True
        self._changes = connection.total_changes
        self._cutting = _Checkpoint("TRUNCATE")
        self._copying = _Checkpoint("PASSIVE")
        self._due = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-checkpoint", daemon=True)
        self._thread.start()

    @property
    def patience(self) -> float | None:
        """How long the writer may wait for work before it should call `truncate`; None: for ever."""
        return REST if self._dirty else None

    def committed(self, writer: sqlite3.Connection) -> None:
        """Notice a commit."""
        self._dirty = True
        if writer.total_changes - self._changes >= CHANGES:
            self._changes = writer.total_changes
            self._due.set()
        if self._size() > SIZE:
            self.truncate(writer)

    def truncate(self, writer: sqlite3.Connection) -> None:
        """Copy what is left and cut the log to nothing, unless somebody is reading it."""
        self._dirty = not self._cutting.run(writer)

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._due.set()
        self._thread.join()
        self._connection.close()

    def _size(self) -> int:
        try:
            return os.stat(self._log).st_size
        except OSError:
            return 0

    def _run(self) -> None:
        while True:
            self._due.wait()
            self._due.clear()
            if self._closed:
                return
            self._copying.run(self._connection)


class _Checkpoint:
    """One way to copy the log, for one thread. Nothing is lost where it fails: the log stays and grows."""

    def __init__(self, mode: str) -> None:
        self._statement = f"PRAGMA wal_checkpoint({mode})"
        self._complaint = Complaint("the log cannot be copied into the database", "the log is copied again")

    def run(self, connection: sqlite3.Connection) -> bool:
        """Run it; return whether it was complete. Tells the keeper where the disk fails."""
        try:
            busy, _, _ = connection.execute(self._statement).fetchone()
        except sqlite3.Error as error:
            if not held(error):
                self._complaint.note(str(translated(error)))
            return False
        self._complaint.note(None)
        return not busy
