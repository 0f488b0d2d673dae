"""The first thing a TLS client says: what anybody on the way can read of it (RFC 8446, 4.1.2; RFC 6066, 3; RFC 7301).

Name, protocols and a fingerprint (JA4, https://github.com/FoxIO-LLC/ja4, its BSD-licensed part): these are what censors
go by. Refuses to know what is done with it. Invariant: any octets are a hello, the beginning of one, or raise NotHello,
and nothing else; a hello fed in pieces reads as when it is whole.
"""

import hashlib
import struct
from dataclasses import dataclass

__all__ = ["LARGEST", "Hello", "NotHello", "glance", "read_hello"]

LARGEST = 1 << 16
"""Longest hello read, in octets; those of browsers are below 2,048."""
HANDSHAKE, CLIENT_HELLO = 22, 1
SERVER_NAME, SIGNATURES, ALPN, VERSIONS = 0, 13, 16, 43
HOST_NAME = 0
ALPN_NUMBER = ALPN.to_bytes(2, "big")
RECORD, SESSION = 5, 43
"""Octets before the hello in its record, and before the length of the session's name."""
EXTENSION = struct.Struct(">HH")
"""The head of one: its number, and how long it is."""
OLD_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3"}


class NotHello(ValueError):
    """Whatever this is, it is no ClientHello."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A ClientHello."""

    name: str | None
    """The server name asked for (SNI), if any."""
    protocols: tuple[str, ...]
    """Those offered (ALPN), in order."""
    ciphers: tuple[int, ...]
    extensions: tuple[int, ...]
    """Their numbers, in the order sent."""
    signatures: tuple[int, ...]
    versions: tuple[int, ...]
    """Those offered by the extension, or the one of the old field where there is none."""

    @property
    def newest(self) -> int:
        """The newest version offered; 0: none that exists."""
        return max(_real(self.versions), default=0)

    @property
    def ja4(self) -> str:
        """The fingerprint of JA4 for TLS over TCP."""
        ciphers, extensions = _real(self.ciphers), _real(self.extensions)
        version = OLD_VERSIONS.get(self.newest, "00")
        first = self.protocols[0] if self.protocols else "00"
        alpn = first[0] + first[-1]
        if not (alpn.isascii() and alpn.isalnum()):
            code = first.encode("latin-1").hex()
            alpn = code[0] + code[-1]
        head = f"t{version}{'i' if self.name is None else 'd'}{min(len(ciphers), 99):02}{min(len(extensions), 99):02}"
        told = ",".join(sorted(_hex(number) for number in extensions if number not in (SERVER_NAME, ALPN)))
        signed = ",".join(_hex(number) for number in _real(self.signatures))
        tail = f"{told}_{signed}" if signed else told
        return f"{head}{alpn}_{_digest(','.join(sorted(map(_hex, ciphers))))}_{_digest(tail)}"


def read_hello(data: bytes) -> Hello | None:
    """Read a ClientHello from the first octets of a stream; None: it may be one, and more is needed.

    Raises:
        NotHello: see there.
    """
    body = bytearray()
    at = 0
    while len(data) - at >= 5:
        kind, major, length = data[at], data[at + 1], int.from_bytes(data[at + 3 : at + 5], "big")
        if kind != HANDSHAKE or major != 3 or not length:
            raise NotHello("no handshake record")
        body += data[at + 5 : at + 5 + length]
        at += 5 + length
        if body and body[0] != CLIENT_HELLO:
            raise NotHello("another handshake message")
        if len(body) >= 4:
            wanted = int.from_bytes(body[1:4], "big")
            if wanted > LARGEST:
                raise NotHello("longer than any")
            if len(body) >= 4 + wanted:
                return _hello(bytes(body[4 : 4 + wanted]))
    begun = data[at:]
    if begun and begun[:2] != b"\x16\x03"[: len(begun)]:
        raise NotHello("no handshake record")
    return None


def glance(data: bytes) -> tuple[str, ...] | None:
    """The protocols that a ClientHello offers (ALPN), where it is whole and in one record, and nothing else of it.

    For who is in a hurry: what `read_hello` would refuse may pass. None: only `read_hello` can tell.
    """
    try:
        end = RECORD + int.from_bytes(data[3:RECORD], "big")
        if data[0] != HANDSHAKE or data[RECORD] != CLIENT_HELLO or len(data) < end:
            return None
        if RECORD + 4 + int.from_bytes(data[RECORD + 1 : RECORD + 4], "big") != end:
            return None
        if ALPN_NUMBER not in data:
            return ()
        at = SESSION + 1 + data[SESSION]
        at += 2 + int.from_bytes(data[at : at + 2], "big")
        at += 1 + data[at]
        if at == end:
            return ()
        at += 2
        if at + int.from_bytes(data[at - 2 : at], "big") != end:
            return None
        while at < end:
            kind, length = EXTENSION.unpack_from(data, at)
            at += EXTENSION.size + length
            if kind == ALPN:
                return _protocols(data[at - length : at])
    except (IndexError, NotHello, struct.error):
        return None
    return () if at == end else None


class _Reader:
    """Takes octets from the front; raises NotHello where there are none."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise NotHello("it ends too soon")
        self._at += count
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> "_Reader":
        """A piece that is led by its length, a number of `size` octets (RFC 8446, 3.4)."""
        return _Reader(self.take(self.number(size)))

    def numbers(self) -> tuple[int, ...]:
        """What is left, as numbers of two octets."""
        count, odd = divmod(len(self._data) - self._at, 2)
        if odd:
            raise NotHello("half a number")
        return struct.unpack(f">{count}H", self.take(2 * count))


def _hello(body: bytes) -> Hello:
    reader = _Reader(body)
    version = reader.number(2)
    reader.take(32)
    reader.vector(1)
    ciphers = reader.vector(2).numbers()
    reader.vector(1)
    found = _extensions(reader.take(reader.number(2)) if reader else b"")
    return Hello(
        name=_name(found.get(SERVER_NAME)),
        protocols=_protocols(found.get(ALPN)),
        ciphers=ciphers,
        extensions=tuple(found),
        signatures=_Reader(found[SIGNATURES]).vector(2).numbers() if SIGNATURES in found else (),
        versions=_Reader(found[VERSIONS]).vector(1).numbers() if VERSIONS in found else (version,),
    )


def _extensions(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at < len(data):
        begin = at + EXTENSION.size
        if begin > len(data):
            raise NotHello("it ends too soon")
        kind, length = EXTENSION.unpack_from(data, at)
        at = begin + length
        if at > len(data):
            raise NotHello("it ends too soon")
        found[kind] = data[begin:at]
    return found


def _name(data: bytes | None) -> str | None:
    if data is None:
        return None
    names = _Reader(data).vector(2)
    while names:
        kind, name = names.number(1), names.take(names.number(2))
        if kind == HOST_NAME:
            return name.decode("latin-1").lower()
    return None


def _protocols(data: bytes | None) -> tuple[str, ...]:
    if data is None:
        return ()
    names = _Reader(data).vector(2)
    found = []
    while names:
        if not (name := names.take(names.number(1))):
            raise NotHello("a protocol without a name")
        found.append(name.decode("latin-1"))
    return tuple(found)


def _real(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Without those that are sent to be ignored (GREASE, RFC 8701)."""
    return tuple(number for number in numbers if number & 0x0F0F != 0x0A0A or number >> 8 != number & 0xFF)


def _hex(number: int) -> str:
    return f"{number:04x}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12
