"""What the kernel counts for a TCP connection (tcp(7), TCP_INFO): the bytes that left, exactly.

With TLS, its handshake and records, and what was sent again; without the headers of IP and TCP. Linux 4.19 or newer: on
other systems nothing is counted, and `COUNTS` says so.
"""

import socket
import struct
import sys

__all__ = ["COUNTS", "bytes_sent"]

COUNTS = sys.platform == "linux"
"""Whether bytes are counted here."""
FIELDS = struct.Struct("=144xI52xQ")
"""`tcpi_notsent_bytes` and `tcpi_bytes_sent` of struct tcp_info, in the kernel's linux/tcp.h."""


def bytes_sent(connected: socket.socket) -> int:
    """Bytes sent so far, those sent again counted again, and those that the kernel is yet to send.

    Raises:
        OSError: the socket is closed, or this system does not count.
    """
    waiting, sent = FIELDS.unpack(connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, FIELDS.size))
    return int(waiting + sent)
