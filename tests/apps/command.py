"""The command line in a process of its own."""

import asyncio
import os
import sys

__all__ = ["angarium"]


async def angarium(*words: str, typed: str = "") -> tuple[int, str, str]:
    """Run a command, with `typed` as its input; its exit status, what it said, what it complained of."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "angarium", *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "120"},
    )
    said, complained = await process.communicate(typed.encode())
    return process.returncode or 0, said.decode(), complained.decode()
