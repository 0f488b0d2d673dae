"""What every SMTP session does, for submission (`smtp`) and between relays (`mx`): the loop around the machine.

Reads bytes for the machine in `wire/smtp`, has its questions answered, writes what it says. Every wait has a limit. A
message is answered once it is durable; where the relay is stopped during that commit, the client still hears how it
ended, so that it neither loses the message nor sends it twice.

Nothing that tells who speaks is ever logged: no address, no name, no text of a message or an error.

RFC 5321, 4.5.3.2 (timeouts), 3.8 (421); RFC 3207 (STARTTLS).
"""

import asyncio
import contextlib
import logging
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from angarium.edge.fault import where
from angarium.edge.settings import Limits
from angarium.reach.transport import Connection
from angarium.wire.smtp.order import State
from angarium.wire.smtp.replies import Answer, Reply
from angarium.wire.smtp.server import Login, Message, Recipient, Sender, Server, StartTls, Terms

__all__ = ["Question", "Session"]

GRACE_SECONDS = 0.5
"""When the relay stops: time for a commit to end, and as much again for the last words."""

_FAULT = Reply(451, "4.3.0", "The relay failed, try again later")
_TIMEOUT = Reply(421, "4.4.2", "Timeout")
_BUSY = Reply(421, "4.3.2", "Too much mail at once, try again later")
_AGAIN = Reply(421, "4.3.2", "Connect again")
_STOPPING = Reply(421, "4.3.2", "The relay is being stopped")

Question = Login | Sender | Recipient | Message
A = TypeVar("A", bound=Answer)


class Session(ABC):
    """One machine on one connection. Who inherits answers its questions."""

    __slots__ = ("_connection", "_limits", "_log", "_machine", "_tls")

    def __init__(
        self,
        connection: Connection,
        terms: Terms,
        limits: Limits,
        tls: Callable[[], ssl.SSLContext | None],
        log: logging.Logger,
    ) -> None:
        self._connection = connection
        self._limits = limits
        self._tls = tls
        self._log = log
        self._machine = Server(terms, secure=connection.secure)

    async def serve(self) -> None:
        """Serve to the end, and close. Raises nothing but CancelledError, after a goodbye."""
        try:
            await self._run()
        except asyncio.CancelledError:
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(GRACE_SECONDS):
                    await self._stop()
                    await self._connection.close()
            self._connection.abort()
            raise
        except (ConnectionError, TimeoutError):
            self._connection.abort()  # gone, or not taking what we send: phones do that all day
        except Exception as fault:
            self._log.error("a session failed: %s", where(fault))
            self._connection.abort()
        else:
            await self._connection.close()

    @abstractmethod
    async def _answer(self, question: Question) -> Answer:
        """Answer the machine. What is raised becomes a 451, and a line in the log."""

    @abstractmethod
    def _patience(self) -> float:
        """Seconds to wait for the client's next bytes."""

    def _spent(self) -> bool:
        """Whether the connection has carried what it may; asked between two messages."""
        return False

    def _takes(self, octets: int) -> bool:
        """Whether there is room for so many bytes that have come; asked before the machine takes them."""
        return True

    async def _durably(self, commit: Coroutine[Any, Any, A]) -> A:
        """Commit a message; if we are stopped meanwhile, answer with what becomes of it, as long as the grace lasts."""
        committing = asyncio.ensure_future(commit)
        try:
            return await asyncio.shield(committing)
        except asyncio.CancelledError:
            done, _ = await asyncio.wait({committing}, timeout=GRACE_SECONDS)
            if done and not committing.cancelled() and committing.exception() is None:
                self._machine.reply(committing.result())
            raise
        finally:
            committing.cancel()

    async def _run(self) -> None:
        """Read, receive, decide, write, until one of the two ends it."""
        await self._flush()
        while self._machine.state is not State.CLOSED:
            try:
                data = await self._connection.read(timeout=self._patience())
            except TimeoutError:
                self._machine.close(_TIMEOUT)
            else:
                if not data:
                    return
                if not self._takes(len(data)):
                    self._machine.close(_BUSY)
                await self._take(data)
            await self._flush()
            if self._machine.state is State.READY and self._spent():
                self._machine.close(_AGAIN)
                await self._flush()

    async def _stop(self) -> None:
        """Say why we go. An answer that was already given is said first."""
        self._machine.receive(b"")
        self._machine.close(_STOPPING)
        await self._flush()

    async def _take(self, data: bytes) -> None:
        events = self._machine.receive(data)
        while events:
            for event in events:
                if isinstance(event, StartTls):
                    await self._start_tls()
                else:
                    self._machine.reply(await self._decide(event))
            events = self._machine.receive(b"")

    async def _decide(self, question: Question) -> Answer:
        try:
            return await self._answer(question)
        except Exception as fault:
            self._log.error("a session failed: %s", where(fault))
            return _FAULT

    async def _start_tls(self) -> None:
        context = self._tls()
        if context is None:
            raise ConnectionAbortedError("TLS was to be had a moment ago")
        await self._flush()
        await self._connection.start_tls(context, timeout=self._limits.handshake_seconds)
        self._machine.secured()

    async def _flush(self) -> None:
        """All answers in one write."""
        if out := self._machine.to_send():
            await self._connection.write(out, timeout=self._limits.write_seconds)
