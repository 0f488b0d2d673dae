"""Pictures without what they say of who took them, where, when and with what; every pixel stays as it was.

Pure: octets in, octets out. What may stay is listed, all else goes: EXIF with its position and its small copy of the
picture, XMP, IPTC, comments, what makers add, and whatever follows the end of the picture. Colour profiles stay, and so
does the way a JPEG is to be turned, as an EXIF record that says nothing else.

ITU-T T.81 (JPEG), Exif 2.32, Portable Network Graphics third edition, GIF89a, WebP container specification.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

__all__ = ["MOST_PICTURE", "STRIPPED", "UNSTRIPPED", "BadPicture", "Picture", "strip"]

MOST_PICTURE = 32 << 20
"""Octets of a picture, which is held in memory while it is stripped."""
MOST_PIXELS = 100_000_000
"""A picture of more is a trap for whoever opens it."""


class BadPicture(Exception):
    """The octets are no whole picture of that type, or one too large to open."""


class Picture(NamedTuple):
    """A picture that says nothing but what it shows."""

    octets: bytes
    width: int
    """Pixels, as a viewer shows it: after it was turned."""
    height: int


def strip(octets: bytes, type_: str) -> Picture:
    """Take out of a picture what it does not show. `type_`: one of `STRIPPED`.

    Raises:
        BadPicture: it is cut short or malformed, or nobody should open it.
    """
    try:
        picture = STRIPPERS[type_](octets)
    except (struct.error, IndexError, ValueError):
        raise BadPicture("malformed") from None
    if not 0 < picture.width * picture.height <= MOST_PIXELS:
        raise BadPicture(f"{picture.width} × {picture.height} pixels")
    return picture


# JPEG: markers, each a 0xFF and a code.
START, END, SCAN = 0xD8, 0xD9, 0xDA
FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF})
NEXT_MARKER = re.compile(rb"(?<!\xff)\xff++[^\x00\xd0-\xd7]")


def _jpeg(octets: bytes) -> Picture:
    out, at, size, turned = [b"\xff\xd8"], 2, (0, 0), 1
    while True:
        if octets[at] != 0xFF:
            raise BadPicture("no marker where one must stand")
        while octets[at] == 0xFF:
            at += 1
        code = octets[at]
        at += 1
        if code == END:
            out.append(b"\xff\xd9")
            break
        (length,) = struct.unpack_from(">H", octets, at)
        segment = octets[at + 2 : at + length]
        if length < 2 or len(segment) != length - 2:
            raise BadPicture("cut short")
        at += length
        if code in FRAMES:
            height, width = struct.unpack_from(">HH", segment, 1)
            size = (width, height)
        if code == 0xE1 and segment.startswith(b"Exif\0\0"):
            turned = _orientation(segment[6:])
        if code in FRAMES or code in TABLES or code == SCAN or _stays(code, segment):
            out.append(struct.pack(">BBH", 0xFF, code, length) + segment)
        if code == SCAN:
            found = NEXT_MARKER.search(octets, at)
            if found is None:
                raise BadPicture("cut short")
            out.append(octets[at : found.start()])
            at = found.start()
    if turned != 1:
        out.insert(2 if len(out) > 1 and out[1][1] == 0xE0 else 1, _turning(turned))
    width, height = size
    return Picture(b"".join(out), *((height, width) if turned > 4 else (width, height)))


def _stays(code: int, segment: bytes) -> bool:
    """Whether an application's segment is needed to show the picture: JFIF, colour profiles, Adobe's transform."""
    if code == 0xE0:
        return segment.startswith(b"JFIF\0") and len(segment) == 14 and segment[12:] == b"\0\0"
    return (code == 0xE2 and segment.startswith(b"ICC_PROFILE\0")) or (code == 0xEE and segment.startswith(b"Adobe"))


def _orientation(tiff: bytes) -> int:
    """The way a picture is to be turned, 1 to 8, as its EXIF says; 1 where that cannot be read."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for number in range(min(count, 100)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * number)
            if tag == 0x0112 and kind == 3:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def _turning(orientation: int) -> bytes:
    """An EXIF segment that says which way a picture is turned, and nothing else."""
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return b"\xff\xe1" + struct.pack(">H", 2 + 6 + len(tiff)) + b"Exif\0\0" + tiff


