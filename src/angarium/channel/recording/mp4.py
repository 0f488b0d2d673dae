"""MP4 and QuickTime: boxes within boxes, of which those on the list stay and all others become free room.

A first look (`survey`) finds the tracks and where their samples lie; then the file is written as it comes, with nothing
moved: dates, names and cameras in boxes that stay are zeros, tracks that are neither seen nor heard are free room, and
so are their samples and whatever else lies between those that stay. In a file of fragments the samples are not told
apart; it is refused if it has a track that must go.

ISO/IEC 14496-12 (boxes), 14496-14 and -15, QuickTime File Format; what cameras add is on no list.
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias, Union

from angarium.channel.recording.flac import without_comments
from angarium.channel.recording.octets import BadRecording, Octets
from angarium.channel.recording.samples import MOST_TABLES, Kept, Track, kept

__all__ = ["Plan", "mp4", "survey"]

MOST_BOX = 1 << 20
"""Octets of a box that is held."""
MOST_TRACKS = 1000
TABLES = frozenset({b"stsz", b"stz2", b"stsc", b"stco", b"co64"})
SHOWN = frozenset({b"vide", b"soun"})
WITHIN = {b"moov": b"trak", b"trak": b"mdia", b"mdia": b"minf", b"minf": b"stbl"}

Rule: TypeAlias = Union[Callable[[bytes], bytes], "Rules", None]
"""What becomes of a box on the list: None: it stays; what it holds is written anew; or it is entered."""
Rules: TypeAlias = dict[bytes, Rule]


class Plan(NamedTuple):
    """What a survey found."""

    shown: list[bytes]
    """Of each track `vide`, `soun`, or nothing."""
    samples: Kept | None
    """None: the file consists of fragments."""


class _Box(NamedTuple):
    name: bytes
    head: int
    """Octets of its header."""
    body: int | None
    """Octets of what it holds; None: all that follows."""


def survey(octets: Octets) -> Plan:
    """Find the tracks. Raises BadRecording."""
    tracks: list[Track] = []
    fragmented = False
    while len(octets.peek(8)) == 8:
        box = _box(octets)
        octets.skip(box.head)
        if box.name == b"moov":
            if tracks:
                raise BadRecording("two of what there is one of")
            fragmented = _enter(octets, b"moov", octets.at + _length(box), tracks) or fragmented
        elif box.body is None:
            break
        else:
            octets.skip(box.body)
        fragmented = fragmented or box.name == b"moof"
    shown = [track.handler if track.handler in SHOWN else b"" for track in tracks]
    if not any(shown):
        raise BadRecording("nothing in it is seen or heard")
    if fragmented and not all(shown):
        raise BadRecording("fragments, with a track that is neither seen nor heard")
    return Plan(shown, None if fragmented else kept(tracks, [bool(each) for each in shown]))


def _enter(octets: Octets, outer: bytes, end: int, tracks: list[Track]) -> bool:
    """Look through a box on the way from the movie to the tables of its tracks; whether fragments are to follow."""
    extended = False
    for box in _boxes(octets, end):
        octets.skip(box.head)
        length = _length(box)
        stop = octets.at + length
        extended = extended or (outer == b"moov" and box.name == b"mvex")
        if box.name == WITHIN.get(outer):
            if box.name == b"trak":
                tracks.append(Track())
                if len(tracks) > MOST_TRACKS:
                    raise BadRecording(f"more than {MOST_TRACKS} tracks")
            _enter(octets, box.name, stop, tracks)
        elif outer == b"mdia" and box.name == b"hdlr" and length >= 12:
            tracks[-1].handler = octets.take(12)[8:]
        elif outer == b"stbl" and box.name in TABLES:
            if sum(len(table) for track in tracks for table in track.tables.values()) + length > MOST_TABLES:
                raise BadRecording(f"tables of more than {MOST_TABLES >> 20} MiB")
            tracks[-1].tables[box.name] = octets.take(length)
        octets.skip(stop - octets.at)
    octets.skip(end - octets.at)
    return extended


def mp4(octets: Octets, plan: Plan) -> Iterator[bytes]:
    """The file, which says nothing but what is seen and heard. Raises BadRecording."""
    shown = iter(plan.shown)
    while len(octets.peek(8)) == 8:
        box = _box(octets)
        if box.name == b"mdat":
            yield octets.take(box.head)
            yield from _samples(octets, box.body, plan.samples)
        elif box.body is None:
            yield _free(octets.take(box.head))
            for piece in octets.rest():
                yield bytes(len(piece))
        else:
            yield from _written(octets, box, FILE, shown)
    if plan.samples is not None and plan.samples.until > octets.at:
        raise BadRecording("cut short")


def _samples(octets: Octets, count: int | None, samples: Kept | None) -> Iterator[bytes]:
    at = octets.at
    for piece in octets.rest() if count is None else octets.copy(count):
        yield piece if samples is None else samples.masked(piece, at)
        at += len(piece)


def _written(octets: Octets, box: _Box, rules: Rules, shown: Iterator[bytes]) -> Iterator[bytes]:
    """A box as the rules have it; one that is not on their list becomes free room."""
    stays, rule, length = box.name in rules, rules.get(box.name), _length(box)
    if stays and box.name == b"trak":
        handler = next(shown, b"")
        stays, rule = bool(handler), TRACKS.get(handler)
    if not stays:
        yield _free(octets.take(box.head))
        for piece in octets.copy(length):
            yield bytes(len(piece))
    elif rule is None:
        yield from octets.copy(box.head + length)
    elif isinstance(rule, dict):
        yield octets.take(box.head)
        end = octets.at + length
        for inner in _boxes(octets, end):
            yield from _written(octets, inner, rule, shown)
        yield bytes(len(octets.take(end - octets.at)))
    elif length > MOST_BOX:
        raise BadRecording(f"{box.name!r} has more than {MOST_BOX} octets")
    else:
        yield octets.take(box.head)
        yield _anew(octets.take(length), rule)


def _boxes(octets: Octets, end: int) -> Iterator[_Box]:
    """The boxes up to a place, each of which is to be taken before the next; a few octets may be left behind them."""
    while octets.at + 8 <= end:
        box = _box(octets)
        if octets.at + box.head + _length(box) > end:
            raise BadRecording("a box that leaves the one it is in")
        yield box


def _box(octets: Octets) -> _Box:
    size, name = struct.unpack(">I4s", octets.peek(8))
    if size == 0:
        return _Box(name, 8, None)
    head = 8
    if size == 1:
        head = 16
        (size,) = struct.unpack_from(">Q", octets.peek(16), 8)
    if size < head:
        raise BadRecording("a box that is smaller than its header")
    return _Box(name, head, size - head)


def _length(box: _Box) -> int:
    if box.body is None:
        raise BadRecording("a box without an end")
    return box.body


def _free(head: bytes) -> bytes:
    """A box's header with the name of free room."""
    return head[:4] + b"free" + head[8:]


