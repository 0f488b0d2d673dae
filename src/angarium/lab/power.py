"""What a disk may hold after the power fails: a process is recorded by its system calls, and its files are made again.

`RECORDER` (Debian's strace) runs any program and writes down what it wrote, in the order of the kernel. `Disk` takes
that recording call by call, up to any moment, and then says what could be found afterwards:

* What a file's last finished fsync or fdatasync covered is there. Of what was written since, and of what was written
  while that flush was under way, each sector of 512 bytes is there or not, independently of every other: later ones may
  be there without earlier ones; the first or the last so many alone are tried more often than chance would. New sizes
  likewise; a file may have grown by zeros.
* Of names made, moved and removed since the directory's last fsync, the first few have lasted: in their order, as on
  every file system with a journal. A directory is such a name too, and takes all that is in it with it.

Limits: a sector is whole (SQLite counts on that too; drives promise it). A flush is believed: a drive that lies about
it is not modelled. Directories that are moved are not followed. Only one process's writes are seen, and none through
mapped memory: of SQLite's files that is the `-shm`, which it makes anew and which is therefore left out.
"""

import os.path
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["RECORDER", "AllFlushed", "Disk", "Event", "Resized", "Said", "events"]

CALLS = "openat,mkdir,write,pwrite64,ftruncate,fsync,fdatasync,sync,rename,unlink"
RECORDER = (
    *("strace", "-f", "-qq", "-xx", "-y", "-s", "1000000000", "--seccomp-bpf", "-e", "signal=none"),
    *("-e", f"trace={CALLS}", "-o"),
)
"""Followed by the file for the recording, and the command to record."""
SECTOR = 512
RATES = (0.0, 0.1, 0.5, 0.9, 1.0)
"""How likely a sector that was not flushed lasts, where it does not depend on the others; drawn for each file."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that may be made, or emptied."""

    path: str
    empty: bool


@dataclass(frozen=True, slots=True)
class Made:
    """A directory."""

    path: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """Bytes in a file."""

    path: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    """A file's new size."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Flushing:
    """A thread begins to flush a file or a directory."""

    thread: str
    path: str


@dataclass(frozen=True, slots=True)
class Flushed:
    """What it began with is on the disk."""

    thread: str


@dataclass(frozen=True, slots=True)
class AllFlushed:
    """Everything that was written before is on the disk."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A file's new name; `to` is None where it is gone."""

    path: str
    to: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """The program wrote to its standard output: whoever reads it may rely on it."""

    text: bytes


Event: TypeAlias = Opened | Made | Wrote | Resized | Flushing | Flushed | AllFlushed | Moved | Said

_LINE = re.compile(r"(\d+) +(?:<\.\.\. \w+ resumed>)?(.*)")
_CALL = re.compile(r"(\w+)\((.*)\) += (\d+)")
_FILE = re.compile(r"(\d+)<([^>]*)>")
_TEXT = re.compile(r'"([^"]*)"')
_UNFINISHED = " <unfinished ...>"


def events(recording: Iterable[str]) -> Iterator[Event]:
    """Read a recording. Calls that failed, or never ended, changed nothing that may be relied upon."""
    begun: dict[str, str] = {}
    positions: dict[str, int] = {}
    for line in recording:
        found = _LINE.match(line.rstrip("\n"))
        if found is None:
            continue
        thread, text = found[1], found[2]
        if text.endswith(_UNFINISHED):
            begun[thread] = text = text.removesuffix(_UNFINISHED)
            if text.startswith(("fsync(", "fdatasync(")):
                yield Flushing(thread, _path(text))
            continue
        resumed = begun.pop(thread, "")
        call = _CALL.match(resumed + text)
        if call is None:
            continue
        if call[1] in ("fsync", "fdatasync"):
            if not resumed:
                yield Flushing(thread, _path(call[2]))
            yield Flushed(thread)
        else:
            yield from _event(call[1], call[2], call[3], positions)


def _event(name: str, arguments: str, result: str, positions: dict[str, int]) -> Iterator[Event]:
    texts = [_decoded(text) for text in _TEXT.findall(arguments)]
    match name:
        case "openat":
            positions[result] = 0
            if "O_CREAT" in arguments or "O_TRUNC" in arguments:
                yield Opened(os.fsdecode(texts[0]), "O_TRUNC" in arguments)
        case "mkdir":
            yield Made(os.fsdecode(texts[0]))
        case "write":
            number = arguments.partition("<")[0]
            if number == "1":
                yield Said(texts[0])
            else:
                yield Wrote(_path(arguments), positions.get(number, 0), texts[0])
                positions[number] = positions.get(number, 0) + len(texts[0])
        case "pwrite64":
            yield Wrote(_path(arguments), int(arguments.rpartition(", ")[2]), texts[0])
        case "ftruncate":
            yield Resized(_path(arguments), int(arguments.rpartition(", ")[2]))
        case "sync":
            yield AllFlushed()
        case "rename" | "unlink":
            paths = [os.fsdecode(text) for text in texts]
            yield Moved(paths[0], paths[1] if len(paths) > 1 else None)


