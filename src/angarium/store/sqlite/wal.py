"""The write-ahead log: copied into the database beside the writer, and cut off.

The log holds what was written in the order it was written, also what has since been deleted, so it is cut to nothing
whenever the writer rests, and at a size under constant load. The bulk of the copying is done by a thread of its own
(passive checkpoints), or every thousandth write would wait for it.
"""

import logging
import os
import sqlite3
import threading
from pathlib import Path

__all__ = ["Wal"]

_log = logging.getLogger("angarium.store")

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
        self._dirty = not checkpoint(writer, "TRUNCATE")

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
            checkpoint(self._connection, "PASSIVE")


def checkpoint(connection: sqlite3.Connection, mode: str) -> bool:
    """Run one; return whether it was complete."""
    try:
        busy, _, _ = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    except sqlite3.Error as error:
        _log.debug("checkpoint: %s", getattr(error, "sqlite_errorname", type(error).__name__))
        return False
    return not busy
