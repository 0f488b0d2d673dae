"""A site elsewhere, handed on as nginx 1.22 does it (`proxy_pass https://site;` and nothing more).

Each request of a stranger is made once more to that site, over a connection of its own, and what it answers goes back
as it comes. Nothing is asked there that no stranger asked here, and nothing is kept. The site sees this machine, and of
a visitor only what the visitor said; no header names one.

Other than nginx, a name is looked up each time, TLS says which site is meant (SNI), and the certificate is checked,
unless the site is on this machine. What the site's pages link to by its own full address leads there, as with nginx.

RFC 9110, 7.6 (what goes to one hop only). h11 reads the answer.
"""

import ipaddress
import ssl
from collections.abc import AsyncGenerator, Callable
from urllib.parse import urlsplit

import h11

from angarium.edge.decoy.answer import Answer, refusal
from angarium.edge.decoy.folder import host_of
from angarium.edge.decoy.request import Head
from angarium.reach.dialer import Addresses, dial
from angarium.reach.resolver import NoSuchName, Unanswered
from angarium.reach.transport import Connection

__all__ = ["Upstream", "split"]

SECONDS = 60.0
"""To connect, and between two pieces (proxy_connect_timeout, proxy_read_timeout, proxy_send_timeout)."""
HEAD_BYTES = 8192
OURS = {
    *("host", "connection", "content-length", "transfer-encoding", "te", "keep-alive", "expect", "upgrade"),
    *("proxy-authorization", "proxy-connection"),
}
"""What a client says that is not handed on."""
THEIRS = {
    *("date", "server", "connection", "keep-alive", "transfer-encoding", "content-type", "content-length", "x-pad"),
    *("x-accel-expires", "x-accel-redirect", "x-accel-limit-rate", "x-accel-buffering", "x-accel-charset"),
}
"""What the site says that is said anew here, or not at all."""
BODILESS = {204, 304}
SQUEEZED = {200, 403, 404}
LEAST = 20


def split(url: str) -> tuple[bool, str, int] | None:
    """Whether TLS is spoken there, host and port; None: it is no such address, or there is more in it than that."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    secure = parts.scheme == "https"
    plain = not parts.username and not parts.query and not parts.fragment and parts.path in ("", "/")
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or port == 0:
        return None
    return secure, parts.hostname, port or (443 if secure else 80)


class Upstream:
    """The site."""

    def __init__(self, url: str, addresses: Addresses, origin: str, port: Callable[[], str]) -> None:
        """`url` is one that `split` can read; `origin` and `port` are how this side is called (see `Folder`)."""
        found = split(url)
        assert found is not None
        self._secure, self.host, self.port = found
        self._addresses = addresses
        self._origin, self._own_port = origin, port
        self._authority = urlsplit(url).netloc
        self._context = _context(self.host) if self._secure else None

    async def ask(self, head: Head, body: bytes) -> Answer:
        """What the site says to a request; where it cannot be asked, what nginx says then."""
        try:
            connection = await dial(self._addresses, self.host, self.port, timeout=SECONDS)
        except TimeoutError:
            return refusal(504, head)
        except (OSError, NoSuchName, Unanswered):
            return refusal(502, head)
        try:
            if self._context is not None:
                await connection.start_tls_client(self._context, self.host, timeout=SECONDS)
            exchange = _Exchange(connection, head.method)
            await connection.write(self._request(head, body), timeout=SECONDS)
            answer = self._answer(await exchange.response(), exchange)
            self._move(head, answer)
            return answer
        except TimeoutError:
            connection.abort()
            return refusal(504, head)
        except (ConnectionError, h11.RemoteProtocolError):
            connection.abort()
            return refusal(502, head)
        except BaseException:
            connection.abort()
            raise

    def _request(self, head: Head, body: bytes) -> bytes:
        target = head.target.partition("#")[0]
        lines = [f"{head.method} {target} HTTP/1.0", f"Host: {self._authority}", "Connection: close"]
        if body or "content-length" in head.headers or head.chunked:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name.title()}: {value}" for name, value in head.lines if name not in OURS]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def _answer(self, response: h11.Response, exchange: "_Exchange") -> Answer:
        said = [(name.decode("ascii"), value.decode("latin-1")) for name, value in response.headers.raw_items()]
        known = {name.lower(): value for name, value in reversed(said)}
        length = known.get("content-length")
        answer = Answer(
            response.status_code,
            known.get("content-type", ""),
            reason=bytes(response.reason).decode("latin-1"),
            stream=exchange.body() if response.status_code not in BODILESS and not exchange.bare else _nothing(),
            length=int(length) if length is not None else None,
        )
        if response.status_code in BODILESS or exchange.bare:
            exchange.leave()
        answer.later = [(name, value) for name, value in said if name.lower() not in THEIRS]
        answer.changing = (
            answer.status in SQUEEZED
            and answer.kind.partition(";")[0].strip().lower() == "text/html"
            and "content-encoding" not in known
            and (answer.length is None or answer.length >= LEAST)
        )
        return answer

    def _move(self, head: Head, answer: Answer) -> None:
        """Where the site sends somebody to itself, send them here (proxy_redirect)."""
        there = f"{'https' if self._secure else 'http'}://{self._authority}/"
        for at, (name, value) in enumerate(answer.later):
            if name.lower() == "location" and value.startswith(there):
                del answer.later[at]
                here = f"https://{host_of(head, self._origin)}{self._own_port()}/"
                answer.headers.append(("Location", here + value.removeprefix(there)))
                return


class _Exchange:
    """The site's side of one request."""

    def __init__(self, connection: Connection, method: str) -> None:
        self._connection = connection
        self.bare = method == "HEAD"
        """Whether there is to be no body."""
        self._machine = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
        # what is said is ours, and older than what h11 would say; it is told so as to read the answer to it
        self._machine.send(
            h11.Request(method="HEAD" if method == "HEAD" else "GET", target="/", headers=[("Host", "x")])
        )
        self._machine.send(h11.EndOfMessage())

    async def response(self) -> h11.Response:
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise ConnectionError("closed without an answer")

    def leave(self) -> None:
        self._connection.leave()

    async def body(self) -> AsyncGenerator[bytes, None]:
        try:
            while isinstance(event := await self._event(), h11.Data):
                piece = bytes(event.data)
                while isinstance(
                    event := self._machine.next_event(), h11.Data
                ):  # what came in one piece goes on in one
                    piece += bytes(event.data)
                yield piece
                if event is not h11.NEED_DATA:
                    return
        except h11.RemoteProtocolError:
            raise ConnectionAbortedError("cut off") from None
        finally:
            self.leave()

    async def _event(self) -> object:
        while (event := self._machine.next_event()) is h11.NEED_DATA:
            self._machine.receive_data(await self._connection.read(timeout=SECONDS))
        return event


async def _nothing() -> AsyncGenerator[bytes, None]:
    for _ in ():
        yield b""


def _context(host: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = host == "localhost"
    if here:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
