"""A copied disk: its files as bytes, and the databases among them as the rows they hold.

A long value is scattered over pages of a database file, so that an identifier, or a compressed stream, may lie across
two. So every value is also read by way of the database, out of a copy that has taken in its log.
"""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Piece", "databases", "keyed_values", "merged", "pieces", "values"]

MAGIC = b"SQLite format 3\0"
PIECE = 64 << 20
"""Bytes of values put together into one piece."""
BETWEEN = b"\0\n\0"


class Piece(NamedTuple):
    """Bytes to search."""

    label: str
    """The file they are from, relative to the copied directory."""
    data: bytes
    starts: list[int]
    """Where values begin."""


def pieces(directory: Path) -> Iterator[Piece]:
    """Everything in a copied directory: names of files, their bytes, and the values of databases."""
    names = sorted(path.relative_to(directory) for path in directory.rglob("*"))
    yield Piece("names of files", "\n".join(map(str, names)).encode(), [0])
    for name in names:
        path = directory / name
        if path.is_file():
            yield Piece(str(name), path.read_bytes(), [0])
    for path in databases(directory):
        with merged(path) as copy:
            yield from _values(str(path.relative_to(directory)), copy)


def databases(directory: Path) -> list[Path]:
    """The SQLite files in a directory."""
    return [path for path in sorted(directory.rglob("*")) if path.is_file() and _begins(path, MAGIC)]


@contextlib.contextmanager
def merged(path: Path) -> Iterator[Path]:
    """A copy of a database that has taken in its log, for as long as the context lasts; a damaged one as it is."""
    with tempfile.TemporaryDirectory(prefix="seizure-") as name:
        copy = Path(name) / path.name
        for end in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{end}", f"{copy}{end}")
        with contextlib.suppress(sqlite3.DatabaseError), contextlib.closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield copy


def values(path: Path) -> Iterator[bytes]:
    """Every text and blob in a database, as far as it can be read."""
    return (value for _, value in keyed_values(path))


def keyed_values(path: Path, only: str = "") -> Iterator[tuple[int, bytes]]:
    """The same, of one table only if it is named, each with the first integer of its row, 0 if there is none: what is
    sealed may be bound to it."""
    with contextlib.suppress(sqlite3.DatabaseError), contextlib.closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            if only and os.fsdecode(table) != only:
                continue
            quoted = '"' + os.fsdecode(table).replace('"', '""') + '"'
            for row in connection.execute(f"SELECT * FROM {quoted}"):  # noqa: S608 (a name out of the schema)
                key = next((value for value in row if isinstance(value, int)), 0)
                yield from ((key, value) for value in row if isinstance(value, bytes))


def _values(label: str, path: Path) -> Iterator[Piece]:
    """The values of a database, many in a piece."""
    gathered, starts = bytearray(), list[int]()
    for value in values(path):
        starts.append(len(gathered))
        gathered += value + BETWEEN
        if len(gathered) > PIECE:
            yield Piece(label, bytes(gathered), starts)
            gathered, starts = bytearray(), []
    yield Piece(label, bytes(gathered), starts)


def _begins(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic
