"""Whether the domain a message says it is from has signed it (RFC 6376): the proof that carries between relays.

Only the very domain of the From field counts, of all signatures a message may have; that is the rule of the existing
network, which asks for nothing else (no SPF, no reputation). Relays known by an IP address, or by a name that begins
with an underscore, have no place to publish a key in: they are known by the road their mail takes.

That a key could not be asked for proves nothing against the message: it may come again. What is worse is answered with
the reason, so that the other relay's keeper can find it in their log.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.resolver import NoSuchName, Unanswered
from angarium.wire.address import is_literal
from angarium.wire.dkim.record import read_record
from angarium.wire.dkim.signature import Signature, read_signature, signature_fields
from angarium.wire.dkim.tags import Unverified
from angarium.wire.dkim.verify import Verification
from angarium.wire.message import Malformed, parse

__all__ = ["Signed", "signs"]

SIGNATURES = 4
"""Most signatures of the wanted domain that are looked into."""
RECORDS = 3
"""Most records under one name that are tried (RFC 6376, 3.6.2.2: there should be one)."""
LARGE = 262_144
"""Messages above this are hashed in a thread."""

_LATER = Verdict.defer(451, "4.7.5", "the key of the DKIM signature cannot be asked for now, try again later")


def signs(domain: str) -> bool:
    """Whether mail of a domain (in lower case; an address without brackets) needs a signature, and can have one."""
    return not (is_literal(domain) or domain.startswith("_"))


class Signed:
    """Judges mail from other relays.

    Args:
        texts: the TXT records of a name (`Resolver.texts`); raises NoSuchName, Unanswered.
        clock: seconds since 1970-01-01 UTC.
    """

    def __init__(
        self, texts: Callable[[str], Awaitable[tuple[bytes, ...]]], clock: Callable[[], float] = time.time
    ) -> None:
        self._texts = texts
        self._clock = clock

    async def verdict(self, domain: str, message: bytes) -> Verdict:
        """Judge a message by the domain of its From field, which the caller has read beyond doubt (`wire.originator`):
        in lower case, an IP address without brackets."""
        if not signs(domain):
            return ACCEPTED
        try:
            entity = parse(message)
            wanted = domain.encode("idna").decode()
        except (Malformed, UnicodeError):
            return _refused("the message cannot be read")
        verification = Verification(entity)
        found, why = self._signatures(verification, wanted)
        unanswered = False
        for signature in found:
            try:
                await self._check(verification, signature, large=len(message) > LARGE)
            except Unanswered:
                unanswered = True
            except Unverified as reason:
                why = str(reason)
            else:
                return ACCEPTED
        return _LATER if unanswered else _refused(why)

    def _signatures(self, verification: Verification, wanted: str) -> tuple[list[Signature], str]:
        """Those of the wanted domain that can be read; and why there are no others."""
        found: list[Signature] = []
        why = "there is none"
        now = int(self._clock())
        for field in signature_fields(verification.entity):
            try:
                signature = read_signature(verification.entity, field, now=now)
            except Unverified as reason:
                why = str(reason)
                continue
            if signature.domain == wanted:
                found.append(signature)
            else:
                why = "it is of another domain"
        return found[:SIGNATURES], why

    async def _check(self, verification: Verification, signature: Signature, *, large: bool) -> None:
        """Raises Unverified, Unanswered."""
        try:
            records = await self._texts(signature.record_name)
        except NoSuchName:
            raise Unverified("its key is not published") from None
        why = Unverified("its key is not published")
        for text in records[:RECORDS]:
            try:
                record = read_record(text)
                if large:
                    await asyncio.to_thread(verification.check, signature, record)
                else:
                    verification.check(signature, record)
            except Unverified as reason:
                why = reason
            else:
                return
        raise why


def _refused(why: str) -> Verdict:
    return Verdict.reject(554, "5.7.1", f"no valid DKIM signature of the From field's domain: {why}")
