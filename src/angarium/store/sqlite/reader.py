"""Who reads: short looks on the event loop's thread, long ones on threads of their own; each on its own connection.

A look is one read transaction: all its rows are of one moment. One that asks a single thing is that by itself, since a
statement that has given its last row holds no transaction open.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from angarium.store.interfaces import StoreError
from angarium.store.raw import RawWriting
from angarium.store.rows import Reading
from angarium.store.sqlite.complaint import Complaint
from angarium.store.sqlite.errors import translated
from angarium.store.sqlite.rows import SqliteRows

__all__ = ["Readers"]

T = TypeVar("T")

HEAVY_AT_ONCE = 2


class Readers:
    """See the file's head."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], veil: Callable[[RawWriting], Reading]) -> None:
        """`connect` opens a connection that only reads, `veil` makes of its rows what looks look at."""
        self._light = _Reader(connect(), veil)
        # Now: later there may be no descriptors left.
        self._heavy = [_Reader(connect(), veil) for _ in range(HEAVY_AT_ONCE)]
        self._idle: SimpleQueue[_Reader] = SimpleQueue()
        for reader in self._heavy:
            self._idle.put(reader)
        self._threads = ThreadPoolExecutor(HEAVY_AT_ONCE, thread_name_prefix="store-reader")
        self._closed = False

    async def read(self, look: Callable[[Reading], T], *, heavy: bool, once: bool) -> T:
        """See `store.rows.Backend.read`."""
        if self._closed:
            raise StoreError("the store is closed")
        if not heavy:
            return self._light.read(look, once=once)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read_heavy, look)

    async def close(self) -> None:
        """Wait for looks under way, then close every connection."""
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)
        for reader in (self._light, *self._heavy):
            reader.close()
        self._heavy = []

    def _read_heavy(self, look: Callable[[Reading], T]) -> T:
        reader = self._idle.get()  # there are as many as threads
        try:
            return reader.read(look, once=False)
        finally:
            self._idle.put(reader)


class _Reader:
    def __init__(self, connection: sqlite3.Connection, veil: Callable[[RawWriting], Reading]) -> None:
        self._connection = connection
        self._rows = veil(SqliteRows(connection))
        self._complaint = Complaint("something cannot be read", "reading works again")

    def read(self, look: Callable[[Reading], T], *, once: bool) -> T:
        try:
            found = look(self._rows) if once else self._at_one_moment(look)
        except (sqlite3.Error, ValueError) as error:
            failure = translated(error)
            self._complaint.note(str(failure))
            raise failure from error
        self._complaint.note(None)
        return found

    def _at_one_moment(self, look: Callable[[Reading], T]) -> T:
        self._connection.execute("BEGIN")
        try:
            return look(self._rows)
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()
