"""Whether bytes are an encrypted OpenPGP message, by their packets (RFC 9580; RFC 4880).

It looks at the framing only: ASCII armour, then packet headers. It cannot tell a ciphertext from anything else inside
an encrypted-data packet and does not try; but there is no room beside it: only session keys may precede it, nothing may
follow it, and the armour may hold nothing that is not base64.

Invariants:
* Every byte of an accepted message belongs to the armour's lines or to one of the packets.
* The walk touches packet headers only; session keys are bounded in number and in size.

Doubts: RFC 9580, 6.1 forbids to refuse a message for its CRC24, so the checksum's form is read and its value is not.
Lengths that are open-ended (RFC 4880, 4.2.1, old format) cannot occur: only data packets may have them, and the only
data packet accepted has no old-format tag.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from angarium.wire.base64_lines import NotBase64, decode_lines

__all__ = ["NotEncrypted", "Packet", "dearmour", "packets", "require_encrypted"]

PKESK, SKESK, SEIPD = 1, 3, 18
_STREAMABLE = frozenset({8, 9, 11, SEIPD, 20})
"""Data packets: the ones whose length may come in parts (RFC 9580, 4.2.1.4)."""
_FIRST_PART_BYTES = 512
_PARTS = 65_536
"""Most partial lengths of one packet: enough for 32 MiB in the smallest usual parts."""

SESSION_KEYS = 4096
"""Most session keys of one message: two for every member of the largest group, and room."""
SESSION_KEY_BYTES = 16_384
"""Longest session-key packet; the largest post-quantum ones stay below 2 KiB."""

_HEADERS = rb"(?:(?:Version|Comment|MessageID|Hash|Charset): [^\r\n\0]{0,200}\r?\n){0,8}"
_BEGIN = re.compile(rb"\s*+-----BEGIN PGP MESSAGE-----[ \t]*\r?\n" + _HEADERS + rb"[ \t]*\r?\n")
_END = re.compile(rb"(?:=[0-9A-Za-z+/]{4}[ \t]*\r?\n)?-----END PGP MESSAGE-----\s*+")

# Least octets of an encrypted-data packet's body, by version: version 1 has a block and two octets of prefix, and a
# 22-octet MDC packet behind (RFC 9580, 5.13.1); version 2 has three octets, a salt and the last tag (5.13.2).
_SMALLEST = {1: 1 + 8 + 2 + 22, 2: 1 + 3 + 32 + 16}


class NotEncrypted(Exception):
    """These bytes are no encrypted OpenPGP message. The text says why and quotes nothing of them."""


class Packet(Struct, frozen=True, gc=False):
    """Where a packet's body begins, how many octets of body it has, and where the packet ends."""

    tag: int
    body: int
    size: int
    end: int


def dearmour(text: bytes) -> bytes | bytearray:
    """Undo the armour of exactly one PGP MESSAGE with nothing but white space around it (RFC 9580, 6.2).

    Raises:
        NotEncrypted: the armour is another one, or malformed, or not all there is.
    """
    begin = _BEGIN.match(text)
    if begin is None:
        raise NotEncrypted("there is no armoured PGP MESSAGE")
    start = begin.end()
    foot = text.rfind(b"-----END PGP MESSAGE-----", start)
    if foot < 0 or (foot > start and not text.startswith(b"\n", foot - 1)):
        raise NotEncrypted("the armour does not end")
    stop = max(start, text.rfind(b"\n", start, foot - 1) + 1)
    if not text.startswith(b"=", stop):
        stop = foot
    if _END.fullmatch(text, stop) is None:
        raise NotEncrypted("the armour's last lines are malformed")
    try:
        return decode_lines(text, start, stop)
    except NotBase64:
        raise NotEncrypted("the armour holds something else than base64") from None


def require_encrypted(data: bytes | bytearray) -> None:
    """Return only if `data` is session keys, then one encrypted and integrity-protected packet, then nothing.

    Session keys are PKESK or SKESK packets, none to SESSION_KEYS of them (RFC 9580, 10.3).

    Raises:
        NotEncrypted: it is anything else.
    """
    for count, packet in enumerate(packets(data)):
        if packet.tag == SEIPD:
            smallest = _SMALLEST.get(data[packet.body]) if packet.size else None
            if smallest is None or packet.size < smallest:
                raise NotEncrypted("the encrypted data are of no known version")
            if packet.end != len(data):
                raise NotEncrypted("something follows the encrypted data")
            return
        if packet.tag not in (PKESK, SKESK):
            raise NotEncrypted("there is a packet that is neither a session key nor encrypted data")
        if not 0 < packet.size <= SESSION_KEY_BYTES or count == SESSION_KEYS:
            raise NotEncrypted("there are too many session keys, or a session key is empty or too large")
    raise NotEncrypted("there are no encrypted data")


def packets(data: bytes | bytearray) -> Iterator[Packet]:
    """Walk over packets of both formats, with partial lengths (RFC 9580, 4.2).

    Raises:
        NotEncrypted: a header is malformed, or a packet is longer than what is there.
    """
    at = 0
    while at < len(data):
        first = data[at]
        if first & 0xC0 == 0xC0:
            packet = _new_format(data, at + 1, first & 0x3F)
        elif first & 0x80:
            packet = _old_format(data, at + 1, first >> 2 & 0x0F, first & 0x03)
        else:
            raise NotEncrypted("these are no OpenPGP packets")
        if packet.end > len(data):
            raise NotEncrypted("a packet is cut short")
        yield packet
        at = packet.end


def _new_format(data: bytes | bytearray, at: int, tag: int) -> Packet:
    body, size, at = _length(data, at)
    if size >= 0:
        return Packet(tag, body, size, at)
    if tag not in _STREAMABLE:
        raise NotEncrypted("a packet that may not be has a partial length")
    total = at - body
    if total < _FIRST_PART_BYTES:
        raise NotEncrypted("the first partial length is below 512")
    for _ in range(_PARTS):
        begin, size, at = _length(data, at)
        total += at - begin
        if size >= 0:
            return Packet(tag, body, total, at)
    raise NotEncrypted("a packet is in too many parts")


def _length(data: bytes | bytearray, at: int) -> tuple[int, int, int]:
    """One length of the new format: where its octets begin, how many (-1: a part, more follow), where they end."""
    octets = data[at : at + 6]
    if not octets:
        raise NotEncrypted("a packet is cut short")
    first = octets[0]
    if first < 192:
        return at + 1, first, at + 1 + first
    if 224 <= first < 255:
        return at + 1, -1, at + 1 + (1 << (first & 0x1F))
    width = 2 if first < 224 else 5
    if len(octets) < width:
        raise NotEncrypted("a packet is cut short")
    size = ((first - 192) << 8) + octets[1] + 192 if width == 2 else int.from_bytes(octets[1:5], "big")
    return at + width, size, at + width + size


def _old_format(data: bytes | bytearray, at: int, tag: int, kind: int) -> Packet:
    if kind == 3:
        raise NotEncrypted("a packet has no length")
    width = 1 << kind
    octets = data[at : at + width]
    if len(octets) < width:
        raise NotEncrypted("a packet is cut short")
    size = int.from_bytes(octets, "big")
    return Packet(tag, at + width, size, at + width + size)
