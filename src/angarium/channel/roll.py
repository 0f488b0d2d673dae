"""What a state of a site consists of, as its lists name it, and how much of it a copy takes at most.

A channel signs what it likes, so that something is signed is no reason to take it without end: files are counted and
weighed as they are named and fetched, before they are kept.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

from angarium.channel.proof import MANIFEST, SIGNATURE, Manifest

__all__ = ["Limits", "Refused", "Roll"]


class Refused(Exception):
    """What is there is not the channel's, or not as the channel left it, or more than may be taken; the text says what
    is wrong. Nothing of it was taken over."""


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
        self.files = manifest.files + len(manifest.lists) + 2
        if self.files > limits.files:
            raise Refused(f"it has {self.files} files, and {limits.files} are taken at most. More: --files")
        self.paths: set[str] = {MANIFEST, SIGNATURE}
        self.largest = min(manifest.largest, limits.largest)
        """Octets of a file, at most."""
        self._octets = 0
        for line in manifest.lists:
            self.name(line.path)

    def name(self, path: str) -> None:
        """A file belongs to it. Raises Refused."""
        if path in self.paths:
            raise Refused(f"{path} is named twice")
        if len(self.paths) == self.files:
            raise Refused("the lists name more files than the manifest says")
        self.paths.add(path)

    def weigh(self, octets: int) -> None:
        """A file, or a piece of one, has so many octets. Raises Refused."""
        self._octets += octets
        if self._octets > self._limits.octets:
            raise Refused(f"it has more than {self._limits.octets / (1 << 30):g} GiB. More: --total")

    def close(self) -> None:
        """All have been named. Raises Refused."""
        if len(self.paths) != self.files:
            raise Refused("the lists do not name as many files as the manifest says")
        for path in self.paths:
            for above in PurePosixPath(path).parents:
                if str(above) in self.paths:
                    raise Refused(f"{above} is named as a file and as a folder")
