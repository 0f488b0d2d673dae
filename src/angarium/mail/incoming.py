"""From another relay to the mailboxes: every check, one commit, a verdict for each recipient.

What is refused is refused to the relay that brings it, in its own protocol and before anything is kept: it still has
the message and tells its sender. So nothing is ever accepted and then dropped, and no bounce has to be written here.
The one exception is a message that a mailbox has had already, by this road or another: it is accepted and left out.

It refuses to know sockets and protocols, and writes no address into any log.

The rules are the existing network's: encrypted, or a report of a failed delivery; the author's domain is the sender's
and the signature's (RFC 6376). RFC 5321, 6.3 (loops).
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from angarium.mail import settings
from angarium.mail.checks import recipients as recipient_checks
from angarium.mail.checks.cleanup import clean_arrived
from angarium.mail.checks.encrypted import encrypted
from angarium.mail.checks.form import read
from angarium.mail.checks.peers import Peers
from angarium.mail.checks.report import report
from angarium.mail.checks.size import size
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.store.interfaces import Letter, Mailboxes, StoreError, StoreFull
from angarium.store.outbound import Marks
from angarium.wire.address import Address, AddressError
from angarium.wire.message import Entity, Malformed
from angarium.wire.originator import from_address

__all__ = ["Incoming", "Signed"]

log = logging.getLogger("angarium.mail.incoming")

HOPS = 100
"""Received fields above which a message goes in circles (RFC 5321, 6.3)."""

_LARGE = 262_144
"""Messages above this are examined in a thread, so that others need not wait the milliseconds it takes."""
_LARGE_AT_ONCE = 2

_NO_ADDRESS = Verdict.reject(501, "5.1.7", "the sender is no address")
_OURS = Verdict.reject(550, "5.7.1", "the sender is one of this relay's own names")
_ELSEWHERE = Verdict.reject(550, "5.7.1", "this relay delivers only to its own people")
_UNKNOWN = Verdict.reject(550, "5.1.1", "there is no such address at this relay")
_FULL = Verdict.reject(552, "5.2.2", "the mailbox is full")
_NOT_ALONE = Verdict.defer(451, "4.5.3", "not delivered, since another recipient could not have it")
_LOOP = Verdict.reject(554, "5.4.6", "the message goes in circles")
_NOT_THE_SAME = Verdict.reject(554, "5.7.1", "the From field and the sender must be of the same domain")
_DISK_FULL = Verdict.defer(452, "4.3.1", "the relay has no room now, try again later")
_STORE_FAILED = Verdict.defer(451, "4.3.0", "the relay cannot store the message now, try again later")

Signed = Callable[[str, bytes], Awaitable[Verdict]]
"""Judges whether a message is signed by a domain, which is given first."""


@dataclass(frozen=True, slots=True)
class _Examined:
    """A message that may come in: whose it is, what is to be stored, and what makes another one the same."""

    domain: str
    cleaned: bytes
    mark: bytes


class Incoming:
    """What the relay does with a message from another one.

    Args:
        messages: how large, and to how many.
        retention: how much an account may hold.
        mailboxes: who is here.
        marks: where it goes, to each mailbox once.
        peers: whose mail is taken.
        signed: whether the sender's domain signed it.
        local: whether a domain is this relay (in lower case; an IP address without brackets).
        today: days since 1970-01-01 (UTC).
        on_delivered: called after each commit with the names that got something; it must not block.
    """

    def __init__(
        self,
        messages: settings.Messages,
        retention: settings.Retention,
        mailboxes: Mailboxes,
        marks: Marks,
        peers: Peers,
        signed: Signed,
        local: Callable[[str], bool],
        today: Callable[[], int],
        on_delivered: Callable[[Sequence[str]], None] | None = None,
    ) -> None:
        self._settings = messages
        self._quota = retention.quota
        self._mailboxes = mailboxes
        self._marks = marks
        self._peers = peers
        self._signed = signed
        self._local = local
        self._today = today
        self._on_delivered = on_delivered
        self._examining = asyncio.Semaphore(_LARGE_AT_ONCE)

    def sender(self, address: str) -> Verdict:
        """Judge the envelope's sender; "" is that of a report."""
        if not address:
            return ACCEPTED
        try:
            return self._peer(Address.parse(address).domain)
        except AddressError:
            return _NO_ADDRESS

    async def recipient(self, address: str, octets: int = 0) -> Verdict:
        """Judge a recipient of a message of so many octets, as far as that is known."""
        return (await self._recipients([address], octets))[0]

    async def receive(
        self,
        sender: str,
        recipients: Sequence[str],
        message: bytes,
        *,
        together: bool = False,
        admitted: bool = False,
        signed: Signed | None = None,
    ) -> list[Verdict]:
        """Check a message and deliver it; one verdict for each recipient, in order. Accepted means durable.

        Args:
            sender: the envelope's sender, "" for a report.
            recipients: addresses; named twice, they get it once.
            message: as it came.
            together: it goes to all or to none: where one is refused, the others are deferred.
            admitted: each recipient was judged by `recipient` and accepted, so that fullness is not judged again.
            signed: judges in the place of the signature, where the road itself proves whose it is.
        """
        verdict = self._envelope(sender, len(recipients), len(message))
        if not verdict.accepted:
            return [verdict] * len(recipients)
        try:
            verdicts = await self._recipients(recipients, None if admitted else len(message))
            refused = not all(each.accepted for each in verdicts)
            if refused and (together or not any(each.accepted for each in verdicts)):
                return [_NOT_ALONE if each.accepted else each for each in verdicts]
            return _spread(await self._take(sender, recipients, verdicts, message, signed or self._signed), verdicts)
        except StoreFull:
            return [_DISK_FULL] * len(recipients)
        except StoreError:  # what it was, the store has told the keeper, once and not at every message
            return [_STORE_FAILED] * len(recipients)

    def _envelope(self, sender: str, recipients: int, octets: int) -> Verdict:
        for verdict in (
            self.sender(sender),
            recipient_checks.number(recipients, self._settings.max_recipients),
            size(octets, self._settings.max_size),
        ):
            if not verdict.accepted:
                return verdict
        return ACCEPTED

    async def _take(
        self, sender: str, recipients: Sequence[str], verdicts: Sequence[Verdict], message: bytes, signed: Signed
    ) -> Verdict:
        """Examine a message and deliver it to the recipients that were accepted."""
        found = await self._examine(sender, message)
        if isinstance(found, Verdict):
            return found
        verdict = self._peer(found.domain)
        if verdict.accepted:
            verdict = await signed(found.domain, message)
        if not verdict.accepted:
            return verdict
        taking = (each for each, verdict in zip(recipients, verdicts, strict=True) if verdict.accepted)
        names = tuple(dict.fromkeys(Address.parse(each).name for each in taking))
        self._tell(await self._marks.deliver(Letter(found.cleaned, names), found.mark, day=self._today()))
        return ACCEPTED

    def _peer(self, domain: str) -> Verdict:
        return _OURS if self._local(domain) else self._peers.incoming(domain)

    async def _recipients(self, recipients: Sequence[str], octets: int | None) -> list[Verdict]:
        names = [self._name(each) for each in recipients]
        usage = await self._mailboxes.usage({name for name in names if isinstance(name, str)})
        return [name if isinstance(name, Verdict) else self._room(usage.get(name), octets) for name in names]

    def _name(self, recipient: str) -> str | Verdict:
        verdict = recipient_checks.syntax(recipient)
        if not verdict.accepted:
            return verdict
        address = Address.parse(recipient)
        return address.name if self._local(address.domain) else _ELSEWHERE

    def _room(self, held: int | None, octets: int | None) -> Verdict:
        if held is None:
            return _UNKNOWN
        return ACCEPTED if octets is None or held + octets <= self._quota else _FULL

    async def _examine(self, sender: str, message: bytes) -> _Examined | Verdict:
        if len(message) <= _LARGE:
            return _examine(sender, message)
        async with self._examining:
            return await asyncio.to_thread(_examine, sender, message)

    def _tell(self, names: Sequence[str]) -> None:
        """Tell of a commit. What is committed is accepted, whatever becomes of the telling."""
        if self._on_delivered is None or not names:
            return
        try:
            self._on_delivered(names)
        except Exception as fault:
            log.error("nobody was told of a delivery: %s", type(fault).__name__)


