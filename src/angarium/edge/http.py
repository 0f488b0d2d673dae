"""One HTTP/1.1 connection: requests in, handlers asked, responses out (RFC 9110, RFC 9112).

h11 knows the protocol; this file reads and writes for it and holds the limits: bytes of head and body, time for a whole
request however slowly it drips in, silence in between, requests per connection. Refuses to know what is asked.

An inlet takes bodies that are larger than that, at walking pace, and counts them in the hold (`pace`, `hold`).

Invariants: one request is answered before the next is looked at, so pipelining is safe. A message whose end two parties
could see in two places (Content-Length beside Transfer-Encoding) is refused and the connection ended (RFC 9112, 11.2).
No answer names the software, and nothing about who asks is logged or handed on.
"""

import asyncio
import contextlib
import io
import logging
import secrets
import traceback
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http import HTTPStatus

import h11

from angarium.edge.mxdeliv import PATH
from angarium.edge.pace import Pace
from angarium.edge.pages.draw import CONTENT_SECURITY_POLICY
from angarium.edge.pages.exchange import Handler, Inlet, Request, Response, plain
from angarium.edge.pages.router import pages, plain_pages
from angarium.edge.pages.site import HttpSite
from angarium.edge.tunnel import Onward
from angarium.reach.transport import Connection

__all__ = ["HttpSite", "serve_http", "serve_once", "serve_plain_http"]

log = logging.getLogger("angarium.edge.http")

PADDING = 1500
"""Octets that the answer to CONNECT is longer at most than it need be. The app reads 4096 at once."""
INLET_SILENCE_SECONDS = 60.0
"""Time between two pieces of a long body."""

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
    503: "Too much at once. Please try again later.",
    505: "This server speaks HTTP/1.1.",
}


async def serve_http(connection: Connection, site: HttpSite) -> None:
    """Answer with the relay's pages until the connection is over. Raises nothing but CancelledError."""
    await _serve(connection, site, pages(site))


async def serve_plain_http(connection: Connection, site: HttpSite) -> None:
    """Answer on the port without TLS: redirects to the pages, and ACME proofs. Raises nothing but CancelledError."""
    await _serve(connection, site, plain_pages(site))


async def serve_once(connection: Connection, said: bytes, site: HttpSite, *, plain: bool = False) -> bytes | None:
    """Answer one request, of which `said` has come; what has come behind it, or None where the connection is over.

    `plain`: it is the port without TLS.

    Raises:
        ConnectionError, TimeoutError: as from the connection.
    """
    return await _Session(connection, site, (plain_pages if plain else pages)(site)).once(said)


