"""Nothing is left of an enclosure, however it ends; and nothing of the machine is changed by it."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from angarium.lab.censor.enclosure import enclosed, missing
from angarium.lab.censor.report import Job
from tests.lab.asleep import asleep

LACKING = missing()
MARK = "4711.0815"
"""Seconds that nobody else sleeps."""
RESOLV = Path("/etc/resolv.conf")

pytestmark = pytest.mark.skipif(LACKING is not None, reason=f"this machine lacks {LACKING}")


def links() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


async def becomes(state: bool, seconds: float = 10) -> bool:
    for _ in range(int(seconds * 20)):
        if asleep(MARK) == state:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_processes_interfaces_and_mounts_go_with_it() -> None:
    before, resolver = links(), RESOLV.read_text()
    code = (
        "import subprocess\n"
        "from angarium.lab.censor.enclosure import furnish\n"
        "from angarium.lab.censor.topology import Ground, through\n"
        "furnish(); Ground().add('one', 'inside', ['192.0.2.1'])\n"
        f"print('made', flush=True); subprocess.run([*through('one'), 'setsid', 'sleep', '{MARK}'])\n"
    )
    async with enclosed(sys.executable, "-c", code) as process:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"made\n"
        assert await becomes(True)
        assert links() == before
    assert await becomes(False)
    assert links() == before
    assert RESOLV.read_text() == resolver
    assert not Path("/run/netns/one").exists()


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_a_run_ends_with_whoever_started_it(signum: signal.Signals) -> None:
    line = msgspec.json.encode(Job("S07", 0, 1, 1, f"sleep {MARK}")) + b"\n"
    code = (
        "import asyncio, sys\n"
        "from angarium.lab.censor.enclosure import enclosed\n"
        "async def main():\n"
        "    async with enclosed(sys.executable, '-m', 'angarium.lab.censor') as process:\n"
        f"        process.stdin.write({line!r})\n"
        "        await process.wait()\n"
        "asyncio.run(main())\n"
    )
    starter = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stderr=subprocess.DEVNULL)
    try:
        assert await becomes(True, 30)
        starter.send_signal(signum)
        await starter.wait()
        assert await becomes(False)
    finally:
        with contextlib.suppress(ProcessLookupError):
            starter.kill()
        await starter.wait()


async def test_what_starts_in_it_sees_itself_as_alone() -> None:
    async with enclosed("sh", "-c", "ls /sys/class/net; echo $$") as process:
        said, _ = await process.communicate()
    assert said.split()[-1] == b"1"
