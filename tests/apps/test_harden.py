"""What keeps memory off the disk: said truthfully, also where the system permits nothing."""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from angarium.apps.check.throwaway import Relay

Command = Callable[..., Awaitable[tuple[int, str, str]]]
Running = Callable[..., AbstractAsyncContextManager[Relay]]

ASK = """
import json, msgspec, sys
from angarium.apps import harden
{before}
print(json.dumps(msgspec.to_builtins(harden.harden())))
bytearray(64 << 20)
print(open("/proc/self/status").read())
"""


def hardened(before: str = "") -> tuple[dict[str, bool], dict[str, str]]:
    """What a process that hardened itself says, and what the kernel says of it; it then takes much memory."""
    process = subprocess.run(
        [sys.executable, "-c", ASK.format(before=before)], capture_output=True, check=True, text=True
    )
    said, _, status = process.stdout.partition("\n")
    return json.loads(said), dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)


LARGE = """
from angarium.apps import harden

def resident():
    return int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0])

harden.harden()
b"x" * (16 << 20)
before = resident()
blocks = [(b"x" * (8 << 20), b"y" * 200_000) for _ in range(8)]
full = resident()
small = [block[1] for block in blocks]
del blocks
print(full - before, resident() - before)
"""


def test_what_large_blocks_took_goes_back() -> None:
    """Behind each lies a small one that stays, so that none of them is at the end of what the allocator holds."""
    process = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, check=True, text=True)
    full, left = map(int, process.stdout.split())
    assert full > 60_000
    assert left < 6_000


async def test_a_relay_is_hardened_and_says_so(running: Running, command: Command, tmp_path: Path) -> None:
    async with running() as relay:
        status = json.loads((await command("status", "--data", str(tmp_path / "data"), "--json"))[1])
        assert status["hardened"]["no_core_dumps"]
        assert status["hardened"]["not_traceable"]
        limits = Path(f"/proc/{relay.process.pid}/limits").read_text()
        assert next(line for line in limits.splitlines() if "core file" in line).split()[4:6] == ["0", "0"]
        locked = Path(f"/proc/{relay.process.pid}/status").read_text().split("VmLck:")[1].split()[0]
        assert status["hardened"]["memory_locked"] == (int(locked) > 0)


def test_where_memory_may_not_be_locked_nothing_fails() -> None:
    said, status = hardened("harden._may_lock = lambda: False")
    assert said["no_core_dumps"]
    assert not said["memory_locked"]
    assert status["VmLck"].split()[0] == "0"


def test_a_system_without_these_calls_starts_all_the_same() -> None:
    said, _ = hardened("harden.ctypes.CDLL = lambda *_, **__: object()")
    assert said["no_core_dumps"]
    assert not said["not_traceable"]
    assert not said["memory_locked"]


def test_a_limit_that_would_starve_later_memory_is_respected() -> None:
    before = (
        "import resource; resource.setrlimit(resource.RLIMIT_MEMLOCK, (8 << 20, 8 << 20));"
        "harden.CAP_IPC_LOCK = 63  # nobody has that one"
    )
    said, _ = hardened(before)
    assert not said["memory_locked"]
