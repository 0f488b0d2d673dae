"""Where an export lies: a folder, or a zip of one. Files are found by the paths an export names, and never outside it.

A path is refused that leaves the export, by `..`, as an absolute one, by a drive's letter or a backslash, or through a
symbolic link; so is what is no plain file. A zip may not unfold to much more than it holds: what is read from it is
counted, whatever it says of itself.
"""

import errno
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Protocol

from angarium.channel.intake.refusal import Refused

__all__ = ["Folder", "Missing", "Source", "Zip", "source"]

EXPANSION = 100
"""How many times its own size a zip may unfold to. Texts of exports shrink to a tenth or more."""
ALLOWANCE = 64 << 20
"""Octets any zip may unfold to."""


class Missing(Exception):
    """There is no file of that path."""


class Source(Protocol):
    """An export's files."""

    name: str
    """What it is called, for what is told."""
    main: str
    """The file that was named; empty: none was."""

    def open(self, path: str) -> BinaryIO:
        """A file of it, by its path as the export gives it.

        Raises:
            Missing: there is none.
            Refused: the path is a trick.
        """

    def size(self, path: str) -> int:
        """Octets of such a file, as far as can be told before it was read. Raises as `open` does."""


def parts(path: str) -> tuple[str, ...]:
    """The names a path consists of. Raises Refused if it is not one within an export."""
    names = tuple(path.split("/"))
    if not path or "\\" in path or "\0" in path or ":" in names[0] or any(name in ("", ".", "..") for name in names):
        raise Refused(f"the export names a file outside itself: {path[:100]!r}. Nothing of it was imported.")
    return names


class Folder:
    """An export as a folder."""

    def __init__(self, path: Path, main: str = "") -> None:
        self.name, self.main = path.name, main
        self._path = path

    def open(self, path: str) -> BinaryIO:
        """See `Source`."""
        *folders, name = parts(path)
        held = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for folder in folders:
                inner = _within(folder, held, os.O_DIRECTORY, path)
                os.close(held)
                held = inner
            file = _within(name, held, os.O_NONBLOCK, path)
        finally:
            os.close(held)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise Refused(f"{path[:100]!r} is no plain file")
        return os.fdopen(file, "rb")

    def size(self, path: str) -> int:
        """See `Source`."""
        with self.open(path) as file:
            return os.fstat(file.fileno()).st_size


def _within(name: str, folder: int, flags: int, path: str) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=folder)
    except FileNotFoundError:
        raise Missing(path) from None
    except (OSError, ValueError) as error:
        if _is_link(name, folder):
            raise Refused(f"{path[:100]!r} goes through a symbolic link. Copy what it means in its place.") from None
        if isinstance(error, ValueError) or error.errno in (errno.ENOTDIR, errno.ENAMETOOLONG):
            raise Missing(path) from None
        raise


def _is_link(name: str, folder: int) -> bool:
    """Whether a name in a folder is a symbolic link."""
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except (OSError, ValueError):
        return False


class Zip:
    """An export as a zip, which may lie in a folder of it."""

    def __init__(self, file: zipfile.ZipFile, path: Path) -> None:
        self.name, self.main = path.name, ""
        self._file = file
        self.left = EXPANSION * path.stat().st_size + ALLOWANCE
        """Octets that may still be read from it."""
        roots = {
            PurePosixPath(name).parent
            for name in file.namelist()
            if PurePosixPath(name).name in ("result.json", "messages.html")
        }
        self._root = min(roots, key=lambda root: len(root.parts), default=PurePosixPath("."))

    def open(self, path: str) -> BinaryIO:
        """See `Source`."""
        try:
            return BufferedReader(_Counted(self, self._file.open(self._member(path)), path), 1 << 16)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            raise Refused(f"{self.name}: {path[:100]} cannot be unpacked ({error})") from None

    def size(self, path: str) -> int:
        """See `Source`."""
        return self._member(path).file_size

    def _member(self, path: str) -> zipfile.ZipInfo:
        try:
            return self._file.getinfo(str(self._root.joinpath(*parts(path))))
        except KeyError:
            raise Missing(path) from None


class _Counted(RawIOBase):
    """What is unpacked, as long as it is not too much for the zip it comes from."""

    def __init__(self, zip_: Zip, file: IO[bytes], path: str) -> None:
        self._zip, self._file, self._path = zip_, file, path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            octets = self._file.read(len(buffer))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise Refused(f"{self._zip.name}: {self._path[:100]} cannot be unpacked ({error})") from None
        self._zip.left -= len(octets)
        if self._zip.left < 0:
            raise Refused(f"{self._zip.name} unfolds to more than {EXPANSION} times its size: it is a trap")
        buffer[: len(octets)] = octets
        return len(octets)

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def source(path: Path) -> Iterator[Source]:
    """An export: its folder, one of its files, or a zip.

    Raises:
        Refused: there is none.
    """
    if path.is_dir():
        yield Folder(path)
    elif not path.is_file():
        raise Refused(f"there is no {path}")
    elif not zipfile.is_zipfile(path) or path.suffix.lower() in (".json", ".html"):
        yield Folder(path.parent, path.name)
    else:
        try:
            file = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise Refused(f"{path} is a damaged zip ({error})") from None
        with file:
            yield Zip(file, path)
