"""A submission session: who is logged in, and what `mail` says to what they ask.

The loop around the machine is `smtp_session`'s; what is said and when is the machine's, what is allowed is the mail
room's. A message is answered 250 only after `Delivery.submit` has committed it.

RFC 6409 (submission); RFC 4954 (AUTH).
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from angarium.edge.settings import Limits
from angarium.edge.smtp_session import Question, Session
from angarium.mail.accounts import Gate, Refused
from angarium.mail.delivery import Delivery
from angarium.mail.settings import Messages
from angarium.reach.transport import Connection
from angarium.store.interfaces import Attendance, Changes, NoSuchAccount, Owner
from angarium.wire.smtp.replies import Answer, Reply
from angarium.wire.smtp.server import Login, Message, Recipient, Sender, Terms

__all__ = ["SmtpSite", "serve_smtp"]

log = logging.getLogger("angarium.edge.smtp")

_WELCOME = Reply(235, "2.7.0", "Authentication succeeded")
_ENDED = Reply(454, "4.7.0", "The account has just come to its end")


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
    changes: Changes
    """Tells when an account comes to its end: who is logged in is cut off."""


async def serve_smtp(connection: Connection, site: SmtpSite) -> None:
    """Serve one connection to its end, and close it. Raises nothing but CancelledError, after a goodbye."""
    submission = _Submission(connection, site)
    try:
        await submission.serve()
    finally:
        submission.leave()


class _Submission(Session):
    """One session, and who is logged in."""

    __slots__ = ("_attendance", "_login_until", "_owner", "_site")

    def __init__(self, connection: Connection, site: SmtpSite) -> None:
        terms = Terms(
            hostname=site.hostname,
            size=site.messages.max_size,
            recipients=site.messages.max_recipients,
            line=site.limits.line_bytes,
            errors=site.limits.errors,
            starttls=site.tls() is not None,
        )
        super().__init__(connection, terms, site.limits, site.tls, log)
        self._site = site
        self._owner: Owner | None = None
        self._attendance: Attendance | None = None
        self._login_until = _now() + site.limits.login_seconds

    def leave(self) -> None:
        """The session is over."""
        if self._attendance is not None:
            self._attendance.close()

    async def _answer(self, question: Question) -> Answer:
        delivery = self._site.delivery
        match question:
            case Login(credentials):
                return await self._login(credentials.username, credentials.password)
            case Sender(address):
                return delivery.sender(self._who(), address)
            case Recipient(address):
                return delivery.recipient(address)
            case Message(sender, recipients, message):
                return await self._durably(delivery.submit(self._who(), sender, recipients, message))
            case _:
                assert_never(question)

    async def _login(self, username: str, password: str) -> Reply:
        try:
            owner = await self._site.gate.login(username, password)
            self._attendance = await self._site.changes.attend(owner, self._connection.abort)
        except Refused as refused:
            code, enhanced = (454, "4.7.0") if refused.temporary else (535, "5.7.8")
            return Reply(code, enhanced, refused.text)
        except NoSuchAccount:
            return _ENDED
        self._owner = owner
        self._connection.settle()
        return _WELCOME

    def _patience(self) -> float:
        """Before the client is logged in, there is one limit for all of it."""
        patience = self._limits.command_seconds
        return patience if self._owner else max(0.0, min(patience, self._login_until - _now()))

    def _who(self) -> Owner:
        assert self._owner is not None, "the machine lets nobody send before a login"
        return self._owner


def _now() -> float:
    return asyncio.get_running_loop().time()