def _path(arguments: str) -> str:
    found = _FILE.search(arguments)
    return os.fsdecode(_decoded(found[2])) if found else ""


def _decoded(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


@dataclass(slots=True, eq=False)
class _File:
    lasting: bytearray = field(default_factory=bytearray)
    loose: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Not flushed: an offset and bytes, or a size."""

    def flush(self, count: int) -> None:
        for at, data in self.loose[:count]:
            _put(self.lasting, at, data)
        del self.loose[:count]

    def torn(self, chance: random.Random) -> bytes:
        content = bytearray(self.lasting)
        pieces = list(self._pieces())
        for (at, data), lasts in zip(pieces, _lasting(len(pieces), chance), strict=True):
            if lasts:
                _put(content, at, data)
        sizes = [at + len(data) for at, data in self.loose if data is not None]
        if sizes and chance.random() < 0.25:
            content.extend(bytes(max(0, max(sizes) - len(content))))
        return bytes(content)

    def _pieces(self) -> Iterator[tuple[int, bytes | None]]:
        """What was not flushed, sector by sector, and sizes."""
        for at, data in self.loose:
            if data is None:
                yield at, None
                continue
            begin = 0
            while begin < len(data):
                end = min(len(data), begin + SECTOR - (at + begin) % SECTOR)
                yield at + begin, data[begin:end]
                begin = end


def _lasting(count: int, chance: random.Random) -> list[bool]:
    """Which of so many pieces last: these and those, or the first so many, or the last so many."""
    match chance.randrange(3):
        case 0:
            rate = chance.choice(RATES)
            return [chance.random() < rate for _ in range(count)]
        case 1:
            first = chance.randint(0, count)
            return [at < first for at in range(count)]
        case _:
            last = chance.randint(0, count)
            return [at >= last for at in range(count)]


class _Directory(_File):
    """A name with other names below it."""


class Disk:
    """The files below one directory, which is empty at the beginning."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._names: dict[str, _File] = {}
        self._lasting_names: dict[str, _File] = {}
        self._loose_names: list[tuple[str, _File | None]] = []
        """Not flushed: a name, and its file, or None where it was removed."""
        self._flushing: dict[str, tuple[str, int]] = {}

    def take(self, event: Event) -> None:
        """The next thing that happens."""
        match event:
            case Opened(path, empty) if self._ours(path):
                if path not in self._names:
                    self._name(path, _File())
                elif empty:
                    self._names[path].loose.append((0, None))
            case Made(path) if self._ours(path):
                self._name(path, _Directory())
            case Wrote(path, offset, data) if path in self._names:
                self._names[path].loose.append((offset, data))
            case Resized(path, size) if path in self._names:
                self._names[path].loose.append((size, None))
            case Moved(path, to) if path in self._names:
                file = self._names[path]
                if to is not None:
                    self._name(to, file)
                self._name(path, None)
            case Flushing(thread, path):
                file_flushed = self._file(path)
                loose = self._loose_names if file_flushed is None else file_flushed.loose
                self._flushing[thread] = (path, len(loose))
            case AllFlushed():
                for file in self._names.values():
                    file.flush(len(file.loose))
                self._lasting_names, self._loose_names = dict(self._names), []
            case Flushed(thread):
                self._flushed(*self._flushing.pop(thread))
            case _:
                pass

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """Files, by path, as they may be found if the power fails now."""
        names = dict(self._lasting_names)
        for path, file in self._loose_names[: chance.randint(0, len(self._loose_names))]:
            _rename(names, path, file)
        return {
            path: file.torn(chance)
            for path, file in names.items()
            if not isinstance(file, _Directory) and self._reachable(path, names)
        }

    def _file(self, path: str) -> _File | None:
        """What is flushed under this name; None: a directory."""
        file = self._names.get(path)
        return None if isinstance(file, _Directory) else file

    def _reachable(self, path: str, names: dict[str, _File]) -> bool:
        """Whether all directories above it are there."""
        above = os.path.dirname(path)
        return above == self._root or (above in names and self._reachable(above, names))

    def _ours(self, path: str) -> bool:
        return path.startswith(f"{self._root}/") and not path.endswith("-shm")

    def _name(self, path: str, file: _File | None) -> None:
        _rename(self._names, path, file)
        self._loose_names.append((path, file))

    def _flushed(self, path: str, count: int) -> None:
        file = self._file(path)
        if file is not None:
            file.flush(count)
            return
        begun, rest = self._loose_names[:count], self._loose_names[count:]
        for name, named in begun:
            if os.path.dirname(name) == path:
                _rename(self._lasting_names, name, named)
        self._loose_names = [loose for loose in begun if os.path.dirname(loose[0]) != path] + rest


def _rename(names: dict[str, _File], path: str, file: _File | None) -> None:
    if file is None:
        names.pop(path, None)
    else:
        names[path] = file


def _put(content: bytearray, at: int, data: bytes | None) -> None:
    """Bytes at a place; or a size, where there are none."""
    end = at if data is None else at + len(data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if data is None:
        del content[at:]
    else:
        content[at:end] = data
