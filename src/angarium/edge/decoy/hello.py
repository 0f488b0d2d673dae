"""Before TLS begins on a decoy's port: who speaks something else, or offers protocols of mail, hears what nginx says.

RFC 7301, 3.2 (no_application_protocol); RFC 8446, 6 (alerts).
"""

import asyncio

from angarium.edge.decoy.prompt import Decoy
from angarium.edge.decoy.session import serve_decoy
from angarium.reach.transport import Connection
from angarium.wire.tls_hello import NotHello, glance, read_hello

__all__ = ["CIPHERS", "PROTOCOLS", "admit", "plain_to_see"]

PROTOCOLS = ("http/1.1", "http/1.0", "http/0.9")
"""What nginx without HTTP/2 offers, in its order."""
_PROTOCOLS = frozenset(PROTOCOLS)
CIPHERS = "HIGH:!aNULL:!MD5"
"""What nginx offers before TLS 1.3 (ssl_ciphers)."""
NO_SUCH_PROTOCOL = bytes((21, 3, 3, 0, 2, 2, 120))
SSL2, TLS, TLS_1_2 = 0x80, 22, 0x0303
USUAL = 4096
"""Octets in which there is room for nearly every hello."""
LONGEST = 16_384
"""Octets looked at: a hello that is longer, by post-quantum keys and all, is nobody's."""
RECORD = 5
"""Octets before each record of TLS, the last two of which say how long it is."""


def plain_to_see(connection: Connection, *, alpn: frozenset[str]) -> bool:
    """Whether TLS may begin: the hello is there, and offers what is taken, or no protocols. False: `admit` tells."""
    return _plain(connection.glimpse(USUAL), alpn)


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
        tls = said[0] == TLS or bool(said[0] & SSL2)
        refused = tls and await _refused(connection, said, alpn, timeout)
    except OSError:
        connection.leave()
        raise
    if not tls:
        await serve_decoy(connection, decoy, plain=True)
        raise ConnectionAbortedError("no TLS")
    if refused:
        await connection.write(NO_SUCH_PROTOCOL, timeout=timeout)
        connection.leave()
        raise ConnectionAbortedError("no protocol in common")


def _plain(said: bytes, alpn: frozenset[str]) -> bool:
    """Whether a glance at a hello tells that it may go on."""
    seen = glance(said)
    return seen is not None and (not seen or not alpn.isdisjoint(seen) or not _PROTOCOLS.isdisjoint(seen))


async def _refused(connection: Connection, said: bytes, alpn: frozenset[str], timeout: float) -> bool:
    """Whether protocols are offered, and none that is taken: OpenSSL's server, as Python has it, does not mind."""
    if _plain(said, alpn):
        return False
    if (offered := _offered(said)) is None:
        async with asyncio.timeout(timeout):
            offered = await _awaited(connection, said, timeout)
    return bool(offered) and (alpn | _PROTOCOLS).isdisjoint(offered)


def _offered(said: bytes) -> tuple[str, ...] | None:
    """The protocols offered; None: there is more to come. What is no hello, or too old, is for OpenSSL to say."""
    try:
        hello = read_hello(said)
    except NotHello:
        return ()
    if hello is None:
        return None
    return hello.protocols if hello.newest >= TLS_1_2 else ()


async def _awaited(connection: Connection, said: bytes, timeout: float) -> tuple[str, ...]:
    """The same, of a hello that is not whole yet: in several packets, or drop by drop."""
    before = 0
    while (offered := _offered(said)) is None and before < len(said) < LONGEST:
        before = len(said)
        whole = RECORD + (int.from_bytes(said[3:RECORD]) if before >= RECORD else 0)
        said = await connection.peek(LONGEST, timeout=timeout, least=min(max(whole, before + 1), LONGEST))
    return offered or ()  # it ended in the middle, or is longer than anybody's
