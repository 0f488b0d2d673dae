"""What a state of a site consists of, as its lists name it, and how much of it a copy takes at most.

A channel signs what it likes, so that something is signed is no reason to take it without end: files are counted and
weighed as they are named and fetched, before they are kept. Of each file that is wanted a few bits are remembered, of
each folder the name.
"""

import re
from collections import defaultdict
from dataclasses import dataclass

from angarium.channel.proof import LISTS, MANIFEST, Manifest, list_name
from angarium.channel.verification import Refused

__all__ = ["Limits", "Roll"]

DIGEST = re.compile("[0-9a-f]{64}")
OCTETS_EACH = 4
"""Of memory for a file that is wanted: with 32 bits, one in 32 is taken for another at most."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a copy takes at most."""

    octets: int = 20 << 30
    """Of all files together."""
    largest: int = 4 << 30
    """Octets of a file."""
    files: int = 1_000_000


class Roll:
    """The files of one state.

    Raises:
        Refused: the manifest announces more than may be taken.
    """

    def __init__(self, manifest: Manifest, limits: Limits) -> None:
        self._limits = limits
        self._files = manifest.files
        files = manifest.files + len(manifest.lists) + 2
        if files > limits.files:
            raise Refused(f"it has {files} files, and {limits.files} are taken at most. More: --files")
        self.largest = min(manifest.largest, limits.largest)
        """Octets of a file, at most."""
        self.folders: dict[str, set[str]] = defaultdict(set)
        """Names of folders, by the list that would name files in their places."""
        self.several: set[str] = set()
        """Digests that are wanted in more than one place; some few of them in one only."""
        self.new = 0
        """How many files are wanted, lists left out."""
        self._named = self._octets = 0
        self._wanted = bytearray(files * OCTETS_EACH)
        self._enter(LISTS.rstrip("/"))
        self._enter(MANIFEST.rpartition("/")[0])
        for line in manifest.lists:
            self._mark(line.digest)

    def name(self, path: str) -> None:
        """A file belongs to it. Raises Refused."""
        self._named += 1
        if self._named > self._files:
            raise Refused("the lists name more files than the manifest says")
        self._enter(path.rpartition("/")[0])

    def _enter(self, folder: str) -> None:
        while folder:
            above = folder.rpartition("/")[0]
            there = self.folders[list_name(above)]
            if folder in there:
                return
            there.add(folder)
            folder = above

    def weigh(self, octets: int) -> None:
        """A file, or a piece of one, has so many octets. Raises Refused."""
        self._octets += octets
        if self._octets > self._limits.octets:
            raise Refused(f"it has more than {self._limits.octets / (1 << 30):g} GiB. More: --total")

    def want(self, digest: str) -> None:
        """A file of this SHA-256 is to take a place where it is not known to be."""
        self.new += 1
        self._mark(digest)

    def _mark(self, digest: str) -> None:
        if self.wants(digest):
            self.several.add(digest)
        at, bit = self._bit(digest)
        self._wanted[at] |= bit

    def wants(self, digest: str) -> bool:
        """Whether one is wanted; seldom for one that is not as well, never the other way."""
        if not DIGEST.fullmatch(digest):
            return False
        at, bit = self._bit(digest)
        return bool(self._wanted[at] & bit)

    def _bit(self, digest: str) -> tuple[int, int]:
        at, bit = divmod(int(digest[:16], 16) % (len(self._wanted) * 8), 8)
        return at, 1 << bit

    def close(self) -> None:
        """All have been named. Raises Refused."""
        if self._named != self._files:
            raise Refused("the lists do not name as many files as the manifest says")
