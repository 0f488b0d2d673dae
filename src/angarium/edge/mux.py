"""Tells what is spoken on a port that several protocols share: by ALPN (RFC 7301), by the first words, or by silence.

The apps offer `imap` or `smtp` on every port that is not the standard one. Who offers nothing in TLS, or something
else, is a browser: in the other two protocols the server speaks first, so there would be no byte to tell them by.

In clear it is the same: who speaks is told by what he says, and who waits to be greeted says nothing. One of the two
protocols can be given to him, the one that the keeper has named for this port, and none where he has named none: a
client of TLS whose first packet was lost would be greeted too, and lost by it.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable

from angarium.reach.transport import Connection
from angarium.wire.socks import VERSION as SOCKS

__all__ = ["PROTOCOLS", "SILENCE_SECONDS", "first_words", "serve_mux", "spoken"]

PROTOCOLS = ("imap", "smtp", "http/1.1")
"""What the shared port offers (IANA's ALPN protocol IDs); the first both sides know is taken."""
SILENCE_SECONDS = 1.0
"""After which who said nothing is greeted. A hello of TLS comes with the packet that ends TCP's own, and where it was
lost it is sent again, as a rule, sooner than that."""
LONGEST = 128
"""Octets by which it has to be clear what is spoken."""
TLS, SSL2 = 22, 0x80
HTTP = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH) ")
SMTP = re.compile(rb"(?:EHLO|HELO|NOOP|RSET|HELP|QUIT|STARTTLS|AUTH|MAIL)[ \r\n]", re.IGNORECASE)
IMAP = re.compile(rb"[!-~]+ (?:CAPABILITY|STARTTLS|LOGIN|AUTHENTICATE|ID|NOOP|LOGOUT)[ \r\n]", re.IGNORECASE)

Session = Callable[[Connection], Awaitable[None]]


async def serve_mux(connection: Connection, *, imap: Session, smtp: Session, http: Session) -> None:
    """Give the connection to the session of its protocol."""
    await {"imap": imap, "smtp": smtp}.get(connection.alpn or "", http)(connection)


async def first_words(connection: Connection, *, timeout: float, greet: str | None = None) -> str:
    """What somebody is going to speak who has just connected: `tls`, or what `spoken` says.

    `greet` is what is spoken to who says nothing for a moment; None: he has `timeout` seconds.

    Raises:
        ConnectionError, TimeoutError: nothing came, or no first line.
    """
    try:
        first = await connection.peek(1, timeout=SILENCE_SECONDS if greet else timeout)
    except TimeoutError:
        if greet is None:
            raise
        return greet
    if not first or first[0] == TLS or first[0] & SSL2:
        return "tls"
    said = b""
    async with asyncio.timeout(timeout):
        while (found := spoken(said)) is None and (data := await connection.read()):
            said += data
    connection.unread(said)
    return found or ""


def spoken(said: bytes) -> str | None:
    """What begins so in clear: `imap`, `smtp`, `http`, `socks`, or nothing known (""); None: more has to come."""
    said, more = said[:LONGEST], len(said) < LONGEST
    if said[:1] == bytes((SOCKS,)):
        return "socks"
    for name, begins in (("http", HTTP), ("smtp", SMTP), ("imap", IMAP)):
        if begins.match(said):
            return name
    return None if more and b"\n" not in said and said.isascii() else ""
