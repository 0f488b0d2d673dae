"""What the kernel counts for a TCP connection (tcp(7), TCP_INFO): the bytes that left, as a box in between sees them,
and how long they take there and back.

With TLS, its handshake and records, what was sent again, and the headers of the packets that carried it; without bare
acknowledgements. Linux 4.19 or newer: on other systems nothing is counted, and `COUNTS` says so.
"""

import errno
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
    counted = _counted(connected, ROUND_TRIP) if COUNTS else None
    return 0.0 if counted is None else counted[0] / 1e6


def bytes_sent(connected: socket.socket) -> int:
    """Bytes sent so far, those sent again counted again, and those that the kernel is yet to send.

    None where the other end is in this machine, as inside the proxy: what is on the wire there is the tunnel's.

    Raises:
        OSError: the socket is closed, or this system does not count.
    """
    counted = _counted(connected, FIELDS)
    if counted is None:
        return 0
    waiting, packets, sent = counted
    return waiting + sent + HEADERS * packets


def _counted(connected: socket.socket, fields: struct.Struct) -> tuple[int, ...] | None:
    """These fields; None: it is no TCP, whatever family the socket was made for (`Connection.seat`)."""
    try:
        return fields.unpack(connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, fields.size))
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return None
        raise
