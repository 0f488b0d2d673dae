"""What the roads have in common: what they are asked for, and what goes wrong put into words.

Words for a fault are of a kind and never of a person; what another server said to a person's message goes to that
person alone, so it is cut to a line, and addresses in it are left out.
"""

import re
from typing import Protocol

from angarium.mail.federation.consignment import Consignment, Fault, Unreachable
from angarium.mail.federation.via import Via
from angarium.mail.verdict import ACCEPTED, Verdict
from angarium.reach.failure import NoRoute
from angarium.reach.resolver import Unanswered
from angarium.reach.trust import KeyChanged

__all__ = ["Road", "broken", "heard", "host_header"]

TEXT = 200
_ADDRESS = re.compile(r"\S*@\S*")


class Road(Protocol):
    """One way to bring a message to a destination."""

    async def carry(self, destination: str, via: Via | None, consignment: Consignment) -> list[Verdict]:
        """Make one attempt; return a verdict for each recipient, in order.

        Raises:
            Unreachable: there is no road now.
            NoSuchName: DNS says that there is no such destination, or none that takes mail.
        """


def host_header(host: str) -> str:
    """A name or an IP address as a Host header."""
    if ":" in host:
        return f"[{host}]"
    return host if host.isascii() else host.encode("idna").decode()


def broken(error: Exception) -> Unreachable:
    """An error of the network, the names or TLS, as it is told."""
    if isinstance(error, Unreachable):
        return error
    if isinstance(error, Unanswered):
        return Unreachable("DNS does not answer", Fault.DNS)
    if isinstance(error, NoRoute):
        return Unreachable("no route", Fault.ROUTE)
    if isinstance(error, TimeoutError):
        return Unreachable("no answer in time", Fault.TIMEOUT)
    if isinstance(error, ConnectionRefusedError):
        return Unreachable("connection refused")
    if isinstance(error, KeyChanged) or str(error).startswith("TLS: "):
        return Unreachable(str(error))
    return Unreachable("connection broken")


def heard(code: int, enhanced: str, text: str) -> Verdict:
    """What another server said, as a verdict: its own code where that is one, and its words."""
    if code // 100 == 2:
        return ACCEPTED
    family = code // 100 if code // 100 in (4, 5) else 4
    code = code if code // 100 == family and code <= 599 else 451
    enhanced = enhanced if enhanced.startswith(f"{family}.") else f"{family}.0.0"
    words = _words(text)
    make = Verdict.reject if family == 5 else Verdict.defer
    return make(code, enhanced, words)


def _words(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return _ADDRESS.sub("…", line)[:TEXT] or "no reason given"
