"""Packets as they pass on the wire, read and written: Ethernet, IPv4, TCP, UDP (RFC 791, RFC 9293, RFC 768).

Pure. What is not whole, not IPv4, a fragment, or neither TCP nor UDP, is not read (None), and the box says what becomes
of it. Addresses are text, as they are written in the lab's tables.
"""

import socket
import struct
from typing import NamedTuple

__all__ = [
    "ACK",
    "FIN",
    "IPV4",
    "RST",
    "SYN",
    "TCP",
    "UDP",
    "Packet",
    "checksum",
    "datagram",
    "ethertype",
    "read",
    "segment",
]

IPV4, LINK = 0x0800, 14
TCP, UDP = 6, 17
FIN, SYN, RST, ACK = 1, 2, 4, 16
TTL = 64

_IP = struct.Struct("!BBHHHBBH4s4s")
_TCP = struct.Struct("!HHIIBBHHH")
_UDP = struct.Struct("!HHHH")


class Packet(NamedTuple):
    """A segment or datagram, with the frame it came in."""

    frame: bytes
    protocol: int
    source: tuple[str, int]
    target: tuple[str, int]
    payload: bytes
    seq: int = 0
    ack: int = 0
    flags: int = 0

    @property
    def end(self) -> int:
        """The sequence number after this segment (RFC 9293, 3.4)."""
        length = len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)
        return (self.seq + length) & 0xFFFFFFFF


def ethertype(frame: bytes) -> int:
    """What the frame says that it carries."""
    return int.from_bytes(frame[12:14], "big")


def read(frame: bytes) -> Packet | None:
    """Read a frame."""
    if len(frame) < LINK + 20 or ethertype(frame) != IPV4:
        return None
    first, _, length, _, fragment, _, protocol, _, source, target = _IP.unpack_from(frame, LINK)
    begin, end = LINK + (first & 15) * 4, LINK + length
    if fragment & 0x3FFF or end > len(frame) or protocol not in (TCP, UDP):
        return None
    hosts = socket.inet_ntoa(source), socket.inet_ntoa(target)
    if protocol == UDP:
        if end - begin < _UDP.size:
            return None
        sport, tport, _, _ = _UDP.unpack_from(frame, begin)
        return Packet(frame, UDP, (hosts[0], sport), (hosts[1], tport), frame[begin + _UDP.size : end])
    if end - begin < _TCP.size:
        return None
    sport, tport, seq, ack, offset, flags, _, _, _ = _TCP.unpack_from(frame, begin)
    payload = frame[begin + (offset >> 4) * 4 : end]
    return Packet(frame, TCP, (hosts[0], sport), (hosts[1], tport), payload, seq, ack, flags)


def checksum(data: bytes) -> int:
    """RFC 1071: the ones' complement of the ones' complement sum."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(
    link: bytes,
    source: tuple[str, int],
    target: tuple[str, int],
    *,
    seq: int,
    ack: int,
    flags: int,
    payload: bytes = b"",
) -> bytes:
    """A frame with a TCP segment; `link` is the Ethernet header it gets."""
    head = _TCP.pack(source[1], target[1], seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, 0, 0, 0)
    return _frame(link, source[0], target[0], TCP, head, payload, at=16)


def datagram(link: bytes, source: tuple[str, int], target: tuple[str, int], payload: bytes) -> bytes:
    """A frame with a UDP datagram."""
    head = _UDP.pack(source[1], target[1], _UDP.size + len(payload), 0)
    return _frame(link, source[0], target[0], UDP, head, payload, at=6)


def _frame(link: bytes, source: str, target: str, protocol: int, head: bytes, payload: bytes, *, at: int) -> bytes:
    hosts = socket.inet_aton(source) + socket.inet_aton(target)
    length = len(head) + len(payload)
    whole = checksum(hosts + struct.pack("!BBH", 0, protocol, length) + head + payload) or 0xFFFF
    head = head[:at] + whole.to_bytes(2, "big") + head[at + 2 :]
    ip = _IP.pack(0x45, 0, 20 + length, 0, 0x4000, TTL, protocol, 0, hosts[:4], hosts[4:])
    return link + ip[:10] + checksum(ip).to_bytes(2, "big") + ip[12:] + head + payload
