"""A parcel: one message and its envelope on their way to a relay that fetches its mail, as bytes.

Outside, for whoever holds it: a version, the sender's ephemeral key, and two pieces of ciphertext, the sending relay's
own key and the contents. Inside, for the relay it is for alone: envelope, message, and zeros up to a class, so that a
length tells a class and no more. Up to 64 KiB the classes are powers of two, above there are four for each doubling;
each is 256 octets less, which leaves room for what a store or a road adds before it grows to the next.

Refuses to know how it is sealed (`reach.envelope`). Invariants: what was read and is written again is the same to the
octet, and whatever is not a parcel raises ParcelError, and only that.
"""

import struct
from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "HEAD",
    "TAG",
    "VERSION",
    "Contents",
    "Parcel",
    "ParcelError",
    "read_contents",
    "read_parcel",
    "size_class",
    "write_contents",
]

VERSION = b"\x01"
KEY = 32
TAG = 16
HEAD = len(VERSION) + KEY + KEY + TAG
"""Octets before the sealed contents."""
SPARE = 256
LEAST = 4_096
EVEN = 16
"""Up to 2 to this power, classes are powers of two."""
ADDRESS = 1_024
"""Longest address, in octets."""
RECIPIENTS = 10_000

_SHORT = struct.Struct(">H")
_LONG = struct.Struct(">I")


class ParcelError(ValueError):
    """Not a parcel. The text says why, and nothing of what it holds."""


class Parcel(NamedTuple):
    """The pieces of a parcel."""

    ephemeral: bytes
    sender: bytes
    """The sending relay's key, sealed."""
    sealed: memoryview


@dataclass(frozen=True, slots=True)
class Contents:
    """What is inside."""

    sender: str
    """Of the envelope; empty for a report."""
    recipients: tuple[str, ...]
    message: bytes


def size_class(octets: int) -> int:
    """The length of the smallest parcel that so many octets fit into."""
    whole = max(octets + SPARE, LEAST)
    bits = (whole - 1).bit_length()
    step = 1 << (bits if bits <= EVEN else bits - 3)
    return -(-whole // step) * step - SPARE


def read_parcel(raw: bytes) -> Parcel:
    """Take a parcel apart. Raises ParcelError."""
    if raw[: len(VERSION)] != VERSION:
        raise ParcelError("of another version")
    if size_class(len(raw)) != len(raw):
        raise ParcelError("cut off, or not of any length that parcels have")
    at = len(VERSION) + KEY
    return Parcel(raw[len(VERSION) : at], raw[at:HEAD], memoryview(raw)[HEAD:])


def write_contents(contents: Contents) -> bytes:
    """What is to be sealed, as long as a parcel's class wants it. Raises ParcelError where it has no room for that."""
    recipients = contents.recipients
    if not 0 < len(recipients) <= RECIPIENTS:
        raise ParcelError("no recipients, or too many")
    parts = [_text(contents.sender), _SHORT.pack(len(recipients)), *map(_text, recipients)]
    if len(contents.message) > 0xFFFF_FFFF:
        raise ParcelError("too large")
    parts += [_LONG.pack(len(contents.message)), contents.message]
    octets = HEAD + sum(map(len, parts)) + TAG
    return b"".join((*parts, bytes(size_class(octets) - octets)))


def read_contents(plain: bytes) -> Contents:
    """What was sealed. Raises ParcelError."""
    read = _Reader(plain)
    sender = read.text()
    count = read.number(_SHORT)
    if not 0 < count <= RECIPIENTS:
        raise ParcelError("no recipients, or too many")
    recipients = tuple(read.text() for _ in range(count))
    message = read.octets(read.number(_LONG))
    used = HEAD + read.at + TAG
    if HEAD + len(plain) + TAG != size_class(used) or plain.count(0, read.at) != len(plain) - read.at:
        raise ParcelError("filled up with something")
    return Contents(sender, recipients, message)


def _text(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > ADDRESS:
        raise ParcelError("an address that is too long")
    return _SHORT.pack(len(raw)) + raw


class _Reader:
    """Reads from the front."""

    def __init__(self, plain: bytes) -> None:
        self._plain = plain
        self.at = 0

    def octets(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self._plain):
            raise ParcelError("cut off")
        taken = self._plain[self.at : end]
        self.at = end
        return taken

    def number(self, form: struct.Struct) -> int:
        (number,) = form.unpack(self.octets(form.size))
        return int(number)

    def text(self) -> str:
        length = self.number(_SHORT)
        if length > ADDRESS:
            raise ParcelError("an address that is too long")
        try:
            return self.octets(length).decode()
        except UnicodeDecodeError:
            raise ParcelError("an address that is no text") from None
