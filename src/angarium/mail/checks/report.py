"""Whether a message in clear is a report of a failed delivery, the one kind that another relay may send in clear.

Judged by its form alone, as the existing network does: from `mailer-daemon`, marked as automatic (RFC 3834, 5), and a
multipart/report (RFC 6522). It may be as long as what mail servers return with it, and no longer.
"""

from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.wire.address import Address, AddressError
from angarium.wire.message import Entity, Malformed
from angarium.wire.mime import content_type
from angarium.wire.originator import from_address

__all__ = ["report"]

REPORT_BYTES = 262_144
"""Longest report. Mail servers return the head of a message, or all of one that is small."""

_NO_REPORT = Verdict.reject(550, "5.7.1", "only reports of failed deliveries come without a sender")


def report(message: Entity) -> Verdict:
    """Judge a whole message, its own header included."""
    try:
        author = Address.parse(from_address(message))
        automatic = (message.only(b"auto-submitted") or b"").partition(b";")[0].strip().lower()
        kind = content_type(message).type
    except (Malformed, AddressError):
        return _NO_REPORT
    if author.name != "mailer-daemon" or automatic in (b"", b"no") or kind != b"multipart/report":
        return _NO_REPORT
    return ACCEPTED if message.end - message.start <= REPORT_BYTES else _NO_REPORT