def _inside(octets: bytes, rules: Rules) -> bytes:
    """Boxes that are held, as the rules have them."""
    out, at = [], 0
    while at + 8 <= len(octets):
        size, name = struct.unpack_from(">I4s", octets, at)
        if size < 8 or at + size > len(octets):
            raise BadRecording("a box that leaves the one it is in")
        head, body, rule = octets[at : at + 8], octets[at + 8 : at + size], rules.get(name)
        if name not in rules:
            head, body = _free(head), bytes(len(body))
        elif isinstance(rule, dict):
            body = _inside(body, rule)
        elif rule is not None:
            body = _anew(body, rule)
        out += [head, body]
        at += size
    return b"".join([*out, bytes(len(octets) - at)])


def _anew(body: bytes, write: Callable[[bytes], bytes]) -> bytes:
    written = write(body)
    if len(written) != len(body):
        raise BadRecording("a box that is cut short")
    return written


def _undated(body: bytes) -> bytes:
    """Without the times of its making and its last change."""
    return body[:4] + bytes(16 if body[0] == 1 else 8) + body[20 if body[0] == 1 else 12 :]


def _unnamed(body: bytes) -> bytes:
    """A handler without the names of who made it and what it is called."""
    return body[:12] + bytes(len(body) - 12)


def _here(body: bytes) -> bytes:
    """References to data, all of which must lie in the file itself."""
    (count,) = struct.unpack_from(">I", body, 4)
    out, at = [body[:8]], 8
    for _ in range(count):
        size, flags = struct.unpack_from(">I4xI", body, at)
        if size < 12 or at + size > len(body):
            raise BadRecording("a box that leaves the one it is in")
        if not flags & 1:
            raise BadRecording("what is seen or heard lies in another file")
        out += [body[at : at + 12], bytes(size - 12)]
        at += size
    return b"".join([*out, bytes(len(body) - at)])


