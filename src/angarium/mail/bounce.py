"""The message that says that a message did not arrive: a delivery status notification (RFC 3464, RFC 6522).

Written so that the apps mark the right message as failed and show why: they take the Message-ID from the third part,
look for ``Action: failed`` in the first recipient's block of the second, and show the first part's text behind the
Subject. Recipients outside ASCII make it the internationalised form (RFC 6533).

It repeats nothing of the original but its Message-ID, and tells no time: its date is the midnight before.
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from angarium.mail.verdict import Verdict
from angarium.wire.message import Entity

__all__ = ["Failure", "bounce"]

_SHOWN = 10
"""Recipients named in the text for people; the part for machines names all."""
_MESSAGE_ID = re.compile(rb"<[!-;=?-~]{1,990}>")


@dataclass(frozen=True, slots=True)
class Failure:
    """A recipient the message did not reach, and why."""

    address: str
    verdict: Verdict


def bounce(original: Entity, failures: Sequence[Failure], *, sender: str, domain: str, day: int) -> bytes:
    """Write the notification for one or more failed recipients of one message.

    Args:
        original: the message that failed; only its Message-ID is looked at.
        failures: at least one. Addresses hold no control characters.
        sender: to whom the notification goes.
        domain: the name of this relay.
        day: days since 1970-01-01 (UTC).
    """
    assert failures
    boundary = secrets.token_hex(16)
    flavour = "" if all(failure.address.isascii() for failure in failures) else "global-"
    headers = "text/rfc822-headers" if not flavour else "message/global-headers"
    message_id = _message_id(original)
    lines = [
        f"From: Mail Delivery <mailer-daemon@{domain}>",
        f"To: <{sender}>",
        f"Date: {format_datetime(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day))}",
        f"Message-ID: <{secrets.token_hex(16)}@{domain}>",
        *([f"In-Reply-To: {message_id}", f"References: {message_id}"] if message_id else []),
        "Subject: Not delivered",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        f' boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        *_for_people(failures),
        f"--{boundary}",
        f"Content-Type: message/{flavour}delivery-status",
        *(["Content-Transfer-Encoding: 8bit"] if flavour else []),
        "",
        f"Reporting-MTA: dns; {domain}",
        "",
        *_for_machines(failures, "utf-8" if flavour else "rfc822"),
        f"--{boundary}",
        f"Content-Type: {headers}",
        "",
        *([f"Message-ID: {message_id}"] if message_id else []),
        "",
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join(lines).encode()


def _for_people(failures: Sequence[Failure]) -> Iterator[str]:
    for failure in failures[:_SHOWN]:
        yield f"{failure.address}: {failure.verdict.text}."
    if len(failures) > _SHOWN:
        yield f"And {len(failures) - _SHOWN} more."


def _for_machines(failures: Sequence[Failure], kind: str) -> Iterator[str]:
    for failure in failures:
        yield f"Final-Recipient: {kind}; {failure.address}"
        yield "Action: failed"
        yield f"Status: {failure.verdict.enhanced}"
        yield f"Diagnostic-Code: smtp; {failure.verdict.code} {failure.verdict.enhanced} {failure.verdict.text}"
        yield ""


def _message_id(original: Entity) -> str | None:
    """The Message-ID to report, angle brackets and all, unless it is malformed: it is written into a header."""
    value = original.first(b"message-id")
    return value.decode("ascii") if value is not None and _MESSAGE_ID.fullmatch(value) else None
