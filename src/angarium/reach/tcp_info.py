"""What the kernel counts for a TCP connection (tcp(7), TCP_INFO): the bytes that left, as a box in between sees them,
and how long they take there and back.

With TLS, its handshake and records, what was sent again, and the headers of the packets that carried it; without bare
acknowledgements. Linux 4.19 or newer: on other systems nothing is counted, and `COUNTS` says so.
"""

import socket
import struct
import sys

__all__ = ["COUNTS", "HEADERS", "bytes_sent", "round_trip"]

COUNTS = sys.platform == "linux"
"""Whether bytes are counted here."""
HEADERS = 52
"""Bytes of IPv4 and TCP, with time stamps, in each packet."""
FIELDS = struct.Struct("=144xI8xI40xQ")
"""`tcpi_notsent_bytes`, `tcpi_data_segs_out` and `tcpi_bytes_sent` of struct tcp_info, in the kernel's linux/tcp.h."""

ROUND_TRIP = struct.Struct("=68xI")
"""`tcpi_rtt`, in microseconds."""


def round_trip(connected: socket.socket) -> float:
    """Seconds to the other end and back, as the kernel reckons by now; 0 where that is not known.

    Raises:
        OSError: the socket is closed.
    """
    if connected.family == socket.AF_UNIX or not COUNTS:
        return 0.0
    (micro,) = ROUND_TRIP.unpack(connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, ROUND_TRIP.size))
    return float(micro) / 1e6


def bytes_sent(connected: socket.socket) -> int:
    """Bytes sent so far, those sent again counted again, and those that the kernel is yet to send.

    None where the other end is in this machine, as inside the proxy: what is on the wire there is the tunnel's.

    Raises:
        OSError: the socket is closed, or this system does not count.
    """
    if connected.family == socket.AF_UNIX:
        return 0
    waiting, packets, sent = FIELDS.unpack(connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, FIELDS.size))
    return int(waiting + sent + HEADERS * packets)
