"""How many connections this process may hold: the kernel counts them in file descriptors.

Many systems begin with 1,024 and allow far more to who asks.
"""

import contextlib
import resource

__all__ = ["RESERVE", "raise_limit"]

RESERVE = 128
"""Descriptors kept for everything that is no connection: the database, certificates, listening sockets, libraries."""


def raise_limit(connections: int) -> int:
    """Ask the kernel for as many descriptors as so many connections need; return for how many there is room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections
    wanted = connections + RESERVE
    if soft < wanted:
        more = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):  # a system with a bound of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    return max(min(connections, soft - RESERVE), 1)
