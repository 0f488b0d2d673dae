"""What the kernel tells of a server's processes: CPU time and memory, children that come and go included.

The processes are named by number, by process group or by the name of their program; all their descendants are theirs
too. CPU time counts in ticks of 10 ms for each process, its own and that of the children it has waited for. Memory is
the proportional set size: what several share counts once. Nothing is run inside the server, and nothing signalled.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Meter", "Usage"]

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """At one moment."""

    cpu: float
    """Seconds since the meter was made, or since the processes began if that was later."""
    processes: int
    pss: int | None = None
    """KiB; None where it was not asked for, or may not be read: run as root, or as the server's user."""


@dataclass(frozen=True, slots=True)
class _Process:
    name: str
    parent: int
    group: int
    ticks: int
    begun: int


class Meter:
    """Watches a server."""

    def __init__(
        self, pids: Collection[int] = (), groups: Collection[int] = (), names: Collection[str] = (), proc: Path = PROC
    ) -> None:
        self._pids, self._groups, self._names = frozenset(pids), frozenset(groups), frozenset(names)
        self._proc = proc
        self._seen: dict[tuple[int, int], _Process] = {}
        self._gone = 0
        self._began = 0.0
        self._began = self.usage().cpu

    @property
    def watching(self) -> bool:
        """Whether there is anything to watch."""
        return bool(self._seen)

    def usage(self, *, memory: bool = False) -> Usage:
        """What they have used until now. Reading memory costs the kernel some milliseconds for each large process."""
        every = self._read()
        found = self._theirs(every)
        present = {(pid, every[pid].begun): every[pid] for pid in found}
        for key, process in self._seen.items():
            # Whose parent is theirs too was waited for by it: its time is the parent's now.
            if key not in present and process.parent not in found:
                self._gone += process.ticks
        self._seen = present
        cpu = (self._gone + sum(process.ticks for process in present.values())) / TICKS - self._began
        return Usage(cpu, len(present), self._pss(found) if memory else None)

    def _read(self) -> dict[int, _Process]:
        every = {}
        for path in self._proc.iterdir():
            if path.name.isdigit():
                try:
                    text = (path / "stat").read_text()
                except (OSError, UnicodeDecodeError):
                    continue
                name, _, rest = text.partition("(")[2].rpartition(")")
                words = rest.split()
                ticks = sum(map(int, words[11:15]))
                every[int(path.name)] = _Process(name, int(words[1]), int(words[2]), ticks, int(words[19]))
        return every

    def _theirs(self, every: dict[int, _Process]) -> set[int]:
        own = os.getpid()
        found = {
            pid
            for pid, process in every.items()
            if pid != own and (pid in self._pids or process.group in self._groups or process.name in self._names)
        }
        children: dict[int, list[int]] = {}
        for pid, process in every.items():
            children.setdefault(process.parent, []).append(pid)
        waiting = list(found)
        while waiting:
            for child in children.get(waiting.pop(), ()):
                if child not in found and child != own:
                    found.add(child)
                    waiting.append(child)
        return found

    def _pss(self, pids: set[int]) -> int | None:
        total = 0
        for pid in pids:
            try:
                lines = (self._proc / str(pid) / "smaps_rollup").read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):
                continue
            except PermissionError:
                return None
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total
