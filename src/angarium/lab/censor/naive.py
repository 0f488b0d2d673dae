"""Naive clients: what each censor is shown to censor with, before anybody relies on it.

Each does one thing that a scenario's rule is there to stop, from a host of its own among the people, and tells whether
it got through. So a scenario whose censor stops nothing is found out: with the box open these must get through, and
with the censor at work they must not. Blocking, for a thread.
"""

import secrets
import socket
import ssl
import struct
from collections.abc import Callable

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from angarium.lab.censor.enclosure import RESOLVER

__all__ = ["Naive", "echoed", "looked_up", "many_at_once", "reached", "shaken_hands", "soon_echoed", "strange"]

Naive = Callable[[], bool]
PATIENCE = 2.0
"""Seconds."""


def reached(host: str, port: int) -> bool:
    """A TCP connection."""
    try:
        socket.create_connection((host, port), PATIENCE).close()
    except OSError:
        return False
    return True


def shaken_hands(host: str, port: int, *, name: str | None = None, protocols: tuple[str, ...] = ()) -> bool:
    """A TLS handshake that asks for a name and offers protocols."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    try:
        with socket.create_connection((host, port), PATIENCE) as sock:
            context.wrap_socket(sock, server_hostname=name).close()
    except OSError:
        return False
    return True


def looked_up(name: str, address: str) -> bool:
    """The true address of a name."""
    try:
        response = dns.query.udp(dns.message.make_query(name, dns.rdatatype.A), RESOLVER, PATIENCE)
    except (dns.exception.DNSException, OSError):
        return False
    return address in {item.to_text() for answer in response.answer for item in answer}


def echoed(host: str, port: int, *pieces: bytes) -> bool:
    """Pieces sent one after the other to who sends everything back, each returned whole."""
    try:
        with socket.create_connection((host, port), PATIENCE) as sock:
            for piece in pieces:
                sock.sendall(piece)
                _read(sock, len(piece))
    except OSError:
        return False
    return True


def soon_echoed(host: str, port: int) -> bool:
    """A short piece returned within half a second."""
    try:
        with socket.create_connection((host, port), PATIENCE) as sock:
            sock.settimeout(0.5)
            sock.sendall(b"x")
            _read(sock, 1)
    except OSError:
        return False
    return True


def many_at_once(host: str, port: int, count: int) -> bool:
    """So many connections at a time."""
    held: list[socket.socket] = []
    try:
        held += [socket.create_connection((host, port), PATIENCE) for _ in range(count)]
    except OSError:
        return False
    finally:
        for sock in held:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
    return True


def strange(size: int = 326) -> bytes:
    """Octets that look like nothing: what a fully encrypted protocol sends first."""
    while True:
        data = secrets.token_bytes(size)
        ones = int.from_bytes(data, "big").bit_count() / size
        if 3.9 < ones < 4.1 and data[0] not in b"\x16\x17" and not data[:1].isascii():
            return data


def _read(sock: socket.socket, size: int) -> None:
    while size:
        data = sock.recv(min(size, 1 << 16))
        if not data:
            raise ConnectionError("it ended")
        size -= len(data)
