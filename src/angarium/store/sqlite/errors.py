"""What SQLite says of the disk, in the store's words. They name no row, no file and nobody."""

import sqlite3

from angarium.store.interfaces import Damaged, StoreError, StoreFull

__all__ = ["held", "translated"]

_FULL = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "the data directory cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the data directory cannot be written",
    sqlite3.SQLITE_PERM: "the data directory cannot be written",
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISMATCH}
_BROKEN = {
    sqlite3.SQLITE_IOERR: "the disk fails to read or write",
    sqlite3.SQLITE_BUSY: "another program holds the database",
    sqlite3.SQLITE_LOCKED: "another program holds the database",
}


def held(error: Exception) -> bool:
    """Whether another program holds the database, so that whoever comes next would wait as long, and in vain."""
    return isinstance(error, sqlite3.Error) and _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def translated(error: Exception) -> Exception:
    """The store's error for one of SQLite's: StoreFull where room is missing. Others stay as they are.

    A ValueError is what the seal says of bytes that were changed.
    """
    if isinstance(error, ValueError):
        return Damaged()
    if not isinstance(error, sqlite3.Error):
        return error
    code = _code(error)
    if code in _FULL:
        return StoreFull(_FULL[code])
    if code in _DAMAGED:
        return Damaged()
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return StoreError(_BROKEN.get(code, f"the database failed ({name})"))


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
