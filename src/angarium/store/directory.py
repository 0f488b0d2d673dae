"""The data directory: one relay at a time, and nobody else on the machine may look inside.

Where a relay is several processes, they hold it together: the lock belongs to the open file, which the others inherit,
and ends with the last of them.
"""

import fcntl
import os
from pathlib import Path

from angarium.store.interfaces import StoreError, StoreFull

__all__ = ["DirectoryInUse", "Hold"]


class DirectoryInUse(StoreError):
    """Another relay runs on this data directory."""


class Hold:
    """Holds a data directory for this process, from creation to `release`, or until the process ends."""

    def __init__(self, directory: Path, inherited: int | None = None) -> None:
        """Make the directory if need be, and take it; or go on with the descriptor of a process that has.

        Raises:
            DirectoryInUse: see there.
            StoreFull: it cannot be made or written.
        """
        self._directory = directory
        self.first = inherited is None
        """Whether this process took it."""
        if inherited is not None:
            self._lock = inherited
            return
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(error) from error
        self._lock = self._open("store.lock")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise DirectoryInUse("another relay is running on this data directory") from error

    @property
    def descriptor(self) -> int:
        """What a process has to inherit to hold it too."""
        return self._lock

    def create(self, name: str) -> None:
        """Make a file that only this user may read, unless it is there. Raises StoreFull."""
        os.close(self._open(name))

    def release(self) -> None:
        """Let another relay have it; releasing twice does no harm."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _open(self, name: str) -> int:
        try:
            return os.open(self._directory / name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unwritable(error) from error


def _unwritable(error: OSError) -> StoreFull:
    return StoreFull(f"the data directory cannot be written ({error.strerror})")
