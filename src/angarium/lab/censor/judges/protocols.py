"""Iran's rules for which protocols may be spoken.

2020 ("Detecting and Evading Censorship-in-Depth: A Case Study of Iran's Protocol Filter", FOCI 2020): on TCP ports 53,
80 and 443 the client's first two packets with data must together begin like DNS, HTTP or TLS, whatever the port; if
not, everything it sends there after the first is dropped for 60 seconds. No reassembly; only what leaves the country.

2025: only what begins like these three passes, on any port, so nothing where the server speaks first; of UDP only DNS.
"""

import re

from angarium.lab.censor.flows import Flow
from angarium.lab.censor.judges.verdict import Answer, Judge, Verdict
from angarium.lab.censor.packets import TCP, UDP, Packet

__all__ = ["RESIDUAL", "OnlyKnownProtocols", "ProtocolFilter", "known"]

RESIDUAL = 60.0
PORTS = (53, 80, 443)
LEAST = 8
"""Octets without which it is no HTTP."""
HTTP = re.compile(rb"(?:GET|POST|HEAD|CONNECT|OPTIONS|DELETE|PUT) ")
TLS = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")
DNS_HEADER = 14


def known(data: bytes) -> str | None:
    """Which of the allowed protocols a client's first octets look like."""
    if TLS.match(data):
        return "tls"
    if len(data) >= LEAST and HTTP.match(data):
        return "http"
    if len(data) >= DNS_HEADER and _dns(data[2:]) and int.from_bytes(data[:2], "big") >= DNS_HEADER - 2:
        return "dns"
    return None


def _dns(message: bytes) -> bool:
    """A query with one question (RFC 1035, 4.1.1), as it stands behind its length over TCP (4.2.2)."""
    return message[2] & 0xF8 == 0 and message[4:6] == b"\0\1"


class ProtocolFilter(Judge):
    """The filter of 2020."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, tuple[str, int]], float] = {}

    def judge(self, packet: Packet, flow: Flow | None, now: float, *, outward: bool) -> Verdict | Answer:
        if flow is None or not outward or flow.server[1] not in PORTS or not packet.payload:
            return Verdict.ALLOW
        pair = flow.client[0], flow.server
        bad = len(flow.first) == 2 and known(b"".join(flow.first)) is None
        if bad:
            self._until[pair] = now + RESIDUAL
        return Verdict.DROP if now < self._until.get(pair, now) else Verdict.ALLOW


class OnlyKnownProtocols(Judge):
    """The filter of 2025."""

    def judge(self, packet: Packet, flow: Flow | None, now: float, *, outward: bool) -> Verdict | Answer:
        if packet.protocol == UDP:
            return Verdict.ALLOW if 53 in (packet.source[1], packet.target[1]) else Verdict.DROP
        if packet.protocol != TCP or not packet.payload:
            return Verdict.ALLOW
        if flow is None or flow.server_first or (flow.first and known(flow.first[0]) is None):
            return Verdict.DROP
        return Verdict.ALLOW
