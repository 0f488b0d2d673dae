"""Videos and sound without what they say of who made them, where, when and with what; what is seen and heard stays.

Pure: octets in, octets out, as they come, in little memory. What may stay is listed, all else goes: positions, names,
dates, cameras, programs, covers, chapters, subtitles (drones write positions into them), tracks that are neither seen
nor heard, and what lies between the samples of those that are. It is overwritten with zeros, or becomes what the format
has for empty room, so that everything stays where it was; only of MP3 the frames alone are left.

What an encoder has written into the pictures and the sound themselves is not looked at.
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import BinaryIO

from angarium.channel.recording.flac import flac
from angarium.channel.recording.matroska import matroska
from angarium.channel.recording.mp3 import mp3
from angarium.channel.recording.mp4 import mp4, survey
from angarium.channel.recording.octets import BadRecording, Octets
from angarium.channel.recording.ogg import ogg
from angarium.channel.recording.riff import riff

__all__ = ["RECORDED", "BadRecording", "strip_recording"]

Opened = Callable[[], BinaryIO]


def strip_recording(opened: Opened, type_: str) -> Iterator[bytes]:
    """A recording, in pieces, that says nothing but what is seen and heard.

    Args:
        opened: opens the file, at its start; it may be opened twice.
        type_: one of `RECORDED`.

    Raises:
        BadRecording: it is cut short or malformed, or cannot be stripped.
    """
    try:
        yield from STRIPPERS[type_](opened)
    except (struct.error, IndexError, ValueError):
        raise BadRecording("malformed") from None


def _once(strip: Callable[[Octets], Iterator[bytes]]) -> Callable[[Opened], Iterator[bytes]]:
    def stripped(opened: Opened) -> Iterator[bytes]:
        with closing(opened()) as file:
            yield from strip(Octets(file))

    return stripped


def _mp4(opened: Opened) -> Iterator[bytes]:
    """Twice, since what is seen and heard may stand before the table that says where."""
    with closing(opened()) as file:
        plan = survey(Octets(file))
    with closing(opened()) as file:
        yield from mp4(Octets(file), plan)


STRIPPERS: dict[str, Callable[[Opened], Iterator[bytes]]] = {
    **dict.fromkeys(("video/mp4", "audio/mp4", "video/quicktime"), _mp4),
    **dict.fromkeys(("video/webm", "video/x-matroska"), _once(matroska)),
    **dict.fromkeys(("audio/ogg", "video/ogg"), _once(ogg)),
    **dict.fromkeys(("audio/wav", "video/x-msvideo"), _once(riff)),
    "audio/mpeg": _once(mp3),
    "audio/flac": _once(flac),
}
RECORDED = frozenset(STRIPPERS)
"""Types that `strip_recording` takes."""
