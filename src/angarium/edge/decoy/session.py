"""One connection to the decoy: requests of strangers in, nginx's answers out, and the relay's own people let through.

The first request is nearly always answered at once (`prompt`), in the turn of the loop in which it comes, and takes no
task: `greet` answers it, and whatever else there is to do is done by `serve_decoy`.

A request is looked at before it is answered: who knows the secret path, shows a pass, or brings mail for somebody who
is here, is served by the relay itself (`edge/http`), and then it is the decoy's turn again. Everybody else gets what
Debian's nginx would say of the folder, down to the limits, and the relay is not asked.

Not imitated: the milliseconds in which nginx holds back a short answer (TCP_CORK), and where it divides compressed
pages of more than 24 kB into chunks.
"""

import asyncio
import contextlib
import socket
import time
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from angarium.edge.decoy.answer import Answer, head_of, mark_squeezed, refusal, squeezed, squeezer
from angarium.edge.decoy.body import NO_BODY, Body
from angarium.edge.decoy.dates import date_of
from angarium.edge.decoy.files import AT_ONCE, content
from angarium.edge.decoy.folder import MOST, asks_squeezed
from angarium.edge.decoy.ordinary import ordinary_head
from angarium.edge.decoy.prompt import Decoy, Prompt, prompt, prompt_anew, prompt_to, refused
from angarium.edge.decoy.request import Bad, Head, read_head
from angarium.edge.pages.exchange import Request
from angarium.reach.transport import PIECE, Connection

__all__ = ["HEAD_SECONDS", "greet", "rehearse", "request_of", "serve_decoy"]

HEAD_SECONDS = 60.0
"""For a head, and for the first word of TLS (client_header_timeout)."""
KEEP_SECONDS = 75.0
"""Silence between two requests (keepalive_timeout)."""
BODY_SECONDS = 60.0
"""Silence in the midst of a body that is to be handed on (client_body_timeout)."""
REQUESTS = 1000
DRAIN_SILENCE, DRAIN_SECONDS = 5.0, 30.0
"""How long nginx goes on reading a body that it has answered already."""
SQUEEZED_MOST = 1 << 20
"""Larger pages are not compressed: that would hold up everybody else."""
SAMPLE = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def greet(connection: Connection, decoy: Decoy, *, plain: bool = False) -> Coroutine[Any, Any, None] | None:
    """Answer what somebody has said who said nothing before, and return what is left to be done then, for a task; None:
    nothing is, since he has said nothing yet, or the connection is over. `plain`: TLS was to begin, and did not.
    """
    try:
        said = connection.at_hand()
    except ConnectionError:
        return connection.close()
    if said is None:
        return None
    if not said:
        connection.leave(silent=True)
        return None
    first = prompt(decoy, said, plain=plain)
    if first is None:
        connection.unread(said)
        return serve_decoy(connection, decoy, plain=plain)
    with contextlib.suppress(ConnectionError):  # of which the session hears too
        first.octets = connection.put(first.octets)
    if not (first.octets or first.keep or first.more or first.awaits) and connection.part():
        return None
    return serve_decoy(connection, decoy, plain=plain, first=first)


def rehearse(decoy: Decoy, *, soon: bool) -> None:
    """Do once, with nobody there, what is done for a stranger: a processor does in a tenth of the time what it has done
    lately. `soon`: only what takes little time. Where the system has no sockets left there is no more than that either.
    """
    prompt(decoy, SAMPLE, plain=False)
    if soon:
        return
    prompt_anew(decoy, SAMPLE, plain=False)
    with contextlib.suppress(OSError):
        ours, theirs = socket.socketpair()
        with ours:
            ours.send(SAMPLE)
            connection = Connection(theirs)
            if (left := greet(connection, decoy)) is not None:
                left.close()
                connection.abort()


async def serve_decoy(
    connection: Connection, decoy: Decoy, *, plain: bool = False, first: Prompt | None = None
) -> None:
    """Answer until the connection is over, from the middle of the `first` answer on if there is one.

    Raises nothing but CancelledError.
    """
    try:
        with contextlib.suppress(ConnectionError, TimeoutError):
            await _Session(connection, decoy, plain).run(first)
    finally:
        await connection.close()  # where it was not ended in the site's own way


