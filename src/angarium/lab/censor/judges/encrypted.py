"""The rule of the Great Firewall for traffic that looks like nothing ("How the Great Firewall of China Detects and
Blocks Fully Encrypted Traffic", USENIX Security 2023, algorithm 1): what is not exempt is blocked.

The real one judges a part of the connections to some networks only; this one judges all (p = 1).
"""

import re
from collections import Counter

from angarium.lab.censor.flows import Flow
from angarium.lab.censor.judges.verdict import Answer, Judge, Verdict
from angarium.lab.censor.packets import Packet

__all__ = ["RESIDUAL", "FullyEncrypted", "exempt"]

RESIDUAL = 180.0
"""Seconds for which a client cannot speak to that port of that server any more."""
FEW, MANY = 3.4, 4.6
"""Ones in an octet, on average, between which it looks random."""
RUN = 20
PRINTABLE = re.compile(rb"[\x20-\x7e]")
PRINTABLE_RUN = re.compile(rb"[\x20-\x7e]{%d}" % (RUN + 1))
PRINTABLE_START = re.compile(rb"[\x20-\x7e]{6}")
TLS = re.compile(rb"[\x16\x17]\x03[\x00-\x09]")
HTTP = re.compile(rb"(?:GET|PUT|POST|HEAD) ")


def exempt(payload: bytes) -> str | None:
    """Which exemption lets the client's first payload pass; None: it is blocked."""
    ones = int.from_bytes(payload, "big").bit_count() / (len(payload) or 1)
    if ones <= FEW or ones >= MANY:
        return "popcount"
    if PRINTABLE_START.match(payload):
        return "first six printable"
    if len(PRINTABLE.findall(payload)) * 2 > len(payload):
        return "half printable"
    if PRINTABLE_RUN.search(payload):
        return "run of printable"
    if TLS.match(payload) or HTTP.match(payload):
        return "protocol"
    return None


class FullyEncrypted(Judge):
    """Blocks by the client's first payload, and then the client from that port of the server for a while."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, tuple[str, int]], float] = {}
        self.judged: Counter[str] = Counter()
        """How many first payloads of each host there were."""
        self.blocked: Counter[str] = Counter()

    def judge(self, packet: Packet, flow: Flow | None, now: float, *, outward: bool) -> Verdict | Answer:
        if flow is None:
            return Verdict.ALLOW
        pair = flow.client[0], flow.server
        if now < self._until.get(pair, now):
            return Verdict.DROP if outward else Verdict.ALLOW
        if outward and packet.payload and flow.up == len(flow.said) == len(packet.payload) and len(flow.first) == 1:
            self.judged[flow.client[0]] += 1
            if exempt(packet.payload) is None:
                self.blocked[flow.client[0]] += 1
                self._until[pair] = now + RESIDUAL
                return Verdict.DROP
        return Verdict.ALLOW
