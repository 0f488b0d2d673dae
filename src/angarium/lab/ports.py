"""Ports for relays that must know of each other before either listens."""

import contextlib
import secrets
import socket

__all__ = ["free_ports"]

PORTS = range(20_000, 32_000)
"""Below those that the system gives to whoever asks for any: nobody gets one of these by chance meanwhile."""


def free_ports(host: str, count: int) -> list[int]:
    """Different ports of an address that nobody listens on now."""
    found: list[int] = []
    while len(found) < count:
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with contextlib.suppress(OSError), socket.create_server((host, port)):
            if port not in found:
                found.append(port)
    return found
