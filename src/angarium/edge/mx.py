"""Mail from other relays over SMTP: nobody logs in, and nothing is said in clear but STARTTLS.

The loop around the machine is `smtp_session`'s; whose mail is taken is the mail room's to say. Recipients are judged
one by one at RCPT, where the other relay hears of each; a message is answered 250 only once it is in their mailboxes.

A stranger may cost: a connection, the time a message takes at walking pace, and a share of the hold.

RFC 5321; RFC 3207, 4 (530 before TLS).
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from angarium.edge.hold import Hold
from angarium.edge.pace import Pace
from angarium.edge.settings import Limits
from angarium.edge.smtp_session import Question, Session
from angarium.mail.incoming import Incoming
from angarium.mail.settings import Messages
from angarium.mail.verdict import Outcome, Verdict
from angarium.reach.transport import Connection
from angarium.wire.smtp.order import State
from angarium.wire.smtp.replies import Answer
from angarium.wire.smtp.server import Message, Recipient, Sender, Terms

__all__ = ["MxSite", "serve_mx"]

log = logging.getLogger("angarium.edge.mx")

ERRORS = 10
"""Errors after which a session is ended: between relays there is less to forgive than with people's programs."""


@dataclass(frozen=True, slots=True)
class MxSite:
    """What a session may call, and what it has to keep to."""

    hostname: str
    """The name in the greeting."""
    limits: Limits
    messages: Messages
    incoming: Incoming
    hold: Hold
    tls: Callable[[], ssl.SSLContext | None]
    """The context for STARTTLS as it is now, or None where TLS cannot be had."""


async def serve_mx(connection: Connection, site: MxSite) -> None:
    """Serve one connection to its end, and close it. Raises nothing but CancelledError, after a goodbye."""
    connection.settle()  # there is no login to wait for
    session = _Reception(connection, site)
    try:
        await session.serve()
    finally:
        session.release()


class _Reception(Session):
    """One session, and what it holds of a message under way."""

    __slots__ = ("_announced", "_held", "_pace", "_site", "_tls_until")

    def __init__(self, connection: Connection, site: MxSite) -> None:
        terms = Terms(
            hostname=site.hostname,
            size=site.messages.max_size,
            recipients=site.messages.max_recipients,
            line=site.limits.line_bytes,
            errors=min(site.limits.errors, ERRORS),
            starttls=site.tls() is not None,
            login=False,
        )
        super().__init__(connection, terms, site.limits, site.tls, log)
        self._site = site
        self._announced = 0
        self._held = 0
        self._pace: Pace | None = None
        self._tls_until = _now() + site.limits.login_seconds

    def release(self) -> None:
        """Give back what is held."""
        self._site.hold.give(self._held)
        self._held = 0

    async def _answer(self, question: Question) -> Answer:
        incoming = self._site.incoming
        match question:
            case Sender(address, size):
                self._announced = size or 0
                return incoming.sender(address)
            case Recipient(address):
                return await incoming.recipient(address, self._announced)
            case Message():
                try:
                    return await self._durably(self._receive(question))
                finally:
                    self.release()
            case _:
                raise AssertionError("the machine lets nobody log in here")

    async def _receive(self, message: Message) -> Verdict:
        verdicts = await self._site.incoming.receive(
            message.sender, message.recipients, message.message, together=True, admitted=True
        )
        # One answer for all: where somebody went away since RCPT, the next attempt is told of it there.
        return next((verdict for verdict in verdicts if verdict.outcome is Outcome.DEFER), verdicts[0])

    def _takes(self, octets: int) -> bool:
        if self._machine.state is not State.DATA:
            self.release()
            self._pace = None
            return True
        if self._pace is not None:
            self._pace.count(octets)
        if not self._site.hold.take(octets):
            return False
        self._held += octets
        return True

    def _patience(self) -> float:
        """Before TLS there is one limit for all of it; a message has to come at a pace."""
        patience = self._limits.command_seconds
        if self._machine.state is State.DATA:
            self._pace = self._pace or Pace(_now())
            patience = min(patience, self._pace.deadline - _now())
        elif self._machine.state in (State.START, State.GREETED):
            patience = min(patience, self._tls_until - _now())
        return max(0.0, patience)


def _now() -> float:
    return asyncio.get_running_loop().time()
