"""Who may write, among the processes that share one database.

SQLite lets one write at a time, and who finds it held asks again after pauses that grow to a tenth of a second. Where
two processes write all the time, most of it would go by in these pauses. So they agree beforehand: who waits is woken
by the kernel at once, and nobody is passed over twice.

Two record locks (fcntl(2)) on the file by which the directory is held: whoever has the byte `WRITING` writes, and
whoever has the byte `NEXT` is the next one; all others wait for that. Who would take the lock without waiting is told
no while somebody is next. Both are the kernel's: a process that dies has let go of them.

The file's first byte says that the log has lost its head (`store.sqlite.wal`): then whoever comes next cuts the log
before anything is written.
"""

import fcntl
import os
import threading
from typing import Protocol

__all__ = ["Alone", "Shared", "WriteLock"]

NEXT, WRITING = 1, 2
"""Bytes of the file that are locked; nothing need be there."""


class WriteLock(Protocol):
    """The right to write."""

    headless: bool
    """The log has lost its head, so that nothing may be written before it is cut. Belongs to who holds the lock."""

    @property
    def shared(self) -> bool:
        """Whether other processes write too."""

    def acquire(self, *, wait: bool) -> bool:
        """Take it, from any thread; return whether it was to be had. Waits for as long as it takes, or not at all.

        Raises:
            OSError: the system has no more locks; not without waiting.
        """

    def release(self) -> None:
        """Let the next one have it."""


class Alone:
    """One process writes: there is nothing to agree upon."""

    shared = False

    def __init__(self) -> None:
        self.headless = False

    def acquire(self, *, wait: bool) -> bool:
        """See `WriteLock.acquire`."""
        return True

    def release(self) -> None:
        """See `WriteLock.release`."""


class Shared:
    """See the file's head."""

    shared = True

    def __init__(self, descriptor: int) -> None:
        """`descriptor`: of the file, open for reading and writing; each process may have it by inheritance."""
        self._file = descriptor
        self._mine = threading.Lock()  # the kernel's locks are the process's: its threads it lets in together

    @property
    def headless(self) -> bool:
        """See `WriteLock.headless`."""
        return os.pread(self._file, 1, 0) == b"\1"

    @headless.setter
    def headless(self, headless: bool) -> None:
        os.pwrite(self._file, b"\1" if headless else b"\0", 0)

    def acquire(self, *, wait: bool) -> bool:
        """See `WriteLock.acquire`."""
        if not self._mine.acquire(blocking=wait):
            return False
        try:
            if self._locked(NEXT, wait=wait):
                try:
                    if self._locked(WRITING, wait=wait):
                        return True
                finally:
                    self._unlock(NEXT)
        except BaseException:
            self._mine.release()
            raise
        self._mine.release()
        return False

    def release(self) -> None:
        """See `WriteLock.release`."""
        self._unlock(WRITING)
        self._mine.release()

    def _locked(self, byte: int, *, wait: bool) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, byte)
        except OSError:  # nearly always: somebody has it
            if wait:
                raise
            return False
        return True

    def _unlock(self, byte: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)
