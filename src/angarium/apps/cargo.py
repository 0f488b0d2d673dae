"""What of a data directory goes into a backup, and back: a tar archive with nothing in it but names and bytes.

No owner, no time, no mode: who unpacks it owns it. Unpacking takes exactly the names that packing gives, into a
directory beside their places, and moves them there only when the whole backup was found good; the root key last,
because where there is one there is a relay.
"""

import contextlib
import io
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from angarium.apps.home import UNFINISHED, Home
from angarium.apps.strongbox import StrongReader, StrongWriter
from angarium.reach.files import make_directory, sync_directory
from angarium.store.sqlite.copy import copied

__all__ = ["Incomplete", "pack", "unpack"]

PLAIN = ("angarium.toml", "root.key", "ports.json", "calendar.json", "road.json")
DATABASE = "store.db"
NEEDED = {"angarium.toml", "root.key"}
PRIVATE = re.compile(r"(?:tls|keys|onion)/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", re.ASCII)
PIECE = 1 << 16

Progress = Callable[[int], None]
"""Told how many bytes more are done."""


class Incomplete(Exception):
    """The backup is not one of a relay: something is missing or does not belong."""


def pack(home: Home, box: StrongWriter, progress: Progress, copying: Callable[[int, int], None]) -> None:
    """Write a data directory into a box. `copying` is told the pages of the database as they are copied first.

    Raises:
        OSError, StoreError: something cannot be read or written.
    """
    with tarfile.open(fileobj=cast("IO[bytes]", box), mode="w|", format=tarfile.PAX_FORMAT) as archive:
        private = sorted(
            path for kept in (home.tls, home.keys, home.onion) for path in kept.glob("*") if path.is_file()
        )
        for path in (*(home.path / name for name in PLAIN), *private):
            if path.is_file() and not path.name.startswith("."):
                content = path.read_bytes()
                _add(archive, str(path.relative_to(home.path)), len(content), io.BytesIO(content), progress)
        if home.database.is_file():
            with copied(home.database, copying) as copy:
                _add(archive, DATABASE, os.fstat(copy.fileno()).st_size, copy, progress)
    box.finish()


def unpack(box: StrongReader, home: Home, progress: Progress) -> None:
    """Make a data directory from a box, whole or not at all.

    Raises:
        Incomplete, Spoilt: see there.
        OSError: it cannot be written.
    """
    begun = home.path.exists()
    make_directory(home.path)
    try:
        with _draft(home.path) as draft, contextlib.ExitStack() as undo:
            _unpack_into(box, draft, progress)
            for path in sorted(draft.iterdir(), key=lambda path: path.name == "root.key"):
                path.rename(home.path / path.name)
                undo.callback((home.path / path.name).rename, path)
            sync_directory(home.path)
            undo.pop_all()
    finally:
        if not begun and not any(home.path.iterdir()):
            home.path.rmdir()


@contextlib.contextmanager
def _draft(directory: Path) -> Iterator[Path]:
    """A place beside the places that are to be filled, for a while."""
    draft = Path(tempfile.mkdtemp(prefix=f"{UNFINISHED}.", dir=directory))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _unpack_into(box: StrongReader, draft: Path, progress: Progress) -> None:
    names = set()
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", box), mode="r|") as archive:
            for member in archive:
                if not member.isreg() or member.name in names or not _known(member.name):
                    raise Incomplete("it holds something that is no part of a relay")
                names.add(member.name)
                _write(draft / member.name, cast("IO[bytes]", archive.extractfile(member)), progress)
    except tarfile.TarError:
        raise Incomplete("it holds no archive") from None
    while box.read(PIECE):  # the end must be whole too
        pass
    if missing := NEEDED - names:
        raise Incomplete(f"{', '.join(sorted(missing))} is missing in it")


def _known(name: str) -> bool:
    return name in PLAIN or name == DATABASE or PRIVATE.fullmatch(name) is not None


def _add(archive: tarfile.TarFile, name: str, size: int, source: Any, progress: Progress) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    archive.addfile(member, _Watched(source, progress))


def _write(path: Path, source: IO[bytes], progress: Progress) -> None:
    make_directory(path.parent)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while data := source.read(PIECE):
            file.write(data)
            progress(len(data))
        file.flush()
        os.fsync(file.fileno())
    sync_directory(path.parent)


class _Watched:
    """A file that says how much was read of it."""

    def __init__(self, file: IO[bytes], progress: Progress) -> None:
        self._file = file
        self._progress = progress

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._progress(len(data))
        return data
