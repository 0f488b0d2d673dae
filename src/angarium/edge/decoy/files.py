"""Files of a site: small ones from our own memory, others at once where the kernel has them in its own, and beside the
loop where the disk has to be asked, or where the kernel does not say whether it has (tmpfs(5), for one).

A file that is kept is looked at each time: it is given out as long as it is the same one, and was neither changed nor
replaced (stat(2), st_ctime). One that has changed just now is not kept: the clock of files is no finer than it is.

preadv2(2), RWF_NOWAIT.
"""

import asyncio
import os
import time
from dataclasses import dataclass

from angarium.edge.decoy.answer import Piece
from angarium.edge.decoy.dates import date_of
from angarium.edge.decoy.kinds import kind_of

__all__ = ["AT_ONCE", "File", "Kept", "State", "content", "file_of", "settled", "state_of"]

State = tuple[int, ...]
"""What tells a file from what was there before under its name."""

AT_ONCE = 65_536
"""Octets of a file that are read, or compressed, in less time than a handshake takes."""
KEPT = 1 << 20
"""Octets of all files that are kept."""
BESIDE = 512
"""Octets that each takes besides, about."""
FINE_SECONDS = 2.0
"""How far apart two times of a file are at least if they differ, on any disk."""
OPENING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""How a file is opened: not by a link, and a pipe is not waited for."""
NOWAIT: int | None = getattr(os, "RWF_NOWAIT", None)


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was seen, and what is said of it."""

    path: str
    octets: int
    changed: int
    """In seconds since 1970."""
    date: str
    tag: str
    """What its ETag is while it stays the same."""
    kind: str
    content: bytes | None = None
    """All of it, where that is known."""


def file_of(path: str, seen: os.stat_result, content: bytes | None = None) -> File:
    """What is said of a file that was seen."""
    changed, octets = int(seen.st_mtime), seen.st_size
    return File(path, octets, changed, date_of(changed), f'"{changed:x}-{octets:x}"', kind_of(path), content)


class Kept:
    """The small files of a site that were asked for."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[State, File]] = {}
        self._octets = 0

    def file(self, path: str, seen: os.stat_result) -> File | None:
        """A file that was seen just now, and is no link, with all of it; None: it is large, or must be waited for."""
        state = state_of(seen)
        kept = self._files.get(path)
        if kept is not None:
            if kept[0] == state:
                return kept[1]
            self._forget(path)
        there = _read(path, state) if seen.st_size <= AT_ONCE else None
        if there is None:
            return None
        file = file_of(path, seen, there)
        self._keep(file, seen)
        return file

    def keep(self, path: str, seen: os.stat_result, octets: bytes) -> None:
        """See `answer.Keeper`. By a link that led to it, it is not found again."""
        if len(octets) == seen.st_size <= AT_ONCE:
            if path in self._files:
                self._forget(path)
            self._keep(file_of(path, seen, octets), seen)

    def _keep(self, file: File, seen: os.stat_result) -> None:
        if settled(seen):
            self._files[file.path] = state_of(seen), file
            self._octets += file.octets + BESIDE
            while self._octets > KEPT:
                self._forget(next(iter(self._files)))

    def _forget(self, path: str) -> None:
        self._octets -= self._files.pop(path)[1].octets + BESIDE


async def content(part: Piece) -> bytes:
    """The octets of a part, with zeros for what is there no more. Raises ConnectionAbortedError: the file is gone."""
    if (there := _part(part)) is not None:
        return there

    def read() -> tuple[bytes, os.stat_result, bool]:
        with open(part.path, "rb") as file:
            seen = os.fstat(file.fileno())
            file.seek(part.begin)
            octets = file.read(part.octets)
            return octets, seen, state_of(os.fstat(file.fileno())) == state_of(seen)

    try:
        octets, seen, steady = await asyncio.to_thread(read)
    except OSError:
        raise ConnectionAbortedError("the file is gone") from None
    if part.keeper is not None and steady and not part.begin:
        part.keeper.keep(part.path, seen, octets)
    return octets.ljust(part.octets, b"\0")


def settled(seen: os.stat_result) -> bool:
    """Whether a file has been as it is for so long that its state would tell of a change."""
    return time.time() - seen.st_ctime > FINE_SECONDS


def state_of(seen: os.stat_result) -> State:
    """What changes with a file."""
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _read(path: str, state: State) -> bytes | None:
    """All of a file in that state, if the kernel has it."""
    try:
        file = os.open(path, OPENING)
    except OSError:
        return None
    try:
        seen = os.fstat(file)
        return _in_memory(file, 0, seen.st_size) if state_of(seen) == state else None
    finally:
        os.close(file)


def _part(part: Piece) -> bytes | None:
    try:
        file = os.open(part.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _in_memory(file, part.begin, part.octets)
    finally:
        os.close(file)


def _in_memory(file: int, begin: int, octets: int) -> bytes | None:
    """So many octets of an open file, where the kernel has them without waiting for the disk; None: not all of them."""
    if NOWAIT is None:
        return None
    into = bytearray(octets)
    try:
        read = os.preadv(file, [into], begin, NOWAIT)
    except OSError:  # they lie on the disk, or nobody can tell
        return None
    return bytes(into) if read == octets else None
