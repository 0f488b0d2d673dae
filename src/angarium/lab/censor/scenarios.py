"""The scenarios: what each censor does, what people may have beforehand, and when it counts as got through.

A table and no more; the numbers are those of the project's list of threats. Addresses are of the lab's world.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from angarium.lab.censor.judges.addresses import BlockedAddresses, OpenPorts
from angarium.lab.censor.judges.connections import FewAtATime, Freeze, ShortLife
from angarium.lab.censor.judges.dns import PoisonedNames
from angarium.lab.censor.judges.encrypted import FullyEncrypted
from angarium.lab.censor.judges.hello import HelloJudge, by_name, by_protocol
from angarium.lab.censor.judges.protocols import OnlyKnownProtocols, ProtocolFilter
from angarium.lab.censor.judges.verdict import Judge
from angarium.lab.censor.link import BAD, Line
from angarium.lab.censor.naive import (
    Naive,
    echoed,
    looked_up,
    many_at_once,
    reached,
    shaken_hands,
    soon_echoed,
    strange,
)

__all__ = [
    "DOMAIN",
    "ECHO",
    "FRONT",
    "HIGH",
    "RELAY",
    "SCENARIOS",
    "SPARE",
    "SPARE_NAME",
    "TWINS",
    "Attempt",
    "Scenario",
]

DOMAIN, SPARE_NAME = "_relay.example", "garden.example"
RELAY, SPARE = "192.0.2.10", "203.0.113.20"
"""The relay's two addresses, in networks of two hosters; people's resolvers put the first before the second, which is
farther from theirs (RFC 6724, rule 9), so that it is the one in use."""
TWINS = {f"_twin{number}.example": f"203.0.113.{30 + number}" for number in range(7)}
"""Further relays, where there are some."""
FRONT, ECHO = "203.0.113.7", "203.0.113.99"
BY_PROXY = ("proxy", "http", "socks", "ss")
"""Ways in by the relay as the app's proxy, of `relay.WAYS`."""
HIGH = 38_417
"""The one high port that is open, in its scenario."""
LIE = "10.10.34.34"
PLAIN = b"* OK hello, here is a protocol that is not known\r\n"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to get through."""

    way: str
    """In: see `relay.WAYS`."""
    first: float
    """Seconds until the first text must have arrived: from when the link is scanned, or the app opened again."""
    earlier: bool = False
    """People were there before the censor came, closed the app, and open it again now."""
    silence: float | None = None
    """They leave the app open instead, and say nothing for so many seconds before the censor comes. (Half a minute
    after it has got a new relay the app itself says something.)"""
    swallowed: bool = False
    """Where relays are lost, their packets are swallowed, and nobody is told."""
    port: int | None = None
    """Where the app seeks the relay's proxy, if not where its link says; Shadowsocks then listens there."""

    @property
    def setup(self) -> str:
        """The way in, and what people have beforehand, in words."""
        if self.silence is not None:
            return f"{self.way}, open, silent for {self.silence:g} s"
        if self.swallowed:
            return f"{self.way}, from before, nobody is told"
        return f"{self.way}, from before" if self.earlier else self.way


@dataclass(frozen=True, slots=True)
class Scenario:
    """One censor, and what is to be done in spite of it."""

    name: str
    censor: str
    judges: Callable[[], Sequence[Judge]]
    naive: Naive
    attempts: Sequence[Attempt]
    p95: float | None = None
    """Seconds from sending to arrival that 95 of 100 texts must keep to."""
    interval: float = 0.25
    """Seconds between texts."""
    line: Line | None = None
    file: int = 0
    """Octets of a file that must arrive as well."""
    https: int = 443
    span: float | None = None
    """Seconds over which the texts are spread, instead of the interval."""
    probes: int = 0
    """How many are put to the relay for each text that would be sent; nobody sends any."""
    relays: int = 1
    """How many there are. Of people Bob has all but the last, which is Ann's, and all of his but one are lost; a prober
    learns from them what relays are like."""
    quiet: float = 0
    """Seconds of silence afterwards, to see what reconnecting costs."""
    relogin: int | None = None
    """Octets, both ways, that it may cost."""
    settings: str = ""
    """What a keeper of ours sets where such a censor is."""

    def goal(self, attempt: Attempt) -> str:
        """When it counts as got through, in words."""
        if self.probes:
            told = ", told from them and from its twin ≤ 55 %" if attempt.way == "decoy" else ""
            return f"unlike none of 20 sites{told}, no mail protocol"
        parts = [f"first in {attempt.first:g} s", "all arrive"]
        if self.p95 is not None:
            parts.append(f"p95 in {self.p95:g} s")
        if self.file:
            parts.append(f"a file of {self.file >> 20} MB")
        if self.relogin is not None:
            parts.append(f"{self.relogin} octets a re-login")
        return ", ".join(parts)