def _examine(sender: str, message: bytes) -> _Examined | Verdict:
    """Judge a message by itself and against the envelope's sender."""
    try:
        entity = read(message)
        author = Address.parse(from_address(entity))
    except (Malformed, AddressError) as fault:
        return Verdict.reject(554, "5.6.0", "the message is malformed", str(fault))
    if len(entity.all(b"received")) > HOPS:
        return _LOOP
    is_report = report(entity)
    verdict = is_report if not sender or is_report.accepted else encrypted(entity)
    if not verdict.accepted:
        return verdict
    if sender and Address.parse(sender).domain != author.domain:
        return _NOT_THE_SAME
    return _Examined(author.domain, clean_arrived(entity, report=is_report.accepted), _mark(entity))


def _mark(message: Entity) -> bytes:
    """The same for the same message, whichever relays it went through: header fields change on the way.

    The body of an encrypted message is like no other. A request in clear and a report are told apart by Message-ID;
    whoever knows one and sends another body with it, sends another message.
    """
    raw, end = message.raw, message.end
    while end > message.body and raw[end - 1] in b"\r\n":  # one protocol ends a message with CRLF, another need not
        end -= 1
    mark = hashlib.sha256(message.first(b"message-id") or b"")
    mark.update(b"\r\n")
    mark.update(memoryview(raw)[message.body : end])
    return mark.digest()


def _spread(verdict: Verdict, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """What becomes of the message becomes of all who were to have it; the others keep what they were told."""
    return [verdict if each.accepted else each for each in verdicts]
