"""Tells what is spoken on a port that several protocols share: the client says so in the handshake (ALPN, RFC 7301).

The apps offer `imap` or `smtp` on every port that is not the standard one. Who offers nothing, or something else, is a
browser: in the other two protocols the server speaks first, so there would be no byte to tell them by.
"""

from collections.abc import Awaitable, Callable

from angarium.reach.transport import Connection

__all__ = ["PROTOCOLS", "serve_mux"]

PROTOCOLS = ("imap", "smtp", "http/1.1")
"""What the shared port offers (IANA's ALPN protocol IDs); the first both sides know is taken."""

Session = Callable[[Connection], Awaitable[None]]


async def serve_mux(connection: Connection, *, imap: Session, smtp: Session, http: Session) -> None:
    """Give the connection to the session of its protocol."""
    await {"imap": imap, "smtp": smtp}.get(connection.alpn or "", http)(connection)
