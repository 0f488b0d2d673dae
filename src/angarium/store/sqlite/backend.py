"""One directory, one SQLite file, its connections: opened together, closed in order.

Several processes may have it open: the first prepares the file, the others join it (`store.directory.Hold`).

`synchronous=FULL` in WAL mode flushes the log at every commit; `secure_delete` overwrites what is deleted with zeros.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from angarium.store.directory import Hold
from angarium.store.interfaces import StoreError
from angarium.store.raw import RawWriting
from angarium.store.rows import News, Reading, Writing
from angarium.store.sqlite.errors import translated
from angarium.store.sqlite.reader import Readers
from angarium.store.sqlite.rows import SqliteRows
from angarium.store.sqlite.schema import migrate
from angarium.store.sqlite.wal import Wal
from angarium.store.sqlite.writelock import Alone, Shared
from angarium.store.sqlite.writer import Writer

__all__ = ["SqliteBackend"]

T = TypeVar("T")

FILE = "store.db"
BUSY_MILLISECONDS = 2000
WRITER_CACHE, READER_CACHE = 32_768, 4_096
"""KiB of pages kept, at most. The writer comes back to the same pages at each step of a message's life; who reads has
to forget all pages whenever something was committed, so more than a look needs is of no use there."""
PRAGMAS: tuple[str, ...] = (
    "page_size = 8192",
    "journal_mode = WAL",
    "wal_autocheckpoint = 0",
    "synchronous = FULL",
    "secure_delete = ON",
    "temp_store = MEMORY",
    "trusted_schema = OFF",
    f"busy_timeout = {BUSY_MILLISECONDS}",
)


class SqliteBackend:
    """See `store.rows.Backend`."""

    def __init__(
        self,
        directory: Path,
        publish: Callable[[News], None],
        *,
        mark: bytes,
        veil: Callable[[RawWriting], Writing],
        shared: Hold | None = None,
    ) -> None:
        """Open the store in a data directory, or make it.

        `mark` is the seal's: the file bears it from the beginning. `veil` makes of its rows what jobs work on.
        `shared`: the hold that the processes share which are to have it open together; None: this one alone.

        Raises:
            DirectoryInUse: another relay runs on it.
            StoreFull: it cannot be written.
            StoreError: a newer release made it, it bears another mark, or it is damaged.
        """
        self._mark = int.from_bytes(mark[:4], signed=True) or 1
        self._hold = shared or Hold(directory)
        lock = Shared(shared.descriptor) if shared else Alone()
        self._file = directory / FILE
        try:
            writer = self._prepare()
            self._readers = Readers(self._reader, veil)
            wal = Wal(self._file.with_name(f"{FILE}-wal"), writer, lock, first=self._hold.first)
        except BaseException as error:
            self._hold.release()
            if isinstance(error, sqlite3.Error):
                raise translated(error) from error
            raise
        self._writer = Writer(writer, wal, publish, veil, patience=BUSY_MILLISECONDS, lock=lock)

    async def read(self, look: Callable[[Reading], T], *, heavy: bool = False, once: bool = False) -> T:
        """See `Backend.read`."""
        return await self._readers.read(look, heavy=heavy, once=once)

    async def write(self, job: Callable[[Writing, News], T], *, heavy: bool = False) -> T:
        """See `Backend.write`."""
        return await self._writer.write(job, heavy=heavy)

    async def close(self) -> None:
        """See `Backend.close`."""
        await self._readers.close()
        await self._writer.close()
        self._hold.release()

    def _prepare(self) -> sqlite3.Connection:
        self._hold.create(FILE)
        connection = self._connect(WRITER_CACHE)
        try:
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                raise StoreError("the file system of the data directory cannot hold the database: choose a local one")
            if self._hold.first:
                migrate(connection)
                self._compare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _compare(self, connection: sqlite3.Connection) -> None:
        """Under another root key nothing would be found, and every phone would make its account anew."""
        (found,) = connection.execute("PRAGMA application_id").fetchone()
        rows = SqliteRows(connection)
        if not found and not rows.accounts():
            connection.execute(f"PRAGMA application_id = {self._mark}")
        elif found != self._mark:
            raise StoreError(
                "the data was written under another root.key, or by a version from before the first release: "
                "put back the root.key that belongs to it, or begin in an empty directory"
            )

    def _connect(self, cache: int) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False, cached_statements=256)
        try:
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            connection.execute(f"PRAGMA cache_size = -{cache}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _reader(self) -> sqlite3.Connection:
        connection = self._connect(READER_CACHE)
        connection.execute("PRAGMA query_only = ON")
        return connection
