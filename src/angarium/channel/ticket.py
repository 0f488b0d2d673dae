"""The ticket that a reader's comment needs on its way from the form to the editors: machines wait, and come twice.

Whoever sends the form gets the page back with what they wrote and a ticket; the comment counts once that page is sent,
no sooner than a few seconds later, no later than an hour, and once. The ticket is signed for exactly those words with a
key that is drawn at each start and written nowhere. It keeps out programs that fill in every form they find and throw
away what comes back, and slows down all others; it does not keep out a program that is written against it. For that
there is the bound on how much waits (`replies`), and an editor in front of everything.

No third party, no script, no cookie, and nothing about who asks. Memory: the tickets used in the last hour.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum

__all__ = ["Tickets", "Verdict"]

SOONEST, LATEST = 3.0, 3600.0
"""Seconds after which a ticket counts, and no longer counts."""
USED = 20_000
"""Tickets remembered as used. Where there are more within the hour, no further one counts until some are too old."""


class Verdict(StrEnum):
    """What a ticket is worth."""

    GOOD = "good"
    EARLY = "early"
    EXPIRED = "expired"
    """Too old, used already, made for other words or by nobody here."""
    FULL = "full"


class Tickets:
    """Issues tickets and takes them back, each once."""

    def __init__(self, clock: Callable[[], float], *, used: int = USED) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._most = used
        self._used: OrderedDict[str, float] = OrderedDict()

    def issue(self, *words: str) -> str:
        """A ticket for these words."""
        head = f"{self._clock():.1f}.{secrets.token_hex(8)}"
        return f"{head}.{self._sign(head, words)}"

    def take(self, ticket: str, *words: str) -> Verdict:
        """Take a ticket back. It counts no second time, if it was good."""
        head, _, signature = ticket.rpartition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._sign(head, words).encode()):
            return Verdict.EXPIRED
        issued = float(head.rpartition(".")[0])
        now = self._clock()
        while self._used and next(iter(self._used.values())) <= now - LATEST:
            self._used.popitem(last=False)
        if head in self._used or now - issued >= LATEST:
            return Verdict.EXPIRED
        if now - issued < SOONEST:
            return Verdict.EARLY
        if len(self._used) >= self._most:
            return Verdict.FULL
        self._used[head] = now
        return Verdict.GOOD

    def _sign(self, head: str, words: tuple[str, ...]) -> str:
        signed = hmac.new(self._key, digestmod=hashlib.sha256)
        for piece in (head, *words):
            octets = piece.encode("utf-8", "surrogatepass")
            signed.update(len(octets).to_bytes(8, "big") + octets)
        return signed.hexdigest()
