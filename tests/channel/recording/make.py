"""Recordings of a few octets, as cameras and programs write them: with a position, names, dates and a cover in them.

What is seen and heard in them is noise that can be told apart (`SEEN`, `HEARD`), so that a test sees whether it stayed.
"""

import io
import struct
import wave
import zlib

from angarium.channel.recording.ogg import _summed

__all__ = ["HEARD", "PLACE", "SECRETS", "SEEN", "avi", "film", "flac", "fragments", "mp3", "ogg", "wav", "webm"]

PLACE = b"+35.6892+051.3890/"
SECRETS = (b"35.6892", b"SecretCam", b"Jane Doe", b"a cover", b"2023-11-14")
NAMES = b"SecretCam of Jane Doe, 2023-11-14 at " + PLACE
WHEN = 3_782_844_800
SEEN = (b"first picture ...", b"second picture", b"third picture --")
HEARD = (b"first sound", b"second sound ~")


def u16(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}H", *numbers)


def u32(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def box(name: bytes, *inside: bytes, wide: bool = False) -> bytes:
    """A box; `wide`: with a length of 64 bits."""
    body = b"".join(inside)
    if wide:
        return struct.pack(">I4sQ", 1, name, len(body) + 16) + body
    return struct.pack(">I4s", len(body) + 8, name) + body


def full(name: bytes, *inside: bytes, flags: int = 0, version: int = 0) -> bytes:
    return box(name, bytes([version]), flags.to_bytes(3, "big"), *inside)


def told() -> bytes:
    """All the ways in which a film says where it was made."""
    keys = full(b"keys", u32(1), box(b"mdta", b"com.apple.quicktime.location.ISO6709"))
    values = box(b"ilst", struct.pack(">I4s", 0, bytes(4)), box(b"data", u32(1, 0), PLACE))
    loci = full(b"loci", u16(0x15C7), b"Jane Doe\0", bytes([0]), u32(0x00333D54, 0x0023B0A3, 0), b"earth\0")
    return box(
        b"udta",
        box(b"\xa9xyz", u16(len(PLACE), 0x15C7), PLACE),
        box(b"\xa9mak", u16(9, 0x15C7), b"SecretCam"),
        loci,
        full(b"meta", full(b"hdlr", bytes(4), b"mdta", bytes(12)), keys, values),
        bytes(4),
    ) + box(b"meta", box(b"hdlr", bytes(8), b"mdta", bytes(12)), keys, values)


def sight() -> bytes:
    """How pictures are made, by an encoder that gives its name."""
    name = b"SecretCam AVC".ljust(31)
    head = bytes(6) + u16(1, 0, 0) + b"Jane" + bytes(8) + u16(320, 240) + u32(0x480000, 0x480000, 0) + u16(1)
    colours = box(b"colr", b"nclx", u16(1, 1, 1), b"\0")
    return box(
        b"avc1", head, bytes([13]), name, u16(24, 0xFFFF), box(b"avcC", b"\1\x42\0\x1e"), colours, box(b"name", NAMES)
    )


def sound(size: int = 0) -> bytes:
    """How sound is made; `size`: of a QuickTime frame, where there is one."""
    head = bytes(6) + u16(1, 1 if size else 0, 0) + b"Jane" + u16(2, 16, 0, 0) + u32(44100 << 16)
    more = u32(1, size // 2, size, 2) if size else b""
    return box(b"sowt" if size else b"mp4a", head, more, full(b"esds", b"\3\x19\0\1\0"))


def track(
    number: int, handler: bytes, entry: bytes, chunks: list[tuple[int, list[int]]], *, how: str = "", uniform: int = 0
) -> bytes:
    """A track; its chunks are where they lie, and the sizes of their samples."""
    sizes = [size for _, sizes in chunks for size in sizes]
    starts = [start for start, _ in chunks]
    if uniform:
        table = full(b"stsz", u32(uniform, sum(sizes) // uniform))
    elif how == "compact":
        table = full(b"stz2", bytes(3), b"\x10", u32(len(sizes)), u16(*sizes))
    else:
        table = full(b"stsz", u32(0, len(sizes), *sizes))
    where = full(b"stco", u32(len(starts), *starts))
    if how == "wide":
        where = full(b"co64", u32(len(starts)), struct.pack(f">{len(starts)}Q", *starts))
    runs = b"".join(u32(at, len(sizes), 1) for at, (_, sizes) in enumerate(chunks, 1))
    tables = box(
        b"stbl",
        full(b"stsd", u32(1), entry),
        full(b"stts", u32(1, len(sizes), 1000)),
        full(b"stsc", u32(len(chunks)), runs),
        table,
        where,
    )
    here = box(b"dinf", full(b"dref", u32(1), full(b"alis", NAMES, flags=1)))
    media = box(
        b"mdia",
        full(b"mdhd", u32(WHEN, WHEN, 1000, 5000), u16(0x55C4, 0)),
        full(b"hdlr", b"mhlr", handler, b"Jane", bytes(8), b"\x12SecretCam handler\0"),
        box(b"minf", full(b"vmhd", bytes(8), flags=1), full(b"hdlr", b"dhlralis", bytes(12), NAMES), here, tables),
    )
    head = full(b"tkhd", u32(WHEN, WHEN, number, 0, 5000), bytes(60), flags=3)
    return box(b"trak", head, box(b"tref", box(b"cdsc", u32(1))), media, told())


def film(*, first: bool = False, how: str = "", last: bytes = b"") -> bytes:
    """A film with pictures, sound, a track of positions, and some more between them.

    `first`: its table stands before what it lists. `how`: `wide`, `compact` or `old`. `last`: follows the last picture.
    """
    seen, heard = (*SEEN[:2], SEEN[2] + last), HEARD
    lies = [seen[0], seen[1], b"GPS " + PLACE, b"freeGPS " + NAMES, heard[0], heard[1], seen[2]]
    data = b"".join(lies)
    old = int(how == "old")
    brand = box(b"wide") if old else box(b"ftyp", b"isom", u32(512), b"isommp42")

    def movie(start: int) -> bytes:
        at = [start + sum(map(len, lies[:number])) for number in range(len(lies))]
        tracks = [
            track(1, b"vide", sight(), [(at[0], [len(seen[0]), len(seen[1])]), (at[6], [len(seen[2])])], how=how),
            track(2, b"meta", box(b"gpmd", bytes(28)), [(at[2], [len(lies[2])])], how=how),
            track(3, b"soun", sound(4 * old), [(at[4], [len(heard[0]), len(heard[1])])], how=how, uniform=old),
        ]
        head = full(b"mvhd", u32(WHEN, WHEN, 1000, 5000), bytes(76), u32(4))
        return box(b"moov", head, *tracks, told(), box(b"free", NAMES))

    more = box(b"uuid", b"\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac", NAMES) + box(
        b"free", NAMES
    )
    begin = brand + more
    room = 16 if how == "wide" else 8
    start = len(begin) + (len(movie(0)) if first else 0) + room
    held = box(b"mdat", data, wide=how == "wide")
    return begin + (movie(start) + held if first else held + movie(start))


def fragments(handler: bytes = b"soun") -> bytes:
    """A film in fragments, with a second track of a kind."""
    tracks = [track(1, b"vide", sight(), []), track(2, handler, sound() if handler == b"soun" else sight(), [])]
    extends = box(b"mvex", *(full(b"trex", u32(number, 1, 0, 0, 0)) for number in (1, 2)))
    movie = box(b"moov", full(b"mvhd", u32(WHEN, WHEN, 1000, 0), bytes(80)), *tracks, extends, told())
    run = box(b"traf", full(b"tfhd", u32(1)), full(b"trun", u32(1, len(SEEN[0])), flags=0x200), told())
    fragment = box(b"moof", full(b"mfhd", u32(1)), run, box(b"uuid", NAMES)) + box(b"mdat", SEEN[0], HEARD[0])
    return box(b"ftyp", b"iso5", u32(512)) + movie + fragment


def element(number: int, *inside: bytes, width: int = 0, endless: bool = False) -> bytes:
    """An element; `width`: octets of its length."""
    body = b"".join(inside)
    name = number.to_bytes((number.bit_length() + 7) // 8, "big")
    if endless:
        return name + b"\x01" + b"\xff" * 7 + body
    width = width or (1 if len(body) < 127 else 8)
    return name + (len(body) | 1 << 7 * width).to_bytes(width, "big") + body


def comments() -> bytes:
    """What Vorbis and its relatives say of themselves."""
    said = [b"DATE=2023-11-14", b"LOCATION=" + PLACE, b"ARTIST=Jane Doe", b"METADATA_BLOCK_PICTURE=a cover"]
    return (
        b"".join(struct.pack("<I", len(each)) + each for each in (b"SecretCam",))
        + struct.pack("<I", len(said))
        + b"".join(struct.pack("<I", len(each)) + each for each in said)
    )


def webm(*, endless: bool = False) -> bytes:
    """A film in WebM, whose length nobody knew when it began if it is `endless`."""
    head = element(0x1A45DFA3, element(0x4286, b"\1"), element(0x4282, b"webm"), element(0xEC, NAMES))
    seek = element(
        0x114D9B74,
        *(
            element(0x4DBB, element(0x53AB, each), element(0x53AC, b"\1"))
            for each in (b"\x15\x49\xa9\x66", b"\x12\x54\xc3\x67")
        ),
    )
    info = element(
        0x1549A966,
        *(
            element(0xBF, b"crc!"),
            element(0x2AD7B1, b"\x0f\x42\x40"),
            element(0x7BA9, NAMES),
            element(0x4461, bytes(8)),
        ),
        *(element(0x4D80, b"SecretCam"), element(0x5741, b"SecretCam")),
    )
    first, second, third = b"\x01vorbis....", b"\x03vorbis" + comments() + b"\1", b"\x05vorbis----"
    laced = (
        bytes([2, len(first)]) + b"\xff" * (len(second) // 255) + bytes([len(second) % 255]) + first + second + third
    )
    tracks = element(
        0x1654AE6B,
        element(0xAE, element(0xD7, b"\1"), element(0x83, b"\1"), element(0x86, b"V_VP9"), element(0x536E, NAMES)),
        element(0xAE, element(0xD7, b"\2"), element(0x83, b"\2"), element(0x86, b"A_VORBIS"), element(0x63A2, laced)),
        element(
            0xAE, element(0xD7, b"\3"), element(0x83, b"\x11"), element(0x86, b"S_TEXT/UTF8"), element(0x536E, NAMES)
        ),
    )
    blocks = (
        element(0xE7, b"\0"),
        element(0xA3, b"\x81\0\0\x80" + SEEN[0]),
        element(0xA3, b"\x82\0\0\x80" + HEARD[0]),
        element(0xA0, element(0xA1, b"\x81\0\0\0" + SEEN[1]), element(0x9B, b"\1"), element(0x75A1, b"")),
        element(0xA0, element(0xA1, b"\x83\0\0\0" + NAMES), element(0x9B, b"\1")),
        element(0xA3, b"\x83\0\0\0" + PLACE),
    )
    tags = element(0x1254C367, element(0x7373, element(0x67C8, element(0x45A3, b"LOCATION"), element(0x4487, PLACE))))
    more = (
        element(0x1941A469, element(0x61A7, b"a cover" * 40))
        + element(0x1043A770, NAMES)
        + element(0x1C53BB6B, b"\xbb\x80")
    )
    cluster = element(0x1F43B675, *blocks, endless=endless)
    return head + element(0x18538067, seek, info, tracks, cluster, tags, more, width=8, endless=endless)


def page(serial: int, flags: int, number: int, *packets: bytes, whole: bool = True) -> bytes:
    """A page of Ogg; without `whole` its last packet goes on in the next."""
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    if not whole:
        lacing = lacing[:-1]
    head = struct.pack("<4sBBQIIIB", b"OggS", 0, flags, 0, serial, number, 0, len(lacing))
    return _summed(head, lacing, b"".join(packets))


def ogg(kind: str = "opus") -> bytes:
    """Sound in Ogg, with comments that go on over two pages, and a stream of words beside it."""
    words = [page(9, 2, 0, b"\x80kate\0\0\0 SecretCam"), page(9, 0, 1, NAMES)]
    if kind == "flac":
        first = b"\x7fFLAC\1\0" + u16(2) + b"fLaC\0\0\0\x22" + bytes(34)
        said = comments()
        heads = [page(7, 2, 0, first), words[0], page(7, 0, 1, b"\x04" + len(said).to_bytes(3, "big") + said)]
        heads.append(page(7, 0, 2, b"\x86" + (7).to_bytes(3, "big") + b"a cover"))
        return b"".join([*heads, words[1], page(7, 4, 3, *HEARD)])
    magic = {"opus": (b"OpusHead", b"OpusTags"), "vorbis": (b"\x01vorbis", b"\x03vorbis")}[kind]
    said = magic[1] + comments() + (b"\1" if kind == "vorbis" else b"") + b"a cover" * 80
    heads = [page(7, 2, 0, magic[0] + bytes(11)), words[0], page(7, 0, 1, said[:510], whole=False), words[1]]
    rest = [page(7, 1, 2, said[510:], *([b"\x05vorbis...."] if kind == "vorbis" else [])), page(7, 4, 3, *HEARD)]
    return b"".join([*heads, *rest, b"TAG" + NAMES])


def mp3(frames: int = 5) -> bytes:
    """Frames of 128 kbit/s, with tags of every kind around them."""
    frame = b"\xff\xfb\x90\x00" + (b"sound" * 90)[:413]
    said = (
        b"TXXX"
        + u32(len(NAMES) + 1)
        + bytes(2)
        + b"\0"
        + NAMES
        + b"APIC"
        + u32(300)
        + bytes(2)
        + (b"a cover\xff\xfb\x90" * 30)[:300]
    )
    size = len(said)
    head = b"ID3\4\0\0" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, 32 + len(NAMES), 1, 0) + bytes(8)
    return (
        head + said + frame * 2 + b"junk \xff " + NAMES + frame * (frames - 2) + NAMES + ape + b"TAG" + NAMES.ljust(125)
    )


def flac() -> bytes:
    """FLAC with comments, a cover and a tag behind it."""
    said = comments()
    blocks = [(0, bytes(34)), (4, said), (6, b"a cover" * 30), (3, bytes(18)), (2, NAMES)]
    heads = [
        bytes([kind | (0x80 if at == 4 else 0)]) + len(body).to_bytes(3, "big") + body
        for at, (kind, body) in enumerate(blocks)
    ]
    return b"fLaC" + b"".join(heads) + b"\xff\xf8" + b"".join(HEARD) * 4 + b"TAG" + NAMES.ljust(125)


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) & 1)


def wav() -> bytes:
    """What Python's own module writes, and what broadcasters add."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"".join(HEARD) + b" ")
    octets = (
        out.getvalue()
        + chunk(b"LIST", b"INFO" + chunk(b"IART", b"Jane Doe"))
        + chunk(b"bext", NAMES)
        + chunk(b"id3 ", NAMES)
    )
    return b"RIFF" + struct.pack("<I", len(octets) - 8) + octets[8:]


def avi() -> bytes:
    """A film in AVI with a date, a title, and subtitles that say where it is."""
    stream = chunk(b"LIST", b"strl" + chunk(b"strh", bytes(56)) + chunk(b"strf", bytes(40)) + chunk(b"strd", NAMES))
    head = chunk(b"LIST", b"hdrl" + chunk(b"avih", bytes(56)) + stream + chunk(b"IDIT", b"2023-11-14"))
    film = [chunk(b"00dc", SEEN[0]), chunk(b"01wb", HEARD[0]), chunk(b"02tx", PLACE), chunk(b"00dc", SEEN[1])]
    movie = chunk(b"LIST", b"movi" + b"".join(film)) + chunk(b"idx1", bytes(32))
    info = chunk(b"LIST", b"INFO" + chunk(b"INAM", NAMES)) + chunk(b"JUNK", NAMES)
    body = b"AVI " + head + info + movie
    return chunk(b"RIFF", body) + zlib.compress(b"x") + NAMES
