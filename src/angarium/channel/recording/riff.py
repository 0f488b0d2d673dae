"""WAV and AVI: chunks, of which those that a player needs stay, and all others become junk.

Junk is the name these files have for empty room. Lists are entered where they hold what stays. Subtitles of an AVI
go, and so do notes of broadcasters (`bext`, `iXML`), ID3 and XMP.

Multimedia Programming Interface and Data Specifications 1.0 (RIFF), OpenDML AVI 1.02.
"""

import re
import struct
from collections.abc import Iterator

from angarium.channel.recording.octets import BadRecording, Octets

__all__ = ["riff"]

FORMS = frozenset({b"WAVE", b"AVI ", b"AVIX"})
LISTS = frozenset({b"hdrl", b"strl", b"odml", b"movi", b"rec "})
STAYS = re.compile(rb"fmt |fact|data|cue |avih|strh|strf|vprp|indx|dmlh|idx1|ix[0-9]{2}|[0-9]{2}(?:db|dc|wb|pc)")
ENDLESS = 0xFFFFFFFF
"""What stands for the length in what was written as it came."""


def riff(octets: Octets) -> Iterator[bytes]:
    """The chunks. Raises BadRecording."""
    end, shown = 0, False
    while len(head := octets.peek(12)) >= 8:
        if head.startswith(b"RIFF"):
            if head[8:] not in FORMS:
                raise BadRecording("neither WAV nor AVI")
            end = octets.at + 8 + int.from_bytes(head[4:8], "little")
            yield octets.take(12)
        elif shown and octets.at >= end:
            return  # what follows is no part of it
        elif head.startswith(b"LIST") and head[8:] in LISTS:
            shown = shown or head[8:] == b"movi"
            yield octets.take(12)
        else:
            shown = shown or head.startswith(b"data")
            yield from _chunk(octets)
    if not shown:
        raise BadRecording("nothing in it is seen or heard")


def _chunk(octets: Octets) -> Iterator[bytes]:
    name, size = struct.unpack("<4sI", octets.peek(8))
    stays = STAYS.fullmatch(name)
    head = octets.take(8)
    yield head if stays else b"JUNK" + head[4:]
    if size == ENDLESS and name == b"data":
        yield from octets.rest()
        return
    for piece in octets.copy(size):
        yield piece if stays else bytes(len(piece))
    if size & 1 and octets.peek(1):
        octets.take(1)
        yield b"\0"
