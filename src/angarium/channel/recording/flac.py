"""FLAC: blocks of what is said about the sound, of which what a player needs stays, and then its frames.

RFC 9639.
"""

from collections.abc import Iterator

from angarium.channel.recording.octets import PIECE, BadRecording, Octets

__all__ = ["flac", "without_comments"]

STREAMINFO, PADDING, SEEKTABLE = 0, 1, 3
LAST = 0x80
ID3V1, APE = 128, 32
"""Octets of what may follow, and of the end of what else may."""


def flac(octets: Octets) -> Iterator[bytes]:
    """The file without comments, pictures and what programs add. Raises BadRecording."""
    if octets.peek(5)[4:] not in (b"\0", b"\x80"):
        raise BadRecording("it does not begin with what its sound is like")
    yield octets.take(4)
    last = False
    while not last:
        head = octets.take(4)
        last, length = bool(head[0] & LAST), int.from_bytes(head[1:], "big")
        if _stays(head[0]):
            yield head
            yield from octets.copy(length)
        else:
            yield _padding(head)
            for piece in octets.copy(length):
                yield bytes(len(piece))
    while len(octets.peek(PIECE)) > ID3V1 + APE:
        yield octets.take(min(PIECE, len(octets.peek(PIECE + ID3V1 + APE)) - ID3V1 - APE))
    tail = octets.take(len(octets.peek(PIECE)))
    if tail[-ID3V1:].startswith(b"TAG"):
        tail = tail[:-ID3V1]
    if tail[-APE:].startswith(b"APETAGEX"):
        raise BadRecording("tags behind the sound that cannot be told from it")
    yield tail


def without_comments(blocks: bytes) -> bytes:
    """The blocks alone, as other formats hold them. Raises BadRecording."""
    out, at = [], 0
    while at < len(blocks):
        head = blocks[at : at + 4]
        body = blocks[at + 4 : at + 4 + int.from_bytes(head[1:], "big")]
        if len(head) < 4 or len(body) < int.from_bytes(head[1:], "big"):
            raise BadRecording("cut short")
        out += [head, body] if _stays(head[0]) else [_padding(head), bytes(len(body))]
        at += 4 + len(body)
    return b"".join(out)


def _stays(sign: int) -> bool:
    return sign & ~LAST in (STREAMINFO, SEEKTABLE)


def _padding(head: bytes) -> bytes:
    return bytes([head[0] & LAST | PADDING]) + head[1:]
