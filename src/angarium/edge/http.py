"""One HTTP/1.1 connection: requests in, handlers asked, responses out (RFC 9110, RFC 9112).

h11 knows the protocol; this file reads and writes for it and holds the limits: bytes of head and body, time for a whole
request however slowly it drips in, silence in between, requests per connection. Refuses to know what is asked.

Invariants: one request is answered before the next is looked at, so pipelining is safe. A message whose end two parties
could see in two places (Content-Length beside Transfer-Encoding) is refused and the connection ended (RFC 9112, 11.2).
No answer names the software, and nothing about who asks is logged or handed on.
"""

import asyncio
import contextlib
import logging
import traceback
from email.utils import formatdate
from http import HTTPStatus

import h11

from angarium.edge.pages.draw import CONTENT_SECURITY_POLICY
from angarium.edge.pages.exchange import Handler, Request, Response, plain
from angarium.edge.pages.router import pages, plain_pages
from angarium.edge.pages.site import HttpSite
from angarium.reach.transport import Connection

__all__ = ["HttpSite", "serve_http", "serve_plain_http"]

log = logging.getLogger("angarium.edge.http")

ALWAYS = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Robots-Tag", "noindex, nofollow"),
)
"""Every page may carry a name and a password: none is kept, framed, indexed, or named to the next site."""
REFUSALS = {
    400: "That is not an HTTP request this server understands.",
    408: "The request took too long.",
    413: "The body of the request is too long.",
    431: "The headers of the request are too long.",
    500: "Something went wrong here. Please try again later.",
    501: "This server does not know that way to send a body.",
    505: "This server speaks HTTP/1.1.",
}


async def serve_http(connection: Connection, site: HttpSite) -> None:
    """Answer with the relay's pages until the connection is over. Raises nothing but CancelledError."""
    await _serve(connection, site, pages(site))


async def serve_plain_http(connection: Connection, site: HttpSite) -> None:
    """Answer on the port without TLS: redirects to the pages, and ACME proofs. Raises nothing but CancelledError."""
    await _serve(connection, site, plain_pages(site))


async def _serve(connection: Connection, site: HttpSite, answer: Handler) -> None:
    try:
        with contextlib.suppress(ConnectionError, TimeoutError):
            await _Session(connection, site, answer).run()
    finally:
        await connection.close()


class _Refusal(Exception):
    """The request cannot be answered, and what follows it cannot be trusted."""

    def __init__(self, status: int) -> None:
        self.status = status


class _Session:
    def __init__(self, connection: Connection, site: HttpSite, answer: Handler) -> None:
        self._connection = connection
        self._site = site
        self._answer = answer
        self._machine = h11.Connection(h11.SERVER, max_incomplete_event_size=site.head_bytes)
        self._clock = asyncio.get_running_loop().time
        self._method = b""
        self._begun = False
        self._deadline = 0.0

    async def run(self) -> None:
        """Answer requests until one side has had enough."""
        for left in reversed(range(self._site.requests)):
            try:
                request = await self._request()
            except _Refusal as refusal:
                await self._write(plain(refusal.status, REFUSALS[refusal.status]), last=True)
                return
            if request is None:
                return
            await self._write(await self._response(request), last=not left)
            if self._machine.our_state is not h11.DONE or self._machine.their_state is not h11.DONE:
                return
            self._machine.start_next_cycle()

    async def _request(self) -> Request | None:
        """The next request, whole; None where the peer has no more."""
        self._begin()
        try:
            head = await self._event()
            if not isinstance(head, h11.Request):
                return None
            self._method = head.method
            _check_framing(head, self._site.limits.http_body_bytes)
            if self._machine.they_are_waiting_for_100_continue:
                await self._send(self._machine.send(h11.InformationalResponse(status_code=100, headers=[])))
            return _request(head, await self._body())
        except h11.RemoteProtocolError as error:
            status = error.error_status_hint
            raise _Refusal(status if status in REFUSALS else 400) from None
        except TimeoutError:
            if not self._begun:
                return None
            raise _Refusal(408) from None

    async def _body(self) -> bytes:
        body = bytearray()
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
            if len(body) > self._site.limits.http_body_bytes:
                raise _Refusal(413)
        return bytes(body)

    def _begin(self) -> None:
        """Start the clock: for the silence before a request, or for one that was pipelined behind the last."""
        waiting, _ = self._machine.trailing_data
        self._method = b""
        self._begun = bool(waiting)
        patience = self._site.request_seconds if self._begun else self._site.quiet_seconds
        self._deadline = self._clock() + patience

    async def _event(self) -> h11.Event:
        while (event := self._machine.next_event()) is h11.NEED_DATA:
            data = await self._connection.read(timeout=max(self._deadline - self._clock(), 0))
            if data and not self._begun:
                self._begun = True
                self._deadline = self._clock() + self._site.request_seconds
            self._machine.receive_data(data)
        assert not isinstance(event, type)  # PAUSED comes only where a request waits for its answer
        return event

    async def _response(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except Exception as error:
            # where it failed, without the error's own text, which might hold a name
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("a handler failed with %s:\n%s", type(error).__name__, where)
            return plain(500, REFUSALS[500])

    async def _write(self, response: Response, *, last: bool) -> None:
        headers = [("Date", formatdate(usegmt=True)), *response.headers, *ALWAYS]
        if response.status != HTTPStatus.NO_CONTENT:
            headers += [("Content-Type", response.content_type), ("Content-Length", str(len(response.body)))]
        if last:
            headers.append(("Connection", "close"))
        reason = HTTPStatus(response.status).phrase
        parts = [self._machine.send(h11.Response(status_code=response.status, headers=headers, reason=reason))]
        if self._method != b"HEAD":
            parts.append(self._machine.send(h11.Data(data=response.body)))
        parts.append(self._machine.send(h11.EndOfMessage()))
        await self._send(b"".join(part or b"" for part in parts))

    async def _send(self, data: bytes | None) -> None:
        if data:
            await self._connection.write(data, timeout=self._site.limits.write_seconds)


def _check_framing(head: h11.Request, body_limit: int) -> None:
    if not head.http_version.startswith(b"1."):
        raise _Refusal(505)
    lengths = [value for name, value in head.headers if name == b"content-length"]
    encoded = any(name == b"transfer-encoding" for name, _ in head.headers)
    if encoded and (lengths or head.http_version < b"1.1"):
        raise _Refusal(400)
    if lengths and int(lengths[0]) > body_limit:
        raise _Refusal(413)


def _request(head: h11.Request, body: bytes) -> Request:
    """The request as handlers see it. A target in absolute form means the same here (RFC 9112, 3.2.2)."""
    target = head.target.decode("ascii")
    scheme, separator, rest = target.partition("://")
    if separator and scheme.lower() in {"http", "https"}:
        target = "/" + rest.partition("/")[2]
    path, _, query = target.partition("#")[0].partition("?")
    headers: dict[str, str] = {}
    for name, value in head.headers:
        headers.setdefault(name.decode("ascii"), value.decode("latin-1"))
    return Request(head.method.decode("ascii"), path, query, headers, body)
