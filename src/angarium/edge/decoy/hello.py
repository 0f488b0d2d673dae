"""Before TLS begins on a decoy's port: who speaks something else, or offers protocols of mail, hears what nginx says.

RFC 7301, 3.2 (no_application_protocol); RFC 8446, 6 (alerts).
"""

import asyncio
import contextlib
from collections.abc import Collection, Coroutine
from typing import Any

from angarium.edge.decoy.prompt import Decoy
from angarium.edge.decoy.session import greet, serve_decoy
from angarium.edge.threshold import Begins
from angarium.reach.transport import Connection
from angarium.wire.tls_hello import NotHello, glance, read_hello

__all__ = ["CIPHERS", "PROTOCOLS", "admit", "begins", "greet_in_clear"]

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


def begins(connection: Connection, *, alpn: frozenset[str]) -> Begins:
    """What somebody begins with: TLS where nginx would take it; UNCLEAR: `admit` tells. `alpn` are the protocols taken
    beside those of HTTP.
    """
    said = connection.glimpse(USUAL)
    if _plain(said, alpn):
        return Begins.TLS
    if not _like_tls(said):
        return Begins.GREETED if said or connection.going else Begins.UNCLEAR
    offered = _offered(said)
    if offered is None:
        return Begins.UNCLEAR
    return Begins.GREETED if _in_vain(offered, alpn) else Begins.TLS


def greet_in_clear(connection: Connection, decoy: Decoy) -> Coroutine[Any, Any, None] | None:
    """Answer who begins with neither TLS nor a protocol that is taken, as `session.greet` does."""
    if not _like_tls(connection.glimpse(1)):
        return greet(connection, decoy, plain=True)
    with contextlib.suppress(ConnectionError):
        connection.put(NO_SUCH_PROTOCOL)
    connection.leave()
    return None


async def admit(connection: Connection, decoy: Decoy, *, alpn: frozenset[str], timeout: float) -> None:
    """Return where TLS may begin. `alpn` as above.

    Raises:
        ConnectionError: it was answered, or refused, and is over.
        TimeoutError: the hello did not come to its end within so many seconds.
    """
    try:
        said = await connection.peek(LONGEST, timeout=timeout)
        if not said:
            raise ConnectionAbortedError("nothing was said")
        tls = _like_tls(said)
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
    return _in_vain(offered, alpn)


def _like_tls(said: bytes) -> bool:
    return bool(said) and (said[0] == TLS or bool(said[0] & SSL2))


def _in_vain(offered: Collection[str], alpn: frozenset[str]) -> bool:
    """Whether protocols are offered, and none that is taken."""
    return bool(offered) and alpn.isdisjoint(offered) and _PROTOCOLS.isdisjoint(offered)


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
