"""WebM and Matroska: elements within each other, of which those on the list stay and all others become void.

The file is written as it comes, and nothing moves: names and dates become empty, tags, attachments, chapters and tracks
that are neither seen nor heard become void, and so do their blocks. Segments and clusters are entered wherever they
stand, since their lengths may not be known; an element is judged by its number alone.

RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias, Union

from angarium.channel.recording.flac import without_comments
from angarium.channel.recording.octets import BadRecording, Octets
from angarium.channel.recording.vorbis import empty_comments

__all__ = ["matroska"]

MOST_HELD = 16 << 20
"""Octets of an element that is held: headers, and a picture that comes with what it is made from."""
EBML, SEGMENT, CLUSTER, CUES = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0x1C53BB6B
SEEK_HEAD, INFO, TRACKS = 0x114D9B74, 0x1549A966, 0x1654AE6B
SIMPLE_BLOCK, BLOCK_GROUP, BLOCK = 0xA3, 0xA0, 0xA1
SEEK, SEEK_ID = 0x4DBB, 0x53AB
TRACK_ENTRY, TRACK_NUMBER, TRACK_TYPE, CODEC, CODEC_PRIVATE = 0xAE, 0xD7, 0x83, 0x86, 0x63A2
SEEN, HEARD = 1, 2
VOID = b"\xec"

Rule: TypeAlias = Union[Callable[[bytes], bytes], "Rules", None]
"""What becomes of an element on the list: None: it stays; what it holds is written anew; or it is entered."""
Rules: TypeAlias = dict[int, Rule]


class _Element(NamedTuple):
    number: int
    head: int
    """Octets of its header."""
    body: int | None
    """Octets of what it holds; None: nobody knew when it began."""


def matroska(octets: Octets) -> Iterator[bytes]:
    """The file, which says nothing but what is seen and heard. Raises BadRecording."""
    shown: set[int] = set()
    met, end = False, 1 << 62
    while octets.at < end and octets.peek(1):
        element = _element(octets.peek(12))
        if element.number in (SIMPLE_BLOCK, BLOCK_GROUP) and not met:
            raise BadRecording("what is seen or heard comes before what it is made of")
        if element.number == SEGMENT and element.body is not None:
            end = octets.at + element.head + element.body
        if element.number in (SEGMENT, CLUSTER):
            yield octets.take(element.head)
        elif element.body is None:
            raise BadRecording("an element without an end")
        elif element.number in HELD:
            if element.body > MOST_HELD:
                raise BadRecording(f"an element of more than {MOST_HELD >> 20} MiB")
            head, body = octets.take(element.head), octets.take(element.body)
            if element.number == TRACKS:
                shown |= _shown(body)
                met = True
            if element.number == BLOCK_GROUP and _track(_found(body, BLOCK)) not in shown:
                yield _void(element)
                yield bytes(element.head + element.body - len(_void(element)))
            else:
                yield head + _inside(body, HELD[element.number])
        elif element.number in COPIED or (
            element.number == SIMPLE_BLOCK and _track(octets.peek(element.head + 8)[element.head :]) in shown
        ):
            yield from octets.copy(element.head + element.body)
        else:
            void = _void(element)
            yield void
            for _ in octets.copy(len(void)):
                pass
            for piece in octets.copy(element.head + element.body - len(void)):
                yield bytes(len(piece))
    if end < 1 << 62 and octets.at < end:
        raise BadRecording("cut short")
    if not met or not shown:
        raise BadRecording("nothing in it is seen or heard")


def _element(octets: bytes) -> _Element:
    """The element that begins here."""
    width, size = 9 - octets[0].bit_length(), 9 - octets[9 - octets[0].bit_length()].bit_length()
    head = width + size
    if width > 4 or size > 8 or len(octets) < head:
        raise BadRecording("no element where one must stand")
    known = int.from_bytes(octets[width:head], "big") & (1 << 7 * size) - 1
    body = None if known == (1 << 7 * size) - 1 else known
    return _Element(int.from_bytes(octets[:width], "big"), head, body)


def _elements(octets: bytes) -> Iterator[tuple[_Element, bytes]]:
    """The elements that are held here, and what each holds."""
    at = 0
    while at < len(octets):
        element = _element(octets[at : at + 12])
        if element.body is None or at + element.head + element.body > len(octets):
            raise BadRecording("an element that leaves the one it is in")
        at += element.head
        yield element, octets[at : at + element.body]
        at += element.body


def _inside(octets: bytes, rules: Rules) -> bytes:
    """Elements that are held, as the rules have them."""
    out, at = [], 0
    for element, body in _elements(octets):
        rule, written = rules.get(element.number), body
        if element.number not in rules:
            out.append(_voided(element))
        else:
            if isinstance(rule, dict):
                written = _inside(body, rule)
            elif rule is not None:
                written = rule(body)
            if len(written) == len(body):
                out += [octets[at : at + element.head], written]
            else:
                out.append(_voided(element))
        at += element.head + len(body)
    return b"".join(out)


def _void(element: _Element) -> bytes:
    """The header of empty room as large as an element."""
    assert element.body is not None
    size = element.head + element.body
    return VOID + (bytes([0x80 | size - 2]) if size <= 128 else b"\1" + (size - 9).to_bytes(7, "big"))


def _voided(element: _Element) -> bytes:
    void = _void(element)
    return void + bytes(element.head + (element.body or 0) - len(void))


def _found(octets: bytes, number: int) -> bytes:
    """What the first element of a number holds; nothing: there is none."""
    return next((body for element, body in _elements(octets) if element.number == number), b"")


def _track(block: bytes) -> int:
    """The number of the track that a block belongs to; 0: none."""
    width = 9 - block[0].bit_length() if block else 9
    return int.from_bytes(block[:width], "big") & (1 << 7 * width) - 1 if width <= 8 else 0


def _kind(entry: bytes) -> int:
    return int.from_bytes(_found(entry, TRACK_TYPE), "big")


def _shown(tracks: bytes) -> set[int]:
    """The numbers of tracks that are seen or heard."""
    entries = [body for element, body in _elements(tracks) if element.number == TRACK_ENTRY]
    return {int.from_bytes(_found(each, TRACK_NUMBER), "big") for each in entries if _kind(each) in (SEEN, HEARD)}


def _entry(body: bytes) -> bytes:
    """A track; of one that is neither seen nor heard, nothing."""
    if _kind(body) not in (SEEN, HEARD):
        return b""
    codec = _found(body, CODEC).rstrip(b"\0")
    private: Rule = None
    if codec in (b"A_VORBIS", b"V_THEORA"):
        private = _laced
    elif codec == b"A_FLAC":
        private = _flac
    return _inside(body, {**TRACK, CODEC_PRIVATE: private})


def _flac(private: bytes) -> bytes:
    return private[:4] + without_comments(private[4:])


def _laced(private: bytes) -> bytes:
    """Three packets, of which the second holds comments."""
    if private[0] != 2:
        raise BadRecording("headers that are not as they must be")
    lengths, at = [], 1
    for _ in range(2):
        length = 0
        while private[at] == 255:
            length, at = length + 255, at + 1
        lengths.append(length + private[at])
        at += 1
    second = at + lengths[0]
    third = second + lengths[1]
    return private[:second] + empty_comments(private[at:second], private[second:third]) + private[third:]


def _seek(body: bytes) -> bytes:
    """Where something stands; nothing, if it does not stand there any more."""
    there = (INFO, TRACKS, CUES, CLUSTER, SEEK_HEAD)
    return body if int.from_bytes(_found(body, SEEK_ID), "big") in there else b""


def _empty(body: bytes) -> bytes:
    return bytes(len(body))


TRACK: Rules = dict.fromkeys(
    (
        *(TRACK_NUMBER, 0x73C5, TRACK_TYPE, 0xB9, 0x88, 0x55AA, 0x55AB, 0x55AC, 0x55AD, 0x55AE, 0x55AF, 0x9C),
        *(0x6DE7, 0x6DF8, 0x23E383, 0x234E7A, 0x23314F, 0x55EE, 0x41E4, 0x22B59C, 0x22B59D, CODEC, 0xAA, 0x56AA),
        *(0x56BB, 0xE0, 0xE1, 0x6D80, 0x537F),
    )
)
"""Numbers, what they are called in the standard, flags, languages, and how pictures and sound are made."""
HELD: dict[int, Rules] = {
    EBML: dict.fromkeys((0x4286, 0x42F7, 0x42F2, 0x42F3, 0x4282, 0x4287, 0x4285)),
    SEEK_HEAD: {SEEK: _seek},
    INFO: {0x2AD7B1: None, 0x4489: None, 0x4D80: _empty, 0x5741: _empty},
    TRACKS: {TRACK_ENTRY: _entry},
    BLOCK_GROUP: dict.fromkeys((BLOCK, 0x75A1, 0x9B, 0xFA, 0xFB, 0xA4, 0x75A2, 0x8E)),
}
"""Elements that are held, and what stays in them. Of `INFO`, how time is counted; the programs become empty."""
COPIED = frozenset({CUES, 0xE7, 0xA7, 0xAB})
"""An index, and of clusters their time, place, and the size of the one before."""
