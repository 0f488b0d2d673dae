"""What is attached to posts, on disk: each file once, named by the SHA-256 of its octets.

A file is written beside its place, flushed, and put there whole, so one that is there is complete, also after a power
cut: whoever names it afterwards names something that lasts. Many at once share one flush (`Batch`). Files no post names
any more are removed by `sweep`, which also removes what a run that was cut short left behind.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Container, Iterable
from pathlib import Path

from angarium.reach.files import make_directory, sync_directory

__all__ = ["Batch", "Media", "TooLarge"]

UNFINISHED, TOGETHER = ".part", "together-"
"""How names end of what is being written, and how they begin of what belongs to a batch."""


class TooLarge(Exception):
    """Something attached has more octets than may be kept."""


class Media:
    """A folder of media. Made if it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_directory(folder)

    def path(self, digest: str) -> Path:
        """Where the octets of a digest lie, if they are there."""
        return self._folder / digest[:2] / digest

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, str) and self.path(digest).is_file()

    def keep(self, pieces: Iterable[bytes], *, most: int) -> tuple[str, int]:
        """Keep octets that come in pieces, on the disk before this returns.

        Returns:
            Their digest and how many they are.

        Raises:
            TooLarge: there are more than `most`; nothing is kept then.
            OSError: the disk; nothing is kept then.
        """
        part = self._folder / f"{secrets.token_hex(8)}{UNFINISHED}"
        try:
            digest, size = _write(part, pieces, most, flush=True)
            place = self.path(digest)
            make_directory(place.parent)
            os.replace(part, place)
        finally:
            part.unlink(missing_ok=True)
        sync_directory(place.parent)
        return digest, size

    def batch(self) -> "Batch":
        """Files that are kept together, or not at all; what an earlier batch left behind is removed. One at a time."""
        for file in self._folder.glob(f"{TOGETHER}*"):
            file.unlink(missing_ok=True)
        return Batch(self, self._folder)

    def remove(self, digests: Iterable[str]) -> None:
        """Remove these files, as far as they are there."""
        for digest in digests:
            self.path(digest).unlink(missing_ok=True)

    def sweep(self, wanted: Container[str], *, older: float = 0.0) -> int:
        """Remove all files but those whose digests are wanted; return how many were removed.

        `older`: seconds for which a file stays in any case, as somebody may be about to name it.
        """
        removed, before = 0, time.time() - older
        for file in [*self._folder.glob(f"*{UNFINISHED}"), *self._folder.glob("??/*")]:
            if file.name not in wanted and (not older or file.stat().st_mtime < before):
                file.unlink(missing_ok=True)
                removed += 1
        return removed


class Batch:
    """Files that are kept together: beside their places until `settle`."""

    def __init__(self, media: Media, folder: Path) -> None:
        self._media, self._folder = media, folder
        self._waiting: dict[str, str] = {}
        """Digests, and the names that their files have until then."""
        self._placed: set[str] = set()

    def __contains__(self, digest: object) -> bool:
        return digest in self._waiting or digest in self._media

    def keep(self, pieces: Iterable[bytes], *, most: int) -> tuple[str, int]:
        """As `Media.keep`, but lasting only once it is settled."""
        part = self._folder / f"{TOGETHER}{secrets.token_hex(8)}{UNFINISHED}"
        try:
            digest, size = _write(part, pieces, most, flush=False)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        if digest in self:
            part.unlink()
        else:
            self._waiting[digest] = part.name
        return digest, size

    def settle(self) -> None:
        """Put all of them in their places, on the disk before this returns. Raises OSError."""
        if not self._waiting:
            return
        os.sync()  # one flush for thousands of files
        folders = {self._media.path(digest).parent for digest in self._waiting}
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        for digest, name in self._waiting.items():
            os.replace(self._folder / name, self._media.path(digest))
            self._placed.add(digest)
        self._waiting.clear()
        for folder in (*folders, self._folder):
            sync_directory(folder)

    def undo(self, named: Container[str]) -> None:
        """Remove what came with it, but for what somebody else has named meanwhile."""
        for name in self._waiting.values():
            (self._folder / name).unlink(missing_ok=True)
        self._media.remove(digest for digest in self._placed if digest not in named)


def _write(part: Path, pieces: Iterable[bytes], most: int, *, flush: bool) -> tuple[str, int]:
    found, size = hashlib.sha256(), 0
    with part.open("xb") as file:
        for piece in pieces:
            size += len(piece)
            if size > most:
                raise TooLarge(f"more than {most} octets")
            found.update(piece)
            file.write(piece)
        if flush:
            file.flush()
            os.fsync(file.fileno())
    return found.hexdigest(), size
