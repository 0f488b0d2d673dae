"""A submission session: reads bytes for the machine in `wire/smtp`, asks `mail` what it asks, writes what it answers.

It knows time (every wait has a limit) and nothing else: what is said and when is the machine's, what is allowed is the
mail room's. A message is answered 250 only after `Delivery.submit` has committed it. Where the relay is stopped during
that commit, the client still hears how it ended, so that it neither loses the message nor sends it twice.

Nothing that tells who speaks is ever logged: no address, no name, no text of a message or an error.

RFC 5321, 4.5.3.2 (timeouts), 3.8 (421); RFC 4954 (AUTH); RFC 3207 (STARTTLS).
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from angarium.edge.fault import where
from angarium.edge.settings import Limits
from angarium.mail.accounts import Gate, Refused
from angarium.mail.delivery import Delivery
from angarium.mail.settings import Messages
from angarium.mail.verdict import Verdict
from angarium.reach.transport import Connection
from angarium.store.interfaces import Owner
from angarium.wire.smtp.order import State
from angarium.wire.smtp.replies import Answer, Reply
from angarium.wire.smtp.server import Event, Login, Message, Recipient, Sender, Server, StartTls, Terms

__all__ = ["SmtpSite", "serve_smtp"]

log = logging.getLogger("angarium.edge.smtp")

GRACE_SECONDS = 0.5
"""When the relay stops: time for a commit to end, and as much again for the last words."""

_WELCOME = Reply(235, "2.7.0", "Authentication succeeded")
_FAULT = Reply(451, "4.3.0", "The relay failed, try again later")
_TIMEOUT = Reply(421, "4.4.2", "Timeout")
_STOPPING = Reply(421, "4.3.2", "The relay is being stopped")


@dataclass(frozen=True, slots=True)
class SmtpSite:
    """What a session may call, and what it has to keep to."""

    hostname: str
    """The name in the greeting: the host's, so that it tells nothing of what runs there."""
    limits: Limits
    messages: Messages
    gate: Gate
    delivery: Delivery
    tls: Callable[[], ssl.SSLContext | None]
    """The context for STARTTLS as it is now, or None where TLS cannot be had."""


async def serve_smtp(connection: Connection, site: SmtpSite) -> None:
    """Serve one connection to its end, and close it. Raises nothing but CancelledError, after a goodbye."""
    session = _Session(connection, site)
    try:
        await session.run()
    except asyncio.CancelledError:
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await session.stop()
                await connection.close()
        connection.abort()
        raise
    except (ConnectionError, TimeoutError):
        connection.abort()  # gone, or not taking what we send: phones do that all day
    except Exception as fault:
        log.error("a session failed: %s", where(fault))
        connection.abort()
    else:
        await connection.close()


class _Session:
    """One machine on one connection, and who is logged in."""

    __slots__ = ("_connection", "_login_until", "_machine", "_owner", "_site")

    def __init__(self, connection: Connection, site: SmtpSite) -> None:
        terms = Terms(
            hostname=site.hostname,
            size=site.messages.max_size,
            recipients=site.messages.max_recipients,
            line=site.limits.line_bytes,
            errors=site.limits.errors,
            starttls=site.tls() is not None,
        )
        self._site = site
        self._connection = connection
        self._machine = Server(terms, secure=connection.secure)
        self._owner: Owner | None = None
        self._login_until = _now() + site.limits.login_seconds

    async def run(self) -> None:
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
                await self._take(data)
            await self._flush()

    async def stop(self) -> None:
        """Say why we go. An answer that was already given is said first."""
        self._machine.receive(b"")
        self._machine.close(_STOPPING)
        await self._flush()

    async def _take(self, data: bytes) -> None:
        events = self._machine.receive(data)
        while events:
            for event in events:
                await self._decide(event)
            events = self._machine.receive(b"")

    async def _decide(self, event: Event) -> None:
        if isinstance(event, StartTls):
            await self._start_tls()
            return
        try:
            answer = await self._answer(event)
        except Exception as fault:
            log.error("a session failed: %s", where(fault))
            answer = _FAULT
        self._machine.reply(answer)

    async def _answer(self, event: Login | Sender | Recipient | Message) -> Answer:
        delivery = self._site.delivery
        match event:
            case Login(credentials):
                try:
                    self._owner = await self._site.gate.login(credentials.username, credentials.password)
                except Refused as refused:
                    code, enhanced = (454, "4.7.0") if refused.temporary else (535, "5.7.8")
                    return Reply(code, enhanced, refused.text)
                return _WELCOME
            case Sender(address):
                return delivery.sender(self._who(), address)
            case Recipient(address):
                return delivery.recipient(address)
            case Message(sender, recipients, message):
                return await self._submit(sender, recipients, message)
            case _:
                assert_never(event)

    async def _submit(self, sender: str, recipients: tuple[str, ...], message: bytes) -> Verdict:
        """Submit a message; if we are stopped meanwhile, answer with what becomes of it, as long as the grace lasts."""
        submitting = asyncio.ensure_future(self._site.delivery.submit(self._who(), sender, recipients, message))
        try:
            return await asyncio.shield(submitting)
        except asyncio.CancelledError:
            done, _ = await asyncio.wait({submitting}, timeout=GRACE_SECONDS)
            if done and not submitting.cancelled() and submitting.exception() is None:
                self._machine.reply(submitting.result())
            raise
        finally:
            submitting.cancel()

    async def _start_tls(self) -> None:
        context = self._site.tls()
        if context is None:
            raise ConnectionAbortedError("TLS was to be had a moment ago")
        await self._flush()
        await self._connection.start_tls(context, timeout=self._site.limits.handshake_seconds)
        self._machine.secured()

    async def _flush(self) -> None:
        """All answers in one write."""
        if out := self._machine.to_send():
            await self._connection.write(out, timeout=self._site.limits.write_seconds)

    def _patience(self) -> float:
        """How long to wait for the client: before it is logged in, there is one limit for all of it."""
        patience = self._site.limits.command_seconds
        return patience if self._owner else max(0.0, min(patience, self._login_until - _now()))

    def _who(self) -> Owner:
        assert self._owner is not None, "the machine lets nobody send before a login"
        return self._owner


def _now() -> float:
    return asyncio.get_running_loop().time()
