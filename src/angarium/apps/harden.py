"""What the system can do so that the keys in memory never reach a disk: no core dumps, no swapping, no looking in.

Linux; elsewhere, and where it is not permitted, less holds. Nothing here ever keeps a relay from starting:
`angarium status` says what holds.

Memory that is locked goes back to the system only by whole mappings: it refuses single pages (madvise(2), EINVAL). So
large blocks get mappings of their own, or what a few files of some megabytes took would stay for as long as the relay.
"""

import ctypes
import resource
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

__all__ = ["Hardened", "harden"]

PR_SET_DUMPABLE, PR_GET_DUMPABLE = 4, 3
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
CAP_IPC_LOCK = 14
M_MMAP_THRESHOLD = -3
LARGE = 512 << 10
"""Bytes from which on a block has a mapping of its own. Set once, so that the allocator does not raise it by itself to
the largest block that was ever freed (mallopt(3)); above the buffers that come and go with every message."""


class Hardened(Struct, frozen=True):
    """What holds for this process. Each is what the system answered, not what was asked of it."""

    no_core_dumps: bool = False
    """It never writes its memory to a file when it crashes."""
    not_traceable: bool = False
    """Other processes of the same user cannot read its memory."""
    memory_locked: bool = False
    """No page of it is ever written to swap; needs the right to lock memory (`LimitMEMLOCK=infinity`)."""
    no_swap: bool = False
    """The machine has no swap now, so that nothing can be written there."""


def harden() -> Hardened:
    """Ask for all of it; return what was to be had. Never fails."""
    _return_large_blocks()
    return Hardened(_no_core_dumps(), _not_traceable(), _memory_locked(), _no_swap())


def _return_large_blocks() -> None:
    with suppress(OSError, AttributeError):  # another allocator than glibc's
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE)


def _no_core_dumps() -> bool:
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return resource.getrlimit(resource.RLIMIT_CORE)[0] == 0


def _not_traceable() -> bool:
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        return bool(libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0)
    return False


def _memory_locked() -> bool:
    """Lock what there is and what comes, as it is touched. Only without a limit: at one, later memory would fail."""
    with suppress(OSError, ValueError, AttributeError):
        if not _may_lock():
            return False
        libc = ctypes.CDLL(None, use_errno=True)
        return bool(libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
    return False


def _may_lock() -> bool:
    """Whether this process may lock as much as it likes (mlock(2), CAP_IPC_LOCK in capabilities(7))."""
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        return True
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> CAP_IPC_LOCK & 1)
    return False


def _no_swap() -> bool:
    with suppress(OSError):
        return len(Path("/proc/swaps").read_text().splitlines()) <= 1
    return False
