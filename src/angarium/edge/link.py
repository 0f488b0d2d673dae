"""The line between two processes of one relay: a pair of Unix sockets, and on each end messages that are told or asked.

A message is a msgspec value of a kind that both ends know, after its length in four bytes. What is told needs no
answer; each question gets one, in any order. Everything arrives in the order in which it was said, and what is said in
one turn of the loop is one system call.

Bounded: where the other end reads too slowly, what is told is dropped, and `missed` is said in place of all of it as
soon as there is room. Questions are never dropped; who asks bounds how many there are. Refuses to know what is said.
"""

import asyncio
import itertools
import logging
import socket
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec

__all__ = ["FULL", "Link", "LinkLost"]

log = logging.getLogger("angarium.edge.link")

FULL = 4 << 20
"""Bytes that the other end has not read, above which what is told is dropped."""
LENGTH = 4
MENTION_SECONDS = 0.05
"""How long what is only mentioned waits for something to be said along with it."""
TOLD, ASKED, ANSWERED, FAILED = range(4)


class LinkLost(ConnectionError):
    """The other process is no more, or cannot answer."""


class Link(asyncio.Protocol):
    """One end; see the file's head. Made by `open`."""

    def __init__(
        self,
        kinds: Any,
        hear: Callable[[Any], None],
        answer: Callable[[Any], Awaitable[Any]],
        missed: Any,
    ) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(tuple[int, int, kinds | None]).decode
        self._hear = hear
        self._answer = answer
        self._missed = missed
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._said: list[bytes] = []
        self._full = self._dropped = self._soon = False
        self._numbers = itertools.count(1)
        self._questions: dict[int, asyncio.Future[Any]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    @classmethod
    async def open(
        cls,
        end: socket.socket,
        kinds: Any,
        *,
        hear: Callable[[Any], None],
        answer: Callable[[Any], Awaitable[Any]],
        missed: Any,
    ) -> "Link":
        """Speak through one end of a socket pair.

        Args:
            end: the socket; it belongs to the link from now on.
            kinds: the union of all that may be said.
            hear: takes what is told; must not block.
            answer: takes a question, and returns what it is answered with; raises what is of no use to who asks.
            missed: what is told in place of what was dropped.
        """
        link = cls(kinds, hear, answer, missed)
        await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=end)
        link.bound(FULL)
        return link

    def bound(self, full: int) -> None:
        """Let so many bytes wait before what is told is dropped; see `FULL`."""
        if self._transport is not None:
            self._transport.set_write_buffer_limits(high=full, low=full // 2)

    def tell(self, message: Any) -> None:
        """Say something that may be dropped."""
        if self._full:
            self._dropped = True
        else:
            self._say(TOLD, 0, message)

    def mention(self, message: Any) -> None:
        """Say something that may be dropped, and a moment later than other things."""
        if not self._full:
            self._say(TOLD, 0, message, soon=False)

    def insist(self, message: Any) -> None:
        """Say something that is never dropped."""
        self._say(TOLD, 0, message)

    async def ask(self, message: Any) -> Any:
        """Ask, and return the answer. The question is on its way before this first waits. Raises LinkLost."""
        if self._over.is_set():
            raise LinkLost
        number = next(self._numbers)
        self._questions[number] = future = asyncio.get_running_loop().create_future()
        self._say(ASKED, number, message)
        try:
            return await future
        finally:
            del self._questions[number]

    async def lost(self) -> None:
        """Return when the other end is gone."""
        await self._over.wait()

    async def close(self) -> None:
        """Hang up. Answers that are being worked out are given up."""
        if self._transport is not None:
            self._flush()
            self._transport.close()
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Both ends are there from the beginning."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody answers any more."""
        self._over.set()
        self._transport = None
        for future in self._questions.values():
            if not future.done():
                future.set_exception(LinkLost())

    def data_received(self, data: bytes) -> None:
        """Take what is whole."""
        received = self._received
        received += data
        at = 0
        while len(received) - at >= LENGTH:
            end = at + LENGTH + int.from_bytes(received[at : at + LENGTH])
            if len(received) < end:
                break
            self._take(*self._decode(bytes(received[at + LENGTH : end])))
            at = end
        del received[:at]

    def pause_writing(self) -> None:
        """The other end reads too slowly."""
        self._full = True

    def resume_writing(self) -> None:
        """It has caught up."""
        self._full = False
        if self._dropped:
            self._dropped = False
            self._say(TOLD, 0, self._missed)

    def _take(self, kind: int, number: int, message: Any) -> None:
        if kind == TOLD:
            self._hear(message)
        elif kind == ASKED:
            task = asyncio.get_running_loop().create_task(self._give_answer(number, message))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        elif (future := self._questions.get(number)) is not None and not future.done():  # who asked is still there
            if kind == ANSWERED:
                future.set_result(message)
            else:
                future.set_exception(LinkLost())

    async def _give_answer(self, number: int, message: Any) -> None:
        try:
            answer = await self._answer(message)
        except Exception as fault:
            where = "".join(traceback.format_tb(fault.__traceback__))
            log.error("a question of another process failed with %s:\n%s", type(fault).__name__, where)
            self._say(FAILED, number, None)
        else:
            self._say(ANSWERED, number, answer)

    def _say(self, kind: int, number: int, message: Any, *, soon: bool = True) -> None:
        if self._transport is None:
            return
        frame = self._encode((kind, number, message))
        if soon and not self._soon:
            self._soon = True
            asyncio.get_running_loop().call_soon(self._flush)
        elif not self._said:
            asyncio.get_running_loop().call_later(MENTION_SECONDS, self._flush)
        self._said += (len(frame).to_bytes(LENGTH), frame)

    def _flush(self) -> None:
        self._soon = False
        said, self._said = self._said, []
        if said and self._transport is not None:
            self._transport.write(b"".join(said))
