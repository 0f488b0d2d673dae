"""Ogg: pages of several streams, of which those that are seen or heard stay, with empty comments.

Pages of comments have their checksum counted anew; all others are as they were. What lies between pages goes, and so
do streams that say something about others (Skeleton, subtitles).

RFC 3533 (pages), RFC 7845 (Opus), RFC 9639 section 10.1 (FLAC).
"""

import struct
import zlib
from collections.abc import Iterator

from angarium.channel.recording.octets import PIECE, BadRecording, Octets
from angarium.channel.recording.vorbis import COMMENTS, MAGIC

__all__ = ["ogg"]

FIRST = 2
"""Flag of the page that begins a stream."""
FLAC = b"\x7fFLAC"
FLAC_COMMENTS, FLAC_PADDING, FLAC_LAST = 4, 1, 0x80


def ogg(octets: Octets) -> Iterator[bytes]:
    """The pages. Raises BadRecording."""
    streams: dict[bytes, _Stream] = {}
    while head := octets.peek(27):
        if not head.startswith(b"OggS"):
            held = octets.peek(PIECE)
            found = held.find(b"OggS", 1)
            octets.take(found if found > 0 else max(len(held) - 3, 1))
            continue
        if len(head) < 27:
            raise BadRecording("cut short")
        head = octets.take(27)
        lacing = octets.take(head[26])
        body = octets.take(sum(lacing))
        serial = head[14:18]
        if head[5] & FIRST:
            streams.pop(serial, None)
            if body.startswith((*COMMENTS, FLAC)):
                streams[serial] = _Stream(body)
        if (stream := streams.get(serial)) is not None:
            written = stream.written(lacing, body)
            yield head + lacing + body if written == body else _summed(head, lacing, written)
    if not streams:
        raise BadRecording("nothing in it is seen or heard")


class _Stream:
    """How far the packets of a stream have come."""

    def __init__(self, first: bytes) -> None:
        self._flac = first.startswith(FLAC)
        self._empty = next((empty for magic, empty in COMMENTS.items() if first.startswith(magic)), b"")
        self._packet, self._within = 0, 0
        """Which packet is read, and how much of it was."""
        self._done = False

    def written(self, lacing: bytes, body: bytes) -> bytes:
        """A page's packets, without what they say."""
        if self._done:
            return body
        out, at = [], 0
        for length in lacing:
            out.append(self._segment(body[at : at + length]))
            at += length
            self._within += length
            if length < 255:
                self._end()
        return b"".join(out)

    def _segment(self, octets: bytes) -> bytes:
        if self._packet == 0 or self._done:
            return octets
        if self._flac:
            if self._within == 0:
                if len(octets) < 4:
                    raise BadRecording("a block that is cut short")
                kind = FLAC_COMMENTS if octets[0] & ~FLAC_LAST == FLAC_COMMENTS else FLAC_PADDING
                self._empty = bytes([octets[0] & FLAC_LAST | kind]) + octets[1:4]
        elif self._within == 0 and self._empty[0] and octets[:MAGIC] != self._empty[:MAGIC]:
            raise BadRecording("no comments where they must stand")
        begin = self._empty[self._within : self._within + len(octets)]
        return begin + bytes(len(octets) - len(begin))

    def _end(self) -> None:
        if self._packet and not self._done:
            if self._within < len(self._empty):
                raise BadRecording("comments that are cut short")
            self._done = bool(self._empty[0] & FLAC_LAST) if self._flac else True
        self._packet, self._within = self._packet + 1, 0


def _summed(head: bytes, lacing: bytes, body: bytes) -> bytes:
    """A page with its checksum."""
    page = head[:22] + bytes(4) + head[26:] + lacing + body
    register = zlib.crc32(page.translate(MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return page[:22] + struct.pack("<I", _mirrored(register, 32)) + page[26:]


def _mirrored(number: int, bits: int) -> int:
    return int(f"{number:0{bits}b}"[::-1], 2)


MIRRORED = bytes(_mirrored(octet, 8) for octet in range(256))
"""Octets with their bits the other way round: then the checksum is that of zlib, begun and ended with zero."""
