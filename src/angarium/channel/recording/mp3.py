"""MP3, and AAC in frames: the frames stay, and all that is not one goes, before, between and behind them.

So do ID3 (both versions), APE and Lyrics3, with positions, dates and pictures of covers in them. What an encoder says
in the first frame about how it went (Xing, LAME) stays, since players need it to find their way.

ISO/IEC 11172-3 and 13818-3 (frames), 13818-7 (ADTS), ID3v2.4.0.
"""

from collections.abc import Iterator

from angarium.channel.recording.octets import PIECE, BadRecording, Octets

__all__ = ["mp3"]

FIRST = (
    *((), (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448)),
    *((0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),),
    *((0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),),
)
"""Thousands of bits a second by layer and index, of MPEG 1."""
LATER = (
    *((), (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256)),
    *((0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),) * 2,
)
"""The same of MPEG 2 and 2.5."""
SAMPLING = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Samples a second, by the bits that say which MPEG it is."""
ID3V1 = 128


def mp3(octets: Octets) -> Iterator[bytes]:
    """The frames. Raises BadRecording."""
    frames, follows = 0, False
    while head := octets.peek(10):
        if head.startswith(b"ID3") and len(head) == 10:
            _drop(octets, 10 + _synchsafe(head) + (10 if head[5] & 0x10 else 0))
            continue
        length = _length(head)
        frame = octets.peek(length + 4) if length else b""
        next_is_one = bool(length) and len(frame) == length + 4 and bool(_length(frame[length:]))
        if length and len(frame) >= length and (next_is_one or follows or len(frame) == length):
            if not next_is_one and _overlaps_a_tag(octets, length):
                break
            yield octets.take(length)
            frames, follows = frames + 1, True
        else:
            held = octets.peek(PIECE)
            found = held.find(b"\xff", 1)
            found = min(found if found > 0 else len(held), _tag(held))
            octets.take(found)
            follows = False
    if not frames:
        raise BadRecording("no sound in it")


def _length(head: bytes) -> int:
    """Octets of the frame with this header; 0: it is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    if layer == 4:
        size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5 if len(head) > 5 and head[1] & 0xF0 == 0xF0 else 0
        return size if size >= 7 else 0
    index, rate = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or rate == 3 or index in (0, 15):
        return 0
    bits = (FIRST if version == 3 else LATER)[layer][index] * 1000
    samples, padding = SAMPLING[version][rate], head[2] >> 1 & 1
    if layer == 1:
        return (12 * bits // samples + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // samples + padding


def _overlaps_a_tag(octets: Octets, length: int) -> bool:
    """Whether the file ends with a tag that begins within the frame that comes: then that is none, or cut short."""
    rest = octets.peek(length + ID3V1)
    return len(rest) < length + ID3V1 and rest[-ID3V1:].startswith(b"TAG")


def _tag(held: bytes) -> int:
    """Where a tag begins whose length is to be read there."""
    found = held.find(b"ID3", 1)
    return found if found > 0 else len(held)


def _synchsafe(head: bytes) -> int:
    return head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]


def _drop(octets: Octets, count: int) -> None:
    """Leave out so many octets, or those there are."""
    while count > 0 and (piece := octets.peek(min(count, PIECE))):
        octets.take(len(piece))
        count -= len(piece)
