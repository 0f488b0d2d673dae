"""One HTTP POST over a connection of its own, for the few requests a relay makes to others (h11 does the syntax).

Only the status of the answer is of interest; its body is not even read. Redirections are not followed.
"""

import asyncio
import ssl
from urllib.parse import urlsplit

import h11

from angarium.reach.connect import connect

__all__ = ["post"]

HEAD_BYTES = 16_384
"""Longest head of an answer."""


async def post(url: str, body: bytes, *, timeout: float, context: ssl.SSLContext | None = None) -> int:
    """POST to an http or https URL; return the status of the answer.

    Args:
        url: where to.
        body: what.
        timeout: seconds for everything, from the look-up of the name to the answer.
        context: whom to trust; by default the system's roots.

    Raises:
        TimeoutError: it took longer.
        ConnectionError: no such URL, no connection, no trust, or an answer that is no HTTP.
    """
    host, port, secure, request = _parsed(url, len(body))
    tls = (context or ssl.create_default_context()) if secure else None
    async with asyncio.timeout(timeout):
        connection = await connect(host, port, tls, timeout=timeout)
        try:
            http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
            parts = (request, h11.Data(data=body), h11.EndOfMessage())
            await connection.write(b"".join(http.send(part) or b"" for part in parts))
            while True:
                match event := _next(http):
                    case h11.Response():
                        return event.status_code
                    case h11.NEED_DATA:
                        http.receive_data(await connection.read())
                    case h11.ConnectionClosed():
                        raise ConnectionError("the server closed without an answer")
        finally:
            connection.abort()


def _next(http: h11.Connection) -> object:
    try:
        return http.next_event()
    except h11.RemoteProtocolError as error:
        raise ConnectionError("the answer is no HTTP") from error


def _parsed(url: str, length: int) -> tuple[str, int, bool, h11.Request]:
    """Host, port, whether with TLS, and the head of the request."""
    try:
        where = urlsplit(url)
        secure = where.scheme == "https"
        port = where.port or (443 if secure else 80)
        request = h11.Request(
            method="POST",
            target=(where.path or "/") + (f"?{where.query}" if where.query else ""),
            headers=[
                ("Host", where.netloc.rpartition("@")[2]),
                ("Content-Type", "text/plain"),
                ("Content-Length", str(length)),
                ("Connection", "close"),
            ],
        )
    except (ValueError, h11.LocalProtocolError) as error:
        raise ConnectionError("this is no URL to POST to") from error
    if where.scheme not in ("http", "https") or not where.hostname:
        raise ConnectionError("this is no URL to POST to")
    return where.hostname, port, secure, request
