"""Files that posts bring along: found in the export, told by their octets, stripped of what they do not show, kept.

A picture that cannot be stripped is left out, since it may say where it was taken; so is one that is none. Anything
else that is not what it was sent as becomes a file to be handed on, of a type no browser runs.
"""

import hashlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from msgspec import Struct

from angarium.channel.filetype import HEAD, filetype
from angarium.channel.intake.source import Missing, Source
from angarium.channel.media import Media
from angarium.channel.post import Medium, MediumKind
from angarium.channel.stripping import STRIPPED, BadPicture, strip
from angarium.channel.words import line

__all__ = ["Attachments", "Left"]

READ = 1 << 20
MOST_PICTURE = 32 << 20
"""Octets of a picture, which is held in memory while it is stripped."""
MOST_SECONDS = 1_000_000
UNSTRIPPED = frozenset({"image/heic", "image/avif", "image/tiff", "image/jxl"})
"""Pictures that may say where they were taken, and which nobody here can strip."""
SHOWN = {
    MediumKind.PHOTO: frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"}),
    MediumKind.STICKER: frozenset({"image/webp", "image/png", "video/webm"}),
    MediumKind.VIDEO: frozenset({"video/mp4", "video/webm", "video/quicktime"}),
    MediumKind.ANIMATION: frozenset({"video/mp4", "video/webm", "image/gif"}),
    MediumKind.VOICE: frozenset({"audio/ogg", "audio/mpeg", "audio/mp4", "video/mp4"}),
    MediumKind.AUDIO: frozenset(
        {"audio/ogg", "audio/mpeg", "audio/mp4", "video/mp4", "audio/flac", "audio/wav", "audio/amr"}
    ),
}
"""What may be shown or played as such."""


class Left(Struct):
    """How many files did not come along, and why."""

    missing: int = 0
    """Not in the export."""
    damaged: int = 0
    """Pictures that are cut short, or none at all."""
    unstripped: int = 0
    """Pictures of formats whose position and camera cannot be taken out here."""
    large: int = 0
    """Larger than was asked for."""


class Attachments:
    """Takes files out of an export.

    Args:
        source: the export.
        media: where they are kept.
        most: octets of the largest that is.
    """

    def __init__(self, source: Source, media: Media, *, most: int) -> None:
        self._source, self._media, self._most = source, media, most
        self.left = Left()
        self.fresh: list[str] = []
        """Digests of what was not there before."""

    def take(
        self,
        path: str,
        kind: MediumKind,
        *,
        name: str = "",
        size: tuple[int, int] = (0, 0),
        seconds: int = 0,
        spoiler: bool = False,
    ) -> Medium | None:
        """Keep a file. None: it does not come along, which was counted. Raises Refused if the path is a trick."""
        try:
            file = self._source.open(path)
        except Missing:
            self.left.missing += 1
            return None
        with file:
            head = file.read(HEAD)
            type_ = filetype(head)
            if type_ in UNSTRIPPED:
                self.left.unstripped += 1
                return None
            if type_ in STRIPPED:
                found = self._picture(file, head, type_)
            elif kind is MediumKind.PHOTO:
                self.left.damaged += 1
                return None
            else:
                found = self._file(path, size)
        if found is None:
            return None
        digest, octets, (width, height) = found
        return Medium(
            digest=digest,
            kind=kind if type_ in SHOWN.get(kind, ()) else MediumKind.FILE,
            type=type_,
            size=octets,
            name=_name(name or path),
            width=max(width, 0),
            height=max(height, 0),
            seconds=min(max(seconds, 0), MOST_SECONDS),
            spoiler=spoiler,
        )

    def _picture(self, file: BinaryIO, head: bytes, type_: str) -> tuple[str, int, tuple[int, int]] | None:
        octets = head + file.read(min(MOST_PICTURE, self._most) + 1 - len(head))
        if len(octets) > min(MOST_PICTURE, self._most):
            self.left.large += 1
            return None
        try:
            picture = strip(octets, type_)
        except BadPicture:
            self.left.damaged += 1
            return None
        digest = hashlib.sha256(picture.octets).hexdigest()
        if digest not in self._media:
            self._media.keep([picture.octets], most=len(picture.octets))
            self.fresh.append(digest)
        return digest, len(picture.octets), (picture.width, picture.height)

    def _file(self, path: str, size: tuple[int, int]) -> tuple[str, int, tuple[int, int]] | None:
        """Read twice, so that one that is there already is not written again."""
        found, length = hashlib.sha256(), 0
        for octets in self._read(path):
            length += len(octets)
            if length > self._most:
                self.left.large += 1
                return None
            found.update(octets)
        digest = found.hexdigest()
        if digest not in self._media:
            digest, length = self._media.keep(self._read(path), most=self._most)
            self.fresh.append(digest)
        return digest, length, size

    def _read(self, path: str) -> Iterator[bytes]:
        with self._source.open(path) as file:
            while octets := file.read(READ):
                yield octets


def _name(path: str) -> str:
    """What a reader's copy is called."""
    return line(PurePosixPath(path.replace("\\", "/")).name, 120).lstrip(".")
