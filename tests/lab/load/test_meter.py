"""The kernel's account of processes that come and go."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.lab.load.meter import TICKS, Holdings, Meter

PSS = "Rss: 2000 kB\nPss: 1000 kB\nPss_Dirty: 999 kB\n"


class Proc:
    """A /proc of one's own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, pid: int, name: str, parent: int, group: int, own: int, children: int = 0, begun: int = 1) -> None:
        directory = self.path / str(pid)
        directory.mkdir(exist_ok=True)
        times = f"{own} 0 {children} 0"
        (directory / "stat").write_text(f"{pid} ({name}) S {parent} {group} 0 0 0 0 0 0 0 0 {times} 20 0 1 0 {begun}")
        (directory / "smaps_rollup").write_text(PSS)

    def end(self, pid: int) -> None:
        for path in (self.path / str(pid)).iterdir():
            path.unlink()
        (self.path / str(pid)).rmdir()


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    made = Proc(tmp_path)
    made.put(10, "master", 1, 10, own=500)
    made.put(11, "smtpd (old) x", 10, 10, own=100)
    made.put(12, "else", 1, 12, own=900)
    return made


@pytest.mark.parametrize("which", [{"pids": [10]}, {"groups": [10]}, {"names": ["master"]}])
def test_children_count(proc: Proc, which: dict[str, list[int]]) -> None:
    meter = Meter(**which, proc=proc.path)  # type: ignore[arg-type]
    assert meter.watching
    proc.put(11, "smtpd", 10, 10, own=100 + TICKS)
    proc.put(13, "cleanup", 11, 10, own=2 * TICKS)
    used = meter.usage(memory=True)
    assert (used.cpu, used.processes, used.pss) == (3.0, 3, 3000)


def test_who_ended_and_was_waited_for_counts_once(proc: Proc) -> None:
    meter = Meter([10], proc=proc.path)
    proc.put(11, "smtpd", 10, 10, own=100 + 3 * TICKS)
    assert meter.usage().cpu == 3.0
    proc.end(11)
    proc.put(10, "master", 1, 10, own=500, children=100 + 4 * TICKS)
    assert meter.usage().cpu == 4.0


def test_who_ended_and_was_nobodys_child_still_counts(proc: Proc) -> None:
    meter = Meter(names=["master", "else"], proc=proc.path)
    proc.put(12, "else", 1, 12, own=900 + TICKS)
    meter.usage()
    proc.end(12)
    assert meter.usage().cpu == 1.0
    proc.put(12, "else", 1, 12, own=2 * TICKS, begun=9)
    assert meter.usage().cpu == 3.0, "another process with the same number"


def test_what_they_hold(proc: Proc) -> None:
    for pid, descriptors, threads in ((10, 3, 1), (11, 5, 2), (12, 100, 100)):
        for name, count in (("fd", descriptors), ("task", threads)):
            (proc.path / str(pid) / name).mkdir()
            for number in range(count):
                (proc.path / str(pid) / name / str(number)).touch()
    assert Meter([10], proc=proc.path).holdings() == Holdings(2000, 8, 3)
    assert Meter([99], proc=proc.path).holdings() == Holdings(0, 0, 0)


def test_less_than_a_tick_counts_for_each_thread(proc: Proc) -> None:
    meter = Meter([10], proc=proc.path)
    for thread, nanoseconds in ((10, 500 * 10**9 // TICKS), (15, 3_000_000)):
        task = proc.path / f"10/task/{thread}"
        task.mkdir(parents=True)
        (task / "schedstat").write_text(f"{nanoseconds} 5 7\n")
    assert meter.usage().cpu == pytest.approx(0.003)


def test_nobody_is_watched(proc: Proc) -> None:
    assert not Meter([99], proc=proc.path).watching
    assert not Meter(proc=proc.path).watching


@pytest.fixture
def child() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        yield process.pid
        process.kill()


def test_a_real_process(child: int) -> None:
    meter = Meter([child])
    busy = 0.0
    while busy < 0.05:
        used = meter.usage(memory=True)
        busy = used.cpu
    assert used.processes == 1
    assert used.pss
    assert used.pss > 1000
    assert not Meter([os.getpid()]).watching, "never oneself"
