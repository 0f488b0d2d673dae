"""A copy of the database as it is at one moment, also while a relay writes to it from another process.

The copy is made within one read transaction, a few pages at a time, into a file that has lost its name before the first
byte: whatever happens, nothing is left lying about. It holds what the database holds, sealed as it is there.
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from angarium.store.interfaces import StoreError
from angarium.store.sqlite.errors import translated

__all__ = ["copied"]

PAGES = 512
"""Pages copied at a time."""


@contextmanager
def copied(database: Path, progress: Callable[[int, int], None]) -> Iterator[BinaryIO]:
    """The copy, open for reading, for the length of the context; `progress` is told pages done and pages in all.

    Raises:
        StoreError: the database cannot be read, or there is no room beside it.
    """
    try:
        number, name = tempfile.mkstemp(prefix=".store.db.", dir=database.parent)
    except OSError as error:
        raise StoreError(f"the data directory cannot be written ({error.strerror})") from None
    with open(number, "rb") as copy:
        try:
            with closing(sqlite3.connect(name, isolation_level=None)) as target:
                target.execute("PRAGMA journal_mode = OFF")
                target.execute("PRAGMA synchronous = OFF")
                os.unlink(name)
                _fill(target, database, progress)
        except sqlite3.Error as error:
            raise translated(error) from None
        finally:
            Path(name).unlink(missing_ok=True)
        copy.seek(0)
        yield copy


def _fill(target: sqlite3.Connection, database: Path, progress: Callable[[int, int], None]) -> None:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True, isolation_level=None)) as source:
        source.execute("PRAGMA busy_timeout = 5000")
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the moment of the copy
        source.backup(target, pages=PAGES, progress=lambda _, left, total: progress(total - left, total))
        source.execute("ROLLBACK")