# PNG: chunks of a length, a name, data and a checksum.
CHUNKS = frozenset(
    {
        *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD"),
        *(b"hIST", b"pHYs", b"acTL", b"fcTL", b"fdAT"),
    }
)


def _png(octets: bytes) -> Picture:
    out, at, name = [octets[:8]], 8, b""
    width, height = struct.unpack_from(">II", octets, 16)
    if octets[12:16] != b"IHDR":
        raise BadPicture("no header where it must stand")
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", octets, at)
        chunk = octets[at : at + length + 12]
        if len(chunk) != length + 12 or zlib.crc32(chunk[4:-4]) != struct.unpack(">I", chunk[-4:])[0]:
            raise BadPicture("cut short or damaged")
        at += length + 12
        if name in CHUNKS:
            out.append(chunk)
    return Picture(b"".join(out), width, height)


# GIF: blocks, some of them extensions, whose data come in pieces of a length each.
LOOPING = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def _gif(octets: bytes) -> Picture:
    width, height, flags = struct.unpack_from("<HHB", octets, 6)
    at = 13 + _colours(flags)
    out = [octets[:at]]
    while (sign := octets[at]) != 0x3B:
        start = at
        if sign == 0x21:
            label, at = octets[at + 1], at + 2
            loops = label == 0xFF and octets[at + 1 : at + 12] in LOOPING
        elif sign == 0x2C:
            label, loops, at = 0, False, at + 10 + _colours(octets[at + 9]) + 1
        else:
            raise BadPicture("no block where one must stand")
        while length := octets[at]:
            at += length + 1
        at += 1
        if sign == 0x2C or label == 0xF9 or loops:
            out.append(octets[start:at])
    return Picture(b"".join([*out, b";"]), width, height)


def _colours(flags: int) -> int:
    """Octets of the colour table that these flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


# WebP: chunks of a name, a length and data, padded to an even length.
PARTS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
EXIF_AND_XMP = 0x08 | 0x04


def _webp(octets: bytes) -> Picture:
    (size,) = struct.unpack_from("<I", octets, 4)
    if size + 8 > len(octets) + (size & 1):
        raise BadPicture("cut short")
    out, width, height = [], 0, 0
    for name, data in _parts(octets[12 : size + 8]):
        kept = data
        if name == b"VP8X":
            kept = bytes([data[0] & ~EXIF_AND_XMP]) + data[1:]
            width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (4, 7))
        elif name == b"ANMF":
            kept = data[:16] + b"".join(_part(*each) for each in _parts(data[16:]) if each[0] in PARTS)
        elif not width and name == b"VP8L":
            (packed,) = struct.unpack_from("<I", data, 1)
            width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        elif not width and name == b"VP8 ":
            width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 6))
        if name in PARTS:
            out.append(_part(name, kept))
    body = b"WEBP" + b"".join(out)
    return Picture(b"RIFF" + struct.pack("<I", len(body)) + body, width, height)


def _parts(octets: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(octets):
        name, length = struct.unpack_from("<4sI", octets, at)
        data = octets[at + 8 : at + 8 + length]
        if len(data) != length:
            raise BadPicture("cut short")
        yield name, data
        at += 8 + length + (length & 1)


def _part(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)


STRIPPERS: dict[str, Callable[[bytes], Picture]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/gif": _gif,
    "image/webp": _webp,
}
STRIPPED = frozenset(STRIPPERS)
"""Types of pictures that `strip` takes."""
UNSTRIPPED = frozenset({"image/heic", "image/avif", "image/tiff", "image/jxl"})
"""Pictures that may say where they were taken, and which nobody here can strip."""
