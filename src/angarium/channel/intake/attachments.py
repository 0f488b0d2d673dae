"""Files that posts bring along: found in the export, told by their octets, stripped of what they do not show, kept.

A picture or a recording that cannot be stripped is left out, since it may say where it was taken; so is one that is
none. Anything else that is not what it was sent as becomes a file to be handed on, of a type no browser runs.
"""

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO

from msgspec import Struct

from angarium.channel.filetype import HEAD, filetype
from angarium.channel.intake.source import Missing, Source
from angarium.channel.media import Batch
from angarium.channel.post import Medium, MediumKind
from angarium.channel.recording.strip import RECORDED, BadRecording, strip_recording
from angarium.channel.stripping import MOST_PICTURE, STRIPPED, UNSTRIPPED, BadPicture, strip
from angarium.channel.words import line

__all__ = ["Attachments", "Left"]

READ = 1 << 20
MOST_SECONDS = 1_000_000
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
    """Not in the export; of a feed, not to be had at their addresses."""
    damaged: int = 0
    """Pictures, videos and sound that are cut short, or none at all."""
    unstripped: int = 0
    """Pictures of formats whose position and camera cannot be taken out here."""
    large: int = 0
    """Larger than was asked for, or too many."""
    forbidden: int = 0
    """Pictures of a feed that lie where it may not send us."""


class Attachments:
    """Takes files out of an export.

    Args:
        source: the export.
        media: where they are kept.
        most: octets of the largest that is.
    """

    def __init__(self, source: Source, media: Batch, *, most: int) -> None:
        self._source, self._media, self._most = source, media, most
        self.left = Left()

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
                found = self._file(path, type_, size)
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
        return digest, len(picture.octets), (picture.width, picture.height)

    def _file(self, path: str, type_: str, size: tuple[int, int]) -> tuple[str, int, tuple[int, int]] | None:
        """Read twice, so that one that is there already is not written again."""
        found, length = hashlib.sha256(), 0
        try:
            for octets in self._read(path, type_):
                length += len(octets)
                if length > self._most:
                    self.left.large += 1
                    return None
                found.update(octets)
        except BadRecording:
            self.left.damaged += 1
            return None
        digest = found.hexdigest()
        if digest not in self._media:
            digest, length = self._media.keep(self._read(path, type_), most=self._most)
        return digest, length, size

    def _read(self, path: str, type_: str) -> Iterator[bytes]:
        """A file; a recording without what it does not show."""
        if type_ in RECORDED:
            yield from strip_recording(partial(self._source.open, path), type_)
            return
        with self._source.open(path) as file:
            while octets := file.read(READ):
                yield octets


def _name(path: str) -> str:
    """What a reader's copy is called."""
    return line(PurePosixPath(path.replace("\\", "/")).name, 120).lstrip(".")
