"""Namespaces of network, mounts and processes for one run, which end with it whatever happens.

The kernel ends every process of such an enclosure with its first one, and with the last of them all that was made in it
goes: interfaces, mounts, files. So the lab changes nothing of the machine, and leaves nothing. Root is not needed where
people may have user namespaces of their own; then the run thinks that it is root.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["RESOLVER", "WORK", "enclosed", "furnish", "missing"]

PROGRAMS = {"unshare": "util-linux", "nsenter": "util-linux", "mount": "mount", "ip": "iproute2"}
"""What is run, and the Debian package that has it."""
RESOLVER = "9.9.9.9"
"""Whom everybody in the lab asks for names: an address in the lab, of course."""
WORK = Path("/run/lab")
"""Where a run keeps its files, in memory."""
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
LINE = 16 << 20
TRY = "mount -t tmpfs tmpfs /run && ip netns add try && ip link add one type veth peer name two"


def enclosure() -> tuple[str, ...]:
    """The command that runs another in an enclosure."""
    mapped = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    return ("unshare", *mapped, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--")


def missing() -> str | None:
    """What this machine lacks for it; None: nothing."""
    lacking = {package for program, package in PROGRAMS.items() if shutil.which(program, path=PATH) is None}
    if lacking:
        return f"these Debian packages: {', '.join(sorted(lacking))}"
    tried = subprocess.run(  # noqa: S603 (ours)
        [*enclosure(), "sh", "-c", TRY], capture_output=True, text=True, check=False, env=_environment()
    )
    if tried.returncode:
        said = tried.stderr.strip().splitlines()
        return f"network namespaces of one's own (root has them): {said[-1] if said else 'not permitted'}"
    return None


@contextlib.asynccontextmanager
async def enclosed(*command: str, complaints: BinaryIO | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command in an enclosure until the context ends, with pipes to its standard in and out.

    What it complains of goes to a file, or to a pipe as well.
    """
    process = await asyncio.create_subprocess_exec(
        *enclosure(),
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=complaints or asyncio.subprocess.PIPE,
        limit=LINE,
        env=_environment(),
        start_new_session=True,  # a Ctrl-C is ours to answer
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # and the kernel ends the rest
        await process.communicate()


def furnish() -> None:
    """In the enclosure, first of all: a /run of its own with room for files, and the lab's resolver for everybody."""
    resolv = Path("/etc/resolv.conf")
    real = resolv.resolve()
    _mount("-t", "tmpfs", "tmpfs", "/run")
    (WORK / "etc").mkdir(parents=True)
    for path, text in (
        (real, f"nameserver {RESOLVER}\n"),
        (Path("/etc/hosts").resolve(), "127.0.0.1 localhost\n"),
    ):
        ours = WORK / "etc" / path.name
        ours.write_text(text)
        if not path.exists() and path.is_relative_to("/run"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        _mount("--bind", str(ours), str(path))


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode:
        raise OSError(f"mount: {done.stderr.strip()}")


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": PATH, "PYTHONUNBUFFERED": "1"}
