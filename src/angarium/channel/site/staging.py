"""A site's folder, and in it, out of the way, what is to come: nothing changes for readers until all of it is there.

What is laid lies under `.incoming`, by the name it will have, and is put into its place by a renaming, which a reader
sees as done or not done. Knows of no ledger, so that several processes can lay files of one site.
"""

import hashlib
import os
import shutil
from pathlib import Path
from typing import NamedTuple

__all__ = ["INCOMING", "Laid", "Staging"]

INCOMING = ".incoming"
PIECE = 1 << 20


class Laid(NamedTuple):
    """A file as it is to be, and whether it lies beside its place or is in it already."""

    path: str
    digest: bytes
    """SHA-256."""
    size: int
    """Octets."""
    staged: bool


class Staging:
    """The folder of one site. All of its methods raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._incoming = f"{folder}/{INCOMING}"
        self._made: set[str] = set()

    def lay(self, path: str, content: bytes) -> Laid:
        """Lay a file, unless it is in its place as it is."""
        digest, size = hashlib.sha256(content).digest(), len(content)
        if self._size(self.place(path)) == size and self.digest(self.place(path)) == digest:
            return Laid(path, digest, size, staged=False)
        with open(self._draft(path), "wb", buffering=0) as file:
            left = memoryview(content)
            while left:
                left = left[file.write(left) :]
        return Laid(path, digest, size, staged=True)

    def lay_file(self, path: str, source: Path) -> Laid:
        """Lay a copy of a file, unless it is in its place."""
        with source.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if self._size(self.place(path)) == size:
                digest = hashlib.file_digest(file, "sha256").digest()
                if self.digest(self.place(path)) == digest:
                    return Laid(path, digest, size, staged=False)
                file.seek(0)
            found, size = hashlib.sha256(), 0
            with open(self._draft(path), "wb") as draft:
                while piece := file.read(PIECE):
                    found.update(piece)
                    draft.write(piece)
                    size += len(piece)
        return Laid(path, found.digest(), size, staged=True)

    def place(self, path: str) -> str:
        """Where a file is in the site."""
        return f"{self._folder}/{path}"

    def draft(self, path: str) -> str:
        """Where it lies before."""
        return f"{self._incoming}/{path}"

    def there(self, path: str, size: int, *, staged: bool) -> bool:
        """Whether there is a file of that size, beside its place or in it."""
        return self._size(self.draft(path) if staged else self.place(path)) == size

    def put(self, path: str) -> None:
        """Put what was laid into its place."""
        place = self.place(path)
        self._make(place)
        os.replace(self.draft(path), place)

    def remove(self, path: str) -> None:
        """Take a file out of the site."""
        Path(self.place(path)).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove what was laid and is not wanted."""
        if os.path.isdir(self._incoming):
            shutil.rmtree(self._incoming)
        self._made.clear()

    @staticmethod
    def digest(place: str) -> bytes:
        """SHA-256 of a file; empty: there is none."""
        try:
            with open(place, "rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except OSError:
            return b""

    def _draft(self, path: str) -> str:
        draft = self.draft(path)
        self._make(draft)
        return draft

    def _make(self, place: str) -> None:
        above = place.rpartition("/")[0]
        if above not in self._made:
            os.makedirs(above, exist_ok=True)
            self._made.add(above)

    @staticmethod
    def _size(place: str) -> int:
        try:
            return os.stat(place).st_size
        except OSError:
            return -1