def _fixed(*judges: Callable[[], Judge]) -> Callable[[], Sequence[Judge]]:
    return lambda: [make() for make in judges]


SCENARIOS: Sequence[Scenario] = (
    Scenario(
        "S01",
        "drops the relay's current IP",
        _fixed(partial(BlockedAddresses, [f"{RELAY}/32"])),
        partial(reached, RELAY, 443),
        [Attempt("domain", 30, earlier=True), Attempt("invitation", 30, earlier=True)],
    ),
    Scenario(
        "S02",
        "poisons DNS for all relay names",
        _fixed(partial(PoisonedNames, ["example"], LIE)),
        partial(looked_up, DOMAIN, RELAY),
        [Attempt("domain", 15, earlier=True), Attempt("invitation", 15, earlier=True), Attempt("ip", 30)],
    ),
    Scenario(
        "S03",
        "RST on the relay's SNI",
        _fixed(partial(HelloJudge, by_name([DOMAIN]))),
        partial(shaken_hands, RELAY, 443, name=DOMAIN),
        [Attempt("spare", 30), Attempt("ip", 30), Attempt("domain", 30, earlier=True)],
    ),
    Scenario(
        "S05",
        "only TCP 80 and 443 open",
        _fixed(partial(OpenPorts, 80, 443)),
        partial(reached, RELAY, 993),
        [
            *(Attempt(way, 10) for way in ("443", "invitation", "domain", "proxy", "http")),
            Attempt("socks", 10, port=443),
            Attempt("ss", 10, port=80),
        ],
        file=20 << 20,
    ),
    Scenario(
        "S06",
        "one random high port open",
        _fixed(partial(OpenPorts, HIGH)),
        partial(reached, RELAY, 993),
        [Attempt("port", 20)],
        https=HIGH,
    ),
    Scenario(
        "S07",
        "RST if ALPN is imap or smtp",
        _fixed(partial(HelloJudge, by_protocol(["imap", "smtp"]))),
        partial(shaken_hands, RELAY, 443, name=DOMAIN, protocols=("imap",)),
        [Attempt(way, 20) for way in ("domain", "invitation", "443", *BY_PROXY)],
    ),
    Scenario(
        "S09",
        "GFW rule for fully encrypted traffic, p = 1",
        _fixed(FullyEncrypted),
        lambda: echoed(ECHO, 443, strange()),
        [Attempt(way, 30) for way in ("domain", "443", "starttls", *BY_PROXY)],
    ),
    Scenario(
        "S10",
        "Iran's filter of 2020",
        _fixed(ProtocolFilter),
        lambda: echoed(ECHO, 443, PLAIN, PLAIN),
        [Attempt(way, 30) for way in ("domain", "443", *BY_PROXY)],
    ),
    Scenario(
        "S11",
        "Iran's filter of 2025, hosters blocked but one front",
        _fixed(OnlyKnownProtocols, partial(BlockedAddresses, ["192.0.2.0/24", f"{SPARE}/32"])),
        lambda: echoed(ECHO, 4444, PLAIN) or reached(RELAY, 443),
        [Attempt("front", 30)],
        p95=10,
    ),
    Scenario(
        "S12",
        "probes who is suspected",
        tuple,
        partial(reached, RELAY, 443),
        [Attempt("domain", 0), Attempt("decoy", 0)],
        probes=10,
        relays=8,
    ),
    Scenario(
        "S14",
        "freezes a connection after 16 KiB from the server",
        _fixed(Freeze),
        lambda: echoed(ECHO, 443, b"x" * 40_000),
        [Attempt("domain", 60), Attempt("443", 60), Attempt("proxy", 60)],
        p95=20,
        settings="[limits]\nbreath_bytes = 14336\n",
    ),
    Scenario(
        "S15",
        "8 kbit/s, 1 s there and back, 5 % lost",
        tuple,
        partial(soon_echoed, ECHO, 443),
        [
            Attempt("ip", 60),
            Attempt("invitation", 60),
            Attempt("ip", 60, earlier=True),
            Attempt("domain", 60, earlier=True),
        ],
        interval=10,
        line=BAD,
    ),
    Scenario(
        "S16",
        "ends every connection after 60 s, and allows 3 at a time",
        _fixed(ShortLife, FewAtATime),
        partial(many_at_once, ECHO, 443, 4),
        [Attempt("domain", 60), Attempt("443", 60), Attempt("proxy", 60)],
        p95=10,
        span=150,
        quiet=130,
        relogin=3_000,
    ),
    Scenario(
        "S22",
        "two of a person's three relays gone",
        tuple,
        partial(reached, RELAY, 443),
        [
            Attempt("invitation", 30, earlier=True),
            Attempt("invitation", 30, earlier=True, silence=100),
            Attempt("invitation", 30, earlier=True, silence=0),
            Attempt("invitation", 30, earlier=True, swallowed=True),
            Attempt("domain", 30, earlier=True),
        ],
        p95=30,
        relays=4,
    ),
)
