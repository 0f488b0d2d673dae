"""Whether a process is still there: one that sleeps for as many seconds as nobody else does."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["asleep"]


def asleep(seconds: str) -> bool:
    """Whether anybody sleeps so long."""
    return f"sleep\0{seconds}\0".encode() in set(_commands())


def _commands() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            yield path.read_bytes()