def _seen(entry: bytes, version: int) -> bytes:
    """How pictures are encoded, without the names of the encoder and its maker."""
    if version > 1:
        raise BadRecording("descriptions of a version that is not known")
    colours = 86
    if entry[83] & 31 <= 8 and entry[84:86] == b"\0\0":
        colours += 8 + 8 * (struct.unpack_from(">H", entry, 92)[0] + 1)
    head = entry[:20] + bytes(4) + entry[24:50] + bytes(32) + entry[82:colours]
    return head + _inside(entry[colours:], CODECS)


def _heard(entry: bytes, version: int) -> bytes:
    """How sound is encoded, without the name of the encoder's maker."""
    (kind,) = struct.unpack_from(">H", entry, 16)
    size = 36
    if kind == 1 and version == 0:
        size = 52
    elif kind == 2:
        (size,) = struct.unpack_from(">I", entry, 36)
    if not 36 <= size <= len(entry):
        raise BadRecording("a description that is cut short")
    return entry[:20] + bytes(4) + entry[24:size] + _inside(entry[size:], CODECS)


def _described(write: Callable[[bytes, int], bytes]) -> Callable[[bytes], bytes]:
    def descriptions(body: bytes) -> bytes:
        (count,) = struct.unpack_from(">I", body, 4)
        out, at = [body[:8]], 8
        for _ in range(count):
            (size,) = struct.unpack_from(">I", body, at)
            if size < 36 or at + size > len(body):
                raise BadRecording("a description that is cut short")
            out.append(write(body[at : at + size], body[0]))
            at += size
        return b"".join([*out, bytes(len(body) - at)])

    return descriptions


def _stay(names: str) -> Rules:
    return dict.fromkeys(name.encode().ljust(4) for name in names.split())


WAVE = _stay("frma enda esds mp4a alac chan glbl") | {bytes(4): None}
CODECS: Rules = {
    **_stay("avcC hvcC hvcE lhvC vvcC vpcC av1C esds dvcC dvvC dvwC btrt pasp colr clap fiel gama mdcv clli amve"),
    **_stay("SmDm CoLL st3d d263 damr dac3 dec3 dac4 dmlp ddts dOps alac chan chnl srat pcmC glbl jp2h vexu hfov"),
    **_stay("SMI"),
    b"sv3d": {b"svhd": lambda body: body[:4] + bytes(len(body) - 4), b"proj": None},
    b"dfLa": lambda body: body[:4] + without_comments(body[4:]),
    b"wave": dict(WAVE),
    bytes(4): None,
}
"""What decoders need to know."""


def _track(description: Callable[[bytes, int], bytes]) -> Rules:
    table = _stay("stts ctts cslg stsc stsz stz2 stco co64 stss stps stsh sdtp sbgp sgpd subs saiz saio padb stdp")
    media: Rules = {
        **_stay("vmhd smhd nmhd sthd"),
        b"hdlr": _unnamed,
        b"dinf": {b"dref": _here},
        b"stbl": table | {b"stsd": _described(description)},
    }
    return {
        b"tkhd": _undated,
        b"edts": _stay("elst"),
        b"tapt": _stay("clef prof enof"),
        b"mdia": {b"mdhd": _undated, b"hdlr": _unnamed, b"elng": None, b"minf": media},
    }


TRACKS: Rules = {b"vide": _track(_seen), b"soun": _track(_heard)}
FRAGMENT = _stay("tfhd tfdt trun sbgp sgpd subs saiz saio senc")
FILE: Rules = {
    **_stay("ftyp styp sidx ssix pdin"),
    b"mfra": _stay("tfra mfro"),
    b"moov": {b"mvhd": _undated, b"trak": None, b"mvex": _stay("mehd trex leva")},
    b"moof": {b"mfhd": None, b"traf": FRAGMENT},
}
"""The boxes that stay."""
