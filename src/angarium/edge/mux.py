"""One port for everything: tells what a peer wants, and hands it on.

On the pages' port an app says in the TLS handshake what it wants (ALPN, RFC 7301): `imap` or `smtp`; a browser says
`http/1.1` or nothing. Refuses to know any of the protocols.
"""

from collections.abc import Awaitable, Callable

from angarium.reach.transport import Connection

__all__ = ["PROTOCOLS", "serve_mux"]

PROTOCOLS = ("http/1.1", "imap", "smtp")
"""What the port offers, in the order of preference where a client offers several."""

Serve = Callable[[Connection], Awaitable[None]]


async def serve_mux(connection: Connection, *, imap: Serve, smtp: Serve, http: Serve) -> None:
    """Serve a connection, in TLS already, with the protocol it asked for."""
    match connection.alpn:
        case "imap":
            await imap(connection)
        case "smtp":
            await smtp(connection)
        case _:
            await http(connection)
