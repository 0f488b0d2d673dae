"""How much of the disk a relay's directory really uses: what a database has freed and not yet given back is none of it.

A database that has held more at some time keeps its length, and fills what is free in it before it grows; its length
says only what was there at the fullest moment. How many of its pages are free stands in its header (the file format of
SQLite, 1.3.2 and 1.3.9), as of the last time that its log was copied into it.
"""

from pathlib import Path

__all__ = ["used"]

MAGIC = b"SQLite format 3\0"
HEADER = 100


def used(directory: Path) -> int:
    """Bytes in use under a directory. What goes away meanwhile is passed over."""
    total = 0
    for path in directory.rglob("*"):
        try:
            if path.is_file():
                total += path.stat().st_size - _free(path)
        except FileNotFoundError:
            continue
    return total


def _free(path: Path) -> int:
    with path.open("rb") as file:
        header = file.read(HEADER)
    if len(header) < HEADER or not header.startswith(MAGIC):
        return 0
    size = int.from_bytes(header[16:18])
    return int.from_bytes(header[36:40]) * (65_536 if size == 1 else size)
