"""What passes a network interface of this machine, as somebody who watches the wire has it: whole packets, in order.

Needs the right to open a packet socket (packet(7), CAP_NET_RAW). On loopback every packet is seen twice, going out and
coming in: only those coming in are kept. Refuses to know what is looked for in them.
"""

import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Capture", "Segment", "capture", "permitted"]

IPV4 = 0x0800
LINK = 14
"""Octets of an Ethernet header."""
TCP, UDP = 6, 17
LARGEST = 65_536
BUFFER = 32 << 20
"""Octets the kernel keeps for us while we are slow; what is beyond is counted as dropped."""
ALL, PACKET, STATISTICS = 3, 263, 6
"""ETH_P_ALL; SOL_PACKET; PACKET_STATISTICS (linux/if_packet.h)."""
LAST = 1.0
"""Seconds for which it is read on after the end."""


class Segment(NamedTuple):
    """What one IPv4 packet carries."""

    source: tuple[str, int]
    target: tuple[str, int]
    protocol: int
    payload: bytes


@dataclass
class Capture:
    """All packets so far."""

    packets: list[bytes] = field(default_factory=list)
    dropped: int = 0
    """Packets that the kernel had no room for: then this is not the whole of what passed."""

    def segments(self) -> Iterator[Segment]:
        """Those of TCP and UDP over IPv4, in order."""
        return filter(None, map(_segment, self.packets))

    def between(self, *hosts: str) -> list[Segment]:
        """Those that go from one of these hosts to another."""
        return [one for one in self.segments() if {one.source[0], one.target[0]} <= set(hosts)]


@contextmanager
def capture(interface: str = "lo") -> Iterator[Capture]:
    """Capture for as long as the context lasts.

    Raises:
        PermissionError: this process may not.
    """
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        sock.bind((interface, 0))
        sock.setblocking(False)
        taken, ended = Capture(), threading.Event()
        reader = threading.Thread(target=_read, args=(sock, taken, ended), daemon=True)
        reader.start()
        try:
            yield taken
        finally:
            ended.set()
            reader.join()
            _, taken.dropped = struct.unpack("II", sock.getsockopt(PACKET, STATISTICS, 8))


def permitted() -> bool:
    """Whether this process may capture."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except PermissionError:
        return False
    return True


def _read(sock: socket.socket, taken: Capture, ended: threading.Event) -> None:
    """Until the end, and what had come by then: others go on using the interface."""
    until = float("inf")
    while select.select([sock], [], [], 0.05)[0] or not ended.is_set():
        now = time.monotonic()
        until = min(until, now + LAST) if ended.is_set() else until
        if now > until:
            return
        try:
            packet, address = sock.recvfrom(LARGEST)
        except BlockingIOError:
            continue
        if address[2] != socket.PACKET_OUTGOING:
            taken.packets.append(packet)


def _segment(packet: bytes) -> Segment | None:
    """RFC 791, 3.1; RFC 9293, 3.1; RFC 768."""
    if len(packet) < LINK + 20 or int.from_bytes(packet[12:14], "big") != IPV4:
        return None
    ip = packet[LINK : LINK + int.from_bytes(packet[LINK + 2 : LINK + 4], "big")]
    head, protocol = (ip[0] & 15) * 4, ip[9]
    rest = ip[head:]
    if protocol not in (TCP, UDP) or len(rest) < (20 if protocol == TCP else 8):
        return None
    source, target = struct.unpack_from("!HH", rest)
    start = (rest[12] >> 4) * 4 if protocol == TCP else 8
    return Segment((socket.inet_ntoa(ip[12:16]), source), (socket.inet_ntoa(ip[16:20]), target), protocol, rest[start:])
