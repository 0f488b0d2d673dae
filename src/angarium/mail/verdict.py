"""One answer for every decision: accept, defer or reject.

A verdict says whose fault it is and whether to retry. It knows reply codes (RFC 5321, 4.2; RFC 3463) but no protocol:
only the edge turns it into a line of SMTP, IMAP or HTTP. `detail` is for the keeper's log and never leaves the relay;
neither text nor detail may hold an address, a subject or an IP.
"""

from dataclasses import dataclass
from enum import Enum

from angarium.wire.members import direct

__all__ = ["ACCEPTED", "Outcome", "Verdict"]


@direct
class Outcome(Enum):
    """What the other side should conclude."""

    ACCEPT = "accept"
    DEFER = "defer"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with its SMTP reply code, enhanced status code, public text and private detail."""

    outcome: Outcome
    code: int
    enhanced: str
    text: str
    detail: str = ""

    def __post_init__(self) -> None:
        family = {Outcome.ACCEPT: 2, Outcome.DEFER: 4, Outcome.REJECT: 5}[self.outcome]
        assert self.code // 100 == family
        assert self.enhanced.startswith(f"{family}.")

    @property
    def accepted(self) -> bool:
        """Whether the other side may go on."""
        return self.outcome is Outcome.ACCEPT

    @classmethod
    def defer(cls, code: int, enhanced: str, text: str, detail: str = "") -> "Verdict":
        """Not now: the other side keeps the message and tries again."""
        return cls(Outcome.DEFER, code, enhanced, text, detail)

    @classmethod
    def reject(cls, code: int, enhanced: str, text: str, detail: str = "") -> "Verdict":
        """Never: the other side must not try the same again."""
        return cls(Outcome.REJECT, code, enhanced, text, detail)


ACCEPTED = Verdict(Outcome.ACCEPT, 250, "2.0.0", "OK")
