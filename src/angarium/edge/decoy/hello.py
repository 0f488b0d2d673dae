"""Before TLS begins on a decoy's port: who speaks something else, or offers protocols of mail, hears what nginx says.

RFC 7301, 3.2 (no_application_protocol); RFC 8446, 6 (alerts).
"""

import asyncio

from angarium.edge.decoy.session import Decoy, serve_decoy
from angarium.reach.transport import Connection
from angarium.wire.tls_hello import LONGEST, Incomplete, protocols

__all__ = ["CIPHERS", "PROTOCOLS", "admit"]

PROTOCOLS = ("http/1.1", "http/1.0", "http/0.9")
"""What nginx without HTTP/2 offers, in its order."""
CIPHERS = "HIGH:!aNULL:!MD5"
"""What nginx offers before TLS 1.3 (ssl_ciphers)."""
NO_SUCH_PROTOCOL = bytes((21, 3, 3, 0, 2, 2, 120))
SSL2, TLS = 0x80, 22
PAUSE, LONGEST_PAUSE = 0.005, 0.5
"""Seconds between two looks at a hello that is not whole yet."""


async def admit(connection: Connection, decoy: Decoy, *, alpn: frozenset[bytes], timeout: float) -> None:
    """Return where TLS may begin. `alpn` are the protocols taken beside those of HTTP.

    Raises:
        ConnectionError: it was answered, or refused, and is over.
        TimeoutError: the hello did not come to its end within so many seconds.
    """
    first = await connection.peek(1, timeout=timeout)
    if first and first[0] != TLS and not first[0] & SSL2:
        await serve_decoy(connection, decoy, plain=True)
        raise ConnectionAbortedError("no TLS")
    async with asyncio.timeout(timeout):
        offered = await _offered(connection, timeout)
    if offered is not None and not {*offered} & {*(name.encode() for name in PROTOCOLS), *alpn}:
        await connection.write(NO_SUCH_PROTOCOL, timeout=timeout)
        raise ConnectionAbortedError("no protocol in common")


async def _offered(connection: Connection, timeout: float) -> list[bytes] | None:
    pause, before = PAUSE, -1
    while True:
        said = await connection.peek(LONGEST, timeout=timeout)
        try:
            return protocols(said)
        except Incomplete:
            if len(said) in (0, LONGEST):  # ended in the middle, or longer than anybody's: OpenSSL says what it thinks
                return None
        pause = PAUSE if len(said) > before else min(2 * pause, LONGEST_PAUSE)
        before = len(said)
        await asyncio.sleep(pause)
