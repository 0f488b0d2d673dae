"""What is attached to posts, on disk: each file once, named by the SHA-256 of its octets.

A file is written beside its place and put there whole, so one that is there is complete. Files no post names any more
are removed by `sweep`, which also removes what a run that was cut short left behind.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Container, Iterable
from pathlib import Path

__all__ = ["Media", "TooLarge"]

UNFINISHED = ".part"


class TooLarge(Exception):
    """Something attached has more octets than may be kept."""


class Media:
    """A folder of media. Made if it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where the octets of a digest lie, if they are there."""
        return self._folder / digest[:2] / digest

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, str) and self.path(digest).is_file()

    def keep(self, pieces: Iterable[bytes], *, most: int) -> tuple[str, int]:
        """Keep octets that come in pieces.

        Returns:
            Their digest and how many they are.

        Raises:
            TooLarge: there are more than `most`; nothing is kept then.
        """
        found, size = hashlib.sha256(), 0
        part = self._folder / f"{secrets.token_hex(8)}{UNFINISHED}"
        try:
            with part.open("xb") as file:
                for piece in pieces:
                    size += len(piece)
                    if size > most:
                        raise TooLarge(f"more than {most} octets")
                    found.update(piece)
                    file.write(piece)
            digest = found.hexdigest()
            place = self.path(digest)
            place.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(part, place)
        finally:
            part.unlink(missing_ok=True)
        return digest, size

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
