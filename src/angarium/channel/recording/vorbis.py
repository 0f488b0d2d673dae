"""The packet of comments that Vorbis, Theora, Opus, Speex and FLAC have, empty and as long as it was.

Vorbis I, section 5; RFC 7845, section 5.2. What follows the comments in it is left unread by decoders.
"""

from angarium.channel.recording.octets import BadRecording

__all__ = ["COMMENTS", "empty_comments"]

VENDOR_AND_COUNT = bytes(8)
COMMENTS = {
    b"OpusHead": b"OpusTags" + VENDOR_AND_COUNT,
    b"\x01vorbis": b"\x03vorbis" + VENDOR_AND_COUNT + b"\1",
    b"\x80theora": b"\x81theora" + VENDOR_AND_COUNT,
    b"Speex   ": VENDOR_AND_COUNT,
}
"""How the packet of comments begins that says nothing, by how the packet before it does."""
MAGIC = 7
"""Octets by which a packet of comments is known, where it is."""


def empty_comments(first: bytes, packet: bytes) -> bytes:
    """A packet of comments without them. `first`: the packet before it. Raises BadRecording."""
    empty = next((empty for magic, empty in COMMENTS.items() if first.startswith(magic)), None)
    if empty is None or len(packet) < len(empty) or (empty[0] and packet[:MAGIC] != empty[:MAGIC]):
        raise BadRecording("no comments where they must stand")
    return empty + bytes(len(packet) - len(empty))