class _Session:
    def __init__(self, connection: Connection, decoy: Decoy, plain: bool) -> None:
        self._connection = connection
        self._decoy = decoy
        self._plain = plain
        self._said = b""
        self._clock = asyncio.get_running_loop().time

    async def run(self, first: Prompt | None) -> None:
        """Answer requests until one side has had enough."""
        if first is not None and not await self._finish(first):
            return
        for left in reversed(range(REQUESTS if first is None else REQUESTS - 1)):
            try:
                head = await self._head(HEAD_SECONDS if left == REQUESTS - 1 or self._said else KEEP_SECONDS)
            except Bad as bad:
                await self._finish(refused(bad, self._said))
                return
            except TimeoutError:
                self._connection.leave(silent=bool(self._said))
                return
            if head is None:
                self._connection.leave(silent=True)
                return
            if not await self._exchange(head, last=not left):
                return

    async def _finish(self, answer: Prompt) -> bool:
        """Say what was not said of it yet; whether there may be another request."""
        if answer.octets:
            await self._send(answer.octets)
        if answer.awaits:
            await self._drain(Body.announced(answer.awaits))
        self._said = answer.behind if answer.keep else b""
        if not answer.keep:
            await self._leave(more=answer.more)
        return answer.keep

    def _leave(self, *, more: bool) -> Coroutine[Any, Any, None]:
        """End as nginx does: at once, or, where there is `more` that was not looked at, hearing it out."""
        return self._connection.linger(silence=DRAIN_SILENCE, most=DRAIN_SECONDS, more=more or bool(self._said))

    async def _exchange(self, head: Head, *, last: bool) -> bool:
        decoy = self._decoy
        if not self._plain and not decoy.strange(head) and await decoy.known(request_of(head)):
            rest = await decoy.through(self._connection, self._said)
            self._said = rest or b""
            return rest is not None
        self._said = self._said[head.octets :]
        if (at_once := prompt_to(decoy, head, self._said, plain=self._plain, last=last)) is not None:
            return await self._finish(at_once)
        if decoy.onward is not None and not self._plain:
            return await self._hand_on(head, decoy.onward, last=last)
        answer = refusal(497, head) if self._plain else decoy.answer(head)
        body = NO_BODY
        if head.announces:
            body = Body(head)
            self._said = body.take(self._said)
        keep = head.keep_alive and head.minor >= 0 and not (answer.ends or last or body.broken)
        if answer.asks and body.broken:
            answer = refusal(400, head)
        elif answer.asks and head.expects:
            await self._send(CONTINUE)
        await self._write(head, answer, keep=keep, bare=head.minor < 0, silent=head.method == "HEAD")
        try:
            if not answer.drops and (body.done or await self._drain(body)) and keep:
                return True
        except TimeoutError:
            self._said = b""
        await self._leave(more=False)
        return False

    async def _hand_on(self, head: Head, onward: Callable[[Head, bytes], Awaitable[Answer]], *, last: bool) -> bool:
        """As above, for a site elsewhere: the body is heard out first, and asked about is it as a whole."""
        kept = bytearray()
        body = Body(head, kept=kept)
        if head.length > MOST:
            answer = refusal(413, head)
        else:
            if head.expects:
                await self._send(CONTINUE)
            self._said = body.take(self._said)
            while not body.done and not body.broken and len(kept) <= MOST:
                data = await self._connection.read(timeout=BODY_SECONDS)
                if not data:
                    self._connection.leave(silent=True)
                    return False
                self._said = body.take(data)
            if body.broken or len(kept) > MOST:
                answer = refusal(400 if body.broken else 413, head)
            else:
                said = await self._said_elsewhere(onward(head, bytes(kept)))
                if said is None:
                    self._connection.leave(silent=True)
                    return False
                answer = said
        keep = head.keep_alive and head.minor >= 0 and not (answer.ends or last or not body.done)
        unframed = answer.stream is not None and answer.length is None and head.minor < 1 and head.method != "HEAD"
        await self._write(head, answer, keep=keep and not unframed, bare=head.minor < 0, silent=head.method == "HEAD")
        if keep and not unframed:
            return True
        await self._drain(body)
        await self._leave(more=False)
        return False

    async def _said_elsewhere(self, asked: Awaitable[Answer]) -> Answer | None:
        """The site's answer; None: the client ended its side before, and hears not even a goodbye (nginx: 499)."""
        asking = asyncio.ensure_future(asked)
        coming = self._connection.readable()
        try:
            while not asking.done():
                if self._connection.going:
                    return None
                await asyncio.wait([asking, *(() if coming.done() else (coming,))], return_when=FIRST_COMPLETED)
            return asking.result()
        finally:
            coming.cancel()
            asking.cancel()

    async def _head(self, patience: float) -> Head | None:
        deadline = self._clock() + patience
        while True:
            if begun := bool(self._said):
                if (head := ordinary_head(self._said)) is not None:
                    return head
                if self._said.startswith(b"CONNECT ") and (tunnel := await self._tunnel()) is not None:
                    return tunnel
                if (head := read_head(self._said)) is not None:
                    return head
            data = await self._connection.read(timeout=max(deadline - self._clock(), 0))
            if not data:
                return None
            if not begun:
                deadline = self._clock() + HEAD_SECONDS
            self._said += data

    async def _tunnel(self) -> Head | None:
        """nginx refuses CONNECT at its goal's colon; who has a pass says all of it at once."""
        if b"\r\n\r\n" not in self._said:
            return None
        text, _, _ = self._said.partition(b"\r\n\r\n")
        first, *lines = text.decode("latin-1").split("\r\n")
        parts = first.split(" ")
        if len(parts) != 3:
            return None
        pairs = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        head = Head("CONNECT", parts[1], None, 1, dict(pairs), pairs, len(text) + 4)
        return head if await self._decoy.known(request_of(head)) else None

    async def _write(self, head: Head, answer: Answer, *, keep: bool, bare: bool, silent: bool) -> None:
        date = date_of(int(time.time()))
        if answer.stream is not None:
            await self._pass_on(head, answer, answer.stream, date, keep=keep, bare=bare, silent=silent)
            return
        if asks_squeezed(head, answer) and answer.octets <= SQUEEZED_MOST:
            await self._squeeze(answer, date, keep=keep, silent=silent)
            return
        said = b"" if bare else head_of(answer, date, keep=keep, length=answer.octets)
        for part in () if silent or answer.status == 304 else answer.body:
            if isinstance(part, bytes):
                said += part
                continue
            for begin in range(part.begin, part.begin + part.octets, 4 * PIECE):
                octets = min(4 * PIECE, part.begin + part.octets - begin)
                said += await content(replace(part, begin=begin, octets=octets))
                await self._send(said)
                said = b""
        if said:
            await self._send(said)

    async def _squeeze(self, answer: Answer, date: str, *, keep: bool, silent: bool) -> None:
        """Write an answer compressed, or its head only."""
        mark_squeezed(answer)
        said = head_of(answer, date, keep=keep, length=-1 if silent else None)
        if not silent:
            page = b""
            for part in answer.body:
                page += part if isinstance(part, bytes) else await content(part)
            packed = squeezed(page) if len(page) <= AT_ONCE else await asyncio.to_thread(squeezed, page)
            said += b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed)
        await self._send(said)

    async def _pass_on(
        self,
        head: Head,
        answer: Answer,
        stream: AsyncGenerator[bytes, None],
        date: str,
        *,
        keep: bool,
        bare: bool,
        silent: bool,
    ) -> None:
        """Write an answer that comes from elsewhere, piece by piece."""
        packer = squeezer(answer.length) if asks_squeezed(head, answer) else None
        if packer is not None:
            answer.later = [
                (name, f"W/{value}" if name.lower() == "etag" and not value.startswith("W/") else value)
                for name, value in answer.later
                if name.lower() != "accept-ranges"
            ]
            answer.later.append(("Content-Encoding", "gzip"))
            answer.length = None
        empty = silent or answer.status in (204, 304)
        chunked = answer.length is None and head.minor > 0 and not empty
        said = b"" if bare else head_of(answer, date, keep=keep, length=_framing(answer.length, chunked=chunked))
        if empty:
            await self._send(said)
            return
        async with contextlib.aclosing(stream):
            async for piece in stream:
                out = piece if packer is None else packer.compress(piece)
                if out:
                    await self._send(said + (b"%x\r\n%b\r\n" % (len(out), out) if chunked else out))
                    said = b""
        rest = packer.flush() if packer is not None else b""
        if rest and chunked:
            rest = b"%x\r\n%b\r\n" % (len(rest), rest)
        if said or rest or chunked:
            await self._send(said + rest + (b"0\r\n\r\n" if chunked else b""))

    def _send(self, data: bytes) -> Coroutine[Any, Any, None]:
        """To be awaited."""
        return self._connection.write(data, timeout=self._decoy.write_seconds)

    async def _drain(self, body: Body) -> bool:
        """Read what is left of the body, and throw it away; whether it came to its end."""
        deadline = self._clock() + DRAIN_SECONDS
        while not body.done and not body.broken:
            data = await self._connection.read(timeout=min(DRAIN_SILENCE, max(deadline - self._clock(), 0)))
            if not data:
                return False
            self._said = body.take(data)
        return body.done


def _framing(length: int | None, *, chunked: bool) -> int | None:
    """What `head_of` is to say of the length."""
    return length if length is not None else None if chunked else -1


def request_of(head: Head) -> Request:
    """The request as the relay's own handlers see it."""
    path, _, query = head.target.partition("#")[0].partition("?")
    return Request(head.method, path, query, dict(reversed(head.lines)), b"", head.lines)
