"""What the kernel tells of a server's processes: CPU time and memory, children that come and go included.

The processes are named by number, by process group or by the name of their program; all their descendants are theirs
too. CPU time is exact for those that live (the scheduler's own account of each thread) and in ticks of 10 ms for the
children they have waited for; where hundreds of short-lived processes serve, a few ticks are missing. Memory is the
proportional set size: what several share counts once. Nothing is run inside the server, and nothing signalled.
"""

import contextlib
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Holdings", "Meter", "Usage"]

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
class Holdings:
    """What they hold at one moment."""

    pss: int
    """KiB."""
    descriptors: int
    threads: int


@dataclass(frozen=True, slots=True)
class _Process:
    name: str
    parent: int
    group: int
    own: int
    """Ticks."""
    waited: int
    """Ticks of children that have ended."""
    begun: int


class Meter:
    """Watches a server."""

    def __init__(
        self, pids: Collection[int] = (), groups: Collection[int] = (), names: Collection[str] = (), proc: Path = PROC
    ) -> None:
        self._pids, self._groups, self._names = frozenset(pids), frozenset(groups), frozenset(names)
        self._proc = proc
        self._seen: dict[tuple[int, int], tuple[int, float]] = {}
        """Parent and CPU seconds."""
        self._gone = 0.0
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
        present = {(pid, every[pid].begun): (every[pid].parent, self._seconds(pid, every[pid])) for pid in found}
        for key, (parent, seconds) in self._seen.items():
            # Whose parent is theirs too was waited for by it: its time is the parent's now.
            if key not in present and parent not in found:
                self._gone += seconds
        self._seen = present
        cpu = self._gone + sum(seconds for _, seconds in present.values()) - self._began
        return Usage(cpu, len(present), self._pss(found) if memory else None)

    def holdings(self) -> Holdings | None:
        """Memory, descriptors and threads, of all of them; None where that may not be read."""
        found = self._theirs(self._read())
        pss = self._pss(found)
        counts = {"fd": 0, "task": 0}
        for pid in found:
            for name in counts:
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    counts[name] += len(os.listdir(f"{self._proc}/{pid}/{name}"))
        return None if pss is None else Holdings(pss, counts["fd"], counts["task"])

    def _read(self) -> dict[int, _Process]:
        every = {}
        for pid in os.listdir(self._proc):
            if pid.isdigit() and (text := _content(f"{self._proc}/{pid}/stat")):
                name, _, rest = text.partition(b"(")[2].rpartition(b")")
                words = rest.split(None, 20)
                own, waited = sum(map(int, words[11:13])), sum(map(int, words[13:15]))
                every[int(pid)] = _Process(
                    name.decode(errors="replace"), int(words[1]), int(words[2]), own, waited, int(words[19])
                )
        return every

    def _seconds(self, pid: int, process: _Process) -> float:
        """What it has used. Threads that have ended are in the ticks only, what is less than a tick in the other."""
        exact = 0
        tasks = f"{self._proc}/{pid}/task"
        with contextlib.suppress(OSError):
            exact = sum(int((_content(f"{tasks}/{task}/schedstat") or b"0").split()[0]) for task in os.listdir(tasks))
        return max(exact / 1e9, process.own / TICKS) + process.waited / TICKS

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


def _content(path: str) -> bytes:
    """A short file of the kernel's; nothing if the process has just ended. Read without buffers: there may be many."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(file, 4096)
    except OSError:
        return b""
    finally:
        os.close(file)
