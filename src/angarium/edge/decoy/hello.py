"""Before TLS begins on a decoy's port: who speaks something else, or offers protocols of mail, hears what nginx says.

RFC 7301, 3.2 (no_application_protocol); RFC 8446, 6 (alerts).
"""

import asyncio

from angarium.edge.decoy.session import Decoy, serve_decoy
from angarium.reach.transport import Connection
from angarium.wire.tls_hello import NotHello, read_hello

__all__ = ["CIPHERS", "PROTOCOLS", "admit"]

PROTOCOLS = ("http/1.1", "http/1.0", "http/0.9")
"""What nginx without HTTP/2 offers, in its order."""
CIPHERS = "HIGH:!aNULL:!MD5"
"""What nginx offers before TLS 1.3 (ssl_ciphers)."""
NO_SUCH_PROTOCOL = bytes((21, 3, 3, 0, 2, 2, 120))
SSL2, TLS = 0x80, 22
LONGEST = 16_384
"""Octets looked at: a hello that is longer, by post-quantum keys and all, is nobody's."""
PAUSE, LONGEST_PAUSE = 0.005, 0.5
"""Seconds between two looks at a hello that is not whole yet."""


async def admit(connection: Connection, decoy: Decoy, *, alpn: frozenset[str], timeout: float) -> None:
    """Return where TLS may begin. `alpn` are the protocols taken beside those of HTTP.

    Raises:
        ConnectionError: it was answered, or refused, and is over.
        TimeoutError: the hello did not come to its end within so many seconds.
    """
    try:
        said = await connection.peek(LONGEST, timeout=timeout)
        if not said:
            raise ConnectionAbortedError("nothing was said")
        if said[0] == TLS or said[0] & SSL2:
            async with asyncio.timeout(timeout):
                offered = await _offered(connection, said, timeout)
    except OSError:
        connection.leave()
        raise
    if said[0] != TLS and not said[0] & SSL2:
        await serve_decoy(connection, decoy, plain=True)
        raise ConnectionAbortedError("no TLS")
    if offered and not {*offered} & {*PROTOCOLS, *alpn}:
        await connection.write(NO_SUCH_PROTOCOL, timeout=timeout)
        connection.leave()
        raise ConnectionAbortedError("no protocol in common")


async def _offered(connection: Connection, said: bytes, timeout: float) -> tuple[str, ...]:
    """What OpenSSL's server, as Python has it, does not look at so strictly as nginx: the protocols offered."""
    pause, before, over = PAUSE, -1, False
    while True:
        try:
            hello = read_hello(said)
        except NotHello:
            return ()  # which is for OpenSSL to say
        if hello is not None:
            return hello.protocols
        if over or len(said) in (0, LONGEST):  # ended in the middle, or longer than anybody's
            return ()
        over = connection.finished  # before looking once more: what came with the end is heard
        if not over:
            pause = PAUSE if len(said) > before else min(2 * pause, LONGEST_PAUSE)
            before = len(said)
            await asyncio.sleep(pause)
        said = await connection.peek(LONGEST, timeout=timeout)
