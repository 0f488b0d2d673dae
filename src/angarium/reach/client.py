"""HTTP/1.1 to another server, over connections that somebody else makes: one request after the other (h11's syntax).

A connection is kept for a moment after an answer, since what goes to one relay seldom comes alone. Where a kept one
turns out to be dead before a word of the answer has come, the request is made once more over a new one; whoever makes
it must be one to whom twice is like once.

What is fetched may be long: it goes into a buffer piece by piece, so that whoever asks can go on where a connection
broke. Refuses to know whom to trust and what is asked. Bounded: how long the answer may be, how long the other side may
do nothing, how many connections are kept.

RFC 9110; RFC 9112, 9.3 (persistence).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import h11

from angarium.reach.transport import Connection

__all__ = ["Answer", "HttpClient", "Into"]

HEAD_BYTES = 32_768
"""Longest head of an answer."""
TEXT_BYTES = 131_072
"""How much of an answer's body is read: a line for each of a thousand recipients."""
KEEP_SECONDS = 8.0
"""How long a connection is kept for the next request; servers end silent ones after 15 seconds or more."""
KEEP = 64
"""How many are kept at once."""
OCTETS_PER_SECOND = 1024
"""Pace at which a body must be taken."""

Dial = Callable[[], Awaitable[Connection]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. Names of headers are in lower case; of a name sent twice the first counts."""

    status: int
    headers: dict[str, str]
    text: str
    """The beginning of the body."""


class Into:
    """What has come of something long, over as many requests as it takes."""

    def __init__(self, most: int) -> None:
        """`most`: octets it may have."""
        self._most = most
        self._status = 0
        self.octets = bytearray()

    @property
    def range(self) -> list[tuple[str, str]]:
        """The header to ask with for what is missing (RFC 9110, 14.2)."""
        self._status = 0
        return [("Range", f"bytes={len(self.octets)}-")] if self.octets else []

    def take(self, status: int, data: bytes) -> None:
        """The next piece, of the rest (206) or of the whole from its beginning (200).

        Raises:
            ConnectionError: it is longer than it may be.
        """
        if status == 200 and not self._status:
            self.octets.clear()
        self._status = status
        self.octets += data
        if len(self.octets) > self._most:
            raise ConnectionError("the answer is too long")


class _Stale(Exception):
    """A kept connection was dead."""


class HttpClient:
    """Requests to any number of servers."""

    def __init__(self) -> None:
        self._kept: dict[str, list[tuple[Connection, asyncio.TimerHandle]]] = {}

    @property
    def kept(self) -> int:
        """How many connections wait for a next request."""
        return sum(map(len, self._kept.values()))

    async def post(
        self,
        key: str,
        dial: Dial,
        *,
        host: str,
        path: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        timeout: float,
    ) -> Answer:
        """Make a POST request.

        Args:
            key: what connections are kept under; the same only where `dial` leads to the same server.
            dial: makes a connection; what it raises is passed on.
            host: the Host header.
            path: the target.
            headers: besides Host and Content-Length; values may be UTF-8.
            body: sent as it is.
            timeout: seconds the other side may take for the next piece, or from the last piece to its answer.

        Raises:
            TimeoutError: it took longer.
            ConnectionError: the connection broke, or what came is no answer.
            ValueError: a header that cannot be said.
        """
        return await self.ask(
            key, dial, "POST", host=host, path=path, headers=headers, body=body, timeout=timeout, into=None
        )

    async def ask(
        self,
        key: str,
        dial: Dial,
        method: str,
        *,
        host: str,
        path: str,
        headers: Sequence[tuple[str, str]],
        timeout: float,
        body: bytes = b"",
        into: "Into | None" = None,
    ) -> Answer:
        """Make a request of any method, as `post` does.

        Args:
            into: where the body goes, as it comes, if the answer is 200 or 206; `Answer.text` is then empty.

        Raises:
            As `post` does; what came before the connection broke is in `into`.
        """
        request = _request(method, host, path, headers, len(body))
        if kept := self._take(key):
            with contextlib.suppress(_Stale):
                return await self._ask(key, _Exchange(kept, request, body, timeout, into), kept=True)
        return await self._ask(key, _Exchange(await dial(), request, body, timeout, into), kept=False)

    def close(self) -> None:
        """End the connections that are kept."""
        for waiting in self._kept.values():
            for connection, timer in waiting:
                timer.cancel()
                connection.abort()
        self._kept.clear()

    async def _ask(self, key: str, exchange: "_Exchange", *, kept: bool) -> Answer:
        connection = exchange.connection
        try:
            answer = await exchange.run()
        except (ConnectionError, TimeoutError):
            connection.abort()
            if kept and not exchange.answered:
                raise _Stale from None
            raise
        except BaseException:
            connection.abort()
            raise
        if exchange.reusable and self.kept < KEEP:
            self._keep(key, connection)
        else:
            connection.abort()
        return answer

    def _take(self, key: str) -> Connection | None:
        waiting = self._kept.get(key)
        if not waiting:
            return None
        connection, timer = waiting.pop()
        if not waiting:
            del self._kept[key]
        timer.cancel()
        return connection

    def _keep(self, key: str, connection: Connection) -> None:
        timer = asyncio.get_running_loop().call_later(KEEP_SECONDS, self._drop, key, connection)
        self._kept.setdefault(key, []).append((connection, timer))

    def _drop(self, key: str, connection: Connection) -> None:
        waiting = [pair for pair in self._kept.pop(key, []) if pair[0] is not connection]
        if waiting:
            self._kept[key] = waiting
        connection.abort()


class _Exchange:
    """One request and its answer. The answer is listened to while the body is sent: a refusal may come at once."""

    def __init__(
        self, connection: Connection, request: h11.Request, body: bytes, timeout: float, into: "Into | None"
    ) -> None:
        self.connection = connection
        self._into = into
        self._machine = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
        self._head = self._machine.send(request) or b""
        for event in (h11.Data(data=body), h11.EndOfMessage()):
            self._machine.send(event)  # lengths are known, so what is sent is the body itself
        self._body = body
        self._timeout = timeout
        self._limit = asyncio.timeout(None)
        self._sent = False
        self.answered = False
        """Whether anything of an answer has come."""

    @property
    def reusable(self) -> bool:
        """Whether the connection is good for another request."""
        waiting, _ = self._machine.trailing_data
        done = self._machine.our_state is h11.DONE and self._machine.their_state is h11.DONE
        return self._sent and done and not waiting

    async def run(self) -> Answer:
        async with self._limit:
            self._limit.reschedule(_now() + self._timeout + len(self._body) / OCTETS_PER_SECOND)
            sending = asyncio.create_task(self._send())
            try:
                return await self._hear()
            finally:
                sending.cancel()
                await asyncio.wait([sending])
                if not sending.cancelled():
                    sending.exception()  # a connection that broke: what was heard tells more

    async def _send(self) -> None:
        await self.connection.write(self._head, timeout=self._timeout)
        await self.connection.write(self._body, timeout=self._timeout)
        self._sent = True
        self._limit.reschedule(_now() + self._timeout)

    async def _hear(self) -> Answer:
        response: h11.Response | None = None
        text = bytearray()
        while True:
            match event := await self._event():
                case h11.Response():
                    response = event
                case h11.Data(data=data) if self._into is not None and response and response.status_code in (200, 206):
                    self._into.take(response.status_code, data)
                    self._limit.reschedule(_now() + self._timeout)
                case h11.Data(data=data):
                    text += data
                case h11.InformationalResponse():
                    continue
                case _ if response is None:
                    raise ConnectionError("the server closed without an answer")
            if isinstance(event, h11.EndOfMessage) or len(text) > TEXT_BYTES:
                assert response is not None
                return _answer(response, text[:TEXT_BYTES])

    async def _event(self) -> object:
        try:
            while (event := self._machine.next_event()) is h11.NEED_DATA:
                data = await self.connection.read()
                self.answered = self.answered or bool(data)
                self._machine.receive_data(data)
        except h11.RemoteProtocolError:
            raise ConnectionError("the answer is no HTTP") from None
        return event


def _request(method: str, host: str, path: str, headers: Sequence[tuple[str, str]], length: int) -> h11.Request:
    everything = [("Host", host), *headers]
    if length or method == "POST":
        everything.append(("Content-Length", str(length)))
    try:
        return h11.Request(
            method=method, target=path, headers=[(name.encode(), value.encode()) for name, value in everything]
        )
    except h11.LocalProtocolError:
        raise ValueError("a header that cannot be said") from None


def _answer(response: h11.Response, text: bytearray) -> Answer:
    lines = [(name.decode("ascii"), value.decode("latin-1")) for name, value in response.headers]
    return Answer(response.status_code, dict(reversed(lines)), text.decode(errors="replace"))


def _now() -> float:
    return asyncio.get_running_loop().time()
