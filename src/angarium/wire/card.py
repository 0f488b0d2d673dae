"""What keepers give each other by hand, each one line of text: the card of a relay, and the agreement about a box.

    angarium:card/NAME?key=KEY&box=HOST:PORT,BOX[,PIN]&sum=SUM     may be shown to everybody
    angarium:hold/NAME?box=HOST:PORT,BOX[,PIN]&token=TOKEN&sum=SUM secret: who has it can fetch what is in the box

NAME is what stands behind the @ there, KEY the relay's envelope key. A box is where mail for it may be left: the relay
that holds it, the box's number, and, where no authority vouches for the holder, the pin its TLS key is known by (the
SHA-256 of its SubjectPublicKeyInfo). A relay that can be reached has no box, one that cannot has up to three. SUM shows
that the line is whole; it proves nothing else: whom a card is from, its bearer has to know.

Binary values are base64url without padding (RFC 4648, 5).
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from angarium.wire.address import Address, AddressError

__all__ = ["Agreement", "Box", "Card", "CardError", "read_agreement", "read_card"]

BOXES = 3
"""Most boxes on one card."""
LENGTH = 2_000
"""Longest line; a QR code holds more, and no card needs it."""

_BOX = re.compile(r"(\[[0-9a-f:]{2,45}\]|[^\s\[\]:/?&#,@]{1,253}):([1-9][0-9]{0,4}),([^,]+)(?:,([^,]+))?")
_BASE64 = re.compile(r"[A-Za-z0-9_-]+")


class CardError(ValueError):
    """Not such a line. The text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where mail may be left for a relay that cannot be reached."""

    host: str
    """Who holds it: a name or an IP address without brackets."""
    port: int
    number: bytes
    """16 octets."""
    pin: bytes | None = None
    """32 octets; None: an authority vouches for the host."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        parts = [f"{host}:{self.port}", encode(self.number), *([encode(self.pin)] if self.pin else [])]
        return ",".join(parts)


@dataclass(frozen=True, slots=True)
class Card:
    """How a relay is known to others, and where mail may be left for it."""

    name: str
    """A domain in lower case, or an IP address without brackets."""
    key: bytes
    """The public half of its envelope key, 32 octets (X25519)."""
    boxes: tuple[Box, ...] = ()

    def __str__(self) -> str:
        boxes = "".join(f"&box={box}" for box in self.boxes)
        return _summed(f"angarium:card/{self.name}?key={encode(self.key)}{boxes}")


@dataclass(frozen=True, slots=True)
class Agreement:
    """That a relay's mail is held for it, and what it shows to fetch it."""

    name: str
    """Of the relay whose mail it is."""
    box: Box
    token: bytes
    """32 octets."""

    def __str__(self) -> str:
        return _summed(f"angarium:hold/{self.name}?box={self.box}&token={encode(self.token)}")


def read_card(text: str) -> Card:
    """Read a card. Raises CardError."""
    name, fields = _read(text, "card")
    keys = [value for field, value in fields if field == "key"]
    boxes = tuple(_box(value) for field, value in fields if field == "box")
    if len(keys) != 1 or len(keys) + len(boxes) != len(fields) or len(boxes) > BOXES:
        raise CardError("this is no card of a relay")
    return Card(name, _decode(keys[0], 32), boxes)


def read_agreement(text: str) -> Agreement:
    """Read an agreement. Raises CardError."""
    name, fields = _read(text, "hold")
    if [field for field, _ in fields] != ["box", "token"]:
        raise CardError("this is no agreement about a box")
    return Agreement(name, _box(fields[0][1]), _decode(fields[1][1], 32))


def encode(octets: bytes) -> str:
    """Octets as text."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _read(text: str, kind: str) -> tuple[str, list[tuple[str, str]]]:
    """The name, and the fields in order."""
    text = text.strip()
    begin = f"angarium:{kind}/"
    what = "card of a relay" if kind == "card" else "agreement about a box"
    if not text.startswith(begin) or len(text) > LENGTH:
        raise CardError(f"this is no {what}: it begins with {begin}")
    whole, _, _ = text.rpartition("&sum=")
    if not whole or _summed(whole) != text:
        raise CardError(f"this {what} is not whole, or was changed: copy all of it")
    name, _, rest = whole[len(begin) :].partition("?")
    if not _canonical(name):
        raise CardError("the name is neither a domain nor an IP address")
    fields = [(field, value) for field, _, value in (part.partition("=") for part in rest.split("&"))]
    return name, fields


def _canonical(name: str) -> bool:
    try:
        return Address.parse(f"_@{name}").domain == name
    except AddressError:
        return False


def _box(text: str) -> Box:
    found = _BOX.fullmatch(text)
    if found is None or int(found[2]) > 65_535:
        raise CardError("this is no box: expected HOST:PORT and its number")
    pin = None if found[4] is None else _decode(found[4], 32)
    return Box(found[1].strip("[]"), int(found[2]), _decode(found[3], 16), pin)


def _decode(text: str, octets: int) -> bytes:
    if _BASE64.fullmatch(text) and len(text) == -(-octets * 4 // 3):
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if encode(found) == text:
            return found
    raise CardError("a key or a number in it is not whole")


def _summed(text: str) -> str:
    return f"{text}&sum={encode(hashlib.sha256(text.encode()).digest()[:6])}"