async def _serve(connection: Connection, site: HttpSite, answer: Handler) -> None:
    connection.settle()  # there is no login to wait for
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
        self._held = 0

    async def run(self) -> None:
        """Answer requests until one side has had enough."""
        for left in reversed(range(self._site.requests)):
            if not await self._exchange(last=not left):
                return
            if self._machine.our_state is not h11.DONE or self._machine.their_state is not h11.DONE:
                return
            self._machine.start_next_cycle()

    async def once(self, said: bytes) -> bytes | None:
        """Answer the request that begins with these bytes."""
        self._machine.receive_data(said)
        if not await self._exchange(last=False) or self._machine.our_state is not h11.DONE:
            return None
        behind, ended = self._machine.trailing_data
        return None if ended else behind

    async def _exchange(self, *, last: bool) -> bool:
        """Answer the next request; return whether there was one that could be understood."""
        inlet: Inlet | None = None
        try:
            if (head := await self._head()) is None:
                return False
            inlet = self._inlet(head)
            request = _request(head, await self._body(head, inlet), self._site.base)
            if request.method == "CONNECT" and (onward := await self._site.tunnel(request)) is not None:
                await self._leave(onward)
                return False
            response = await self._response(request)
        except _Refusal as refusal:
            await self._write(plain(refusal.status, REFUSALS[refusal.status]), last=True)
            return False
        finally:
            if inlet is not None:
                inlet.hold.give(self._held)
            self._held = 0
        await self._write(response, last=last)
        return True

    async def _head(self) -> h11.Request | None:
        """The head of the next request; None where the peer has no more."""
        self._begin()
        with _refusing(begun=lambda: self._begun):
            head = await self._event()
            if not isinstance(head, h11.Request):
                return None
            self._method = head.method
            return head
        return None

    def _inlet(self, head: h11.Request) -> Inlet | None:
        if head.method != b"POST":
            return None
        path = _request(head, b"", self._site.base).path
        inlet = self._site.inlets.get(path) or self._site.inlets.get(f"{path.rpartition('/')[0]}/*")
        return inlet if inlet is not None and inlet.admits(path) else None

    async def _body(self, head: h11.Request, inlet: Inlet | None) -> bytes:
        """The body of a request, whole. It is kept once: what is written into a BytesIO is given out uncopied."""
        most = inlet.octets if inlet else self._site.limits.http_body_bytes
        _check_framing(head, most)
        pace = Pace(self._clock()) if inlet else None
        body = io.BytesIO()
        with _refusing(begun=lambda: True):
            if self._machine.they_are_waiting_for_100_continue:
                await self._send(self._machine.send(h11.InformationalResponse(status_code=100, headers=[])))
            while True:
                if pace is not None:
                    self._deadline = min(pace.deadline, self._clock() + INLET_SILENCE_SECONDS)
                event = await self._event()
                if not isinstance(event, h11.Data):
                    return body.getvalue()
                body.write(event.data)
                if body.tell() > most:
                    raise _Refusal(413)
                if inlet is not None and pace is not None:
                    pace.count(len(event.data))
                    self._hold(inlet, len(event.data))

    def _hold(self, inlet: Inlet, octets: int) -> None:
        if not inlet.hold.take(octets):
            raise _Refusal(503)
        self._held += octets

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

    async def _leave(self, onward: Onward) -> None:
        """Say that the tunnel is there, at a length that means nothing, and give the connection to it."""
        padding = ("X-Padding", secrets.token_hex(PADDING)[: secrets.randbelow(PADDING)])
        yes = self._machine.send(h11.Response(status_code=200, headers=[padding], reason="Connection established"))
        waiting, _ = self._machine.trailing_data
        self._connection.unread(waiting)
        await onward(self._connection, yes or b"")

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


@contextlib.contextmanager
def _refusing(*, begun: Callable[[], bool]) -> Iterator[None]:
    """Refuse what breaks the protocol, and what takes too long once it has `begun`; silence before that is no fault."""
    try:
        yield
    except h11.RemoteProtocolError as error:
        status = error.error_status_hint
        raise _Refusal(status if status in REFUSALS else 400) from None
    except TimeoutError:
        if begun():
            raise _Refusal(408) from None


def _check_framing(head: h11.Request, body_limit: int) -> None:
    if not head.http_version.startswith(b"1."):
        raise _Refusal(505)
    lengths = [value for name, value in head.headers if name == b"content-length"]
    encoded = any(name == b"transfer-encoding" for name, _ in head.headers)
    if encoded and (lengths or head.http_version < b"1.1"):
        raise _Refusal(400)
    if lengths and int(lengths[0]) > body_limit:
        raise _Refusal(413)


def _request(head: h11.Request, body: bytes, base: str) -> Request:
    """The request as handlers see it. A target in absolute form means the same here (RFC 9112, 3.2.2).

    Where the pages lie under a `base`, only what begins with it is a page; relays know nothing of it.
    """
    target = head.target.decode("ascii")
    scheme, separator, rest = target.partition("://")
    if separator and scheme.lower() in {"http", "https"}:
        target = "/" + rest.partition("/")[2]
    path, _, query = target.partition("#")[0].partition("?")
    lines = [(name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers]
    under = base if base and path.startswith(f"{base}/") else ""
    if base and not under and path.startswith("/") and path != PATH and not path.startswith("/box/"):
        path = "/lost"
    return Request(head.method.decode("ascii"), path[len(under) :], query, dict(reversed(lines)), body, lines, under)
