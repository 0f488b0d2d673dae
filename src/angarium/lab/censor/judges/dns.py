"""Lies about names: the censor answers the questions it does not like itself, faster than the resolver would."""

from collections.abc import Collection

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from angarium.lab.censor.flows import Flow
from angarium.lab.censor.judges.verdict import Answer, Judge, Verdict
from angarium.lab.censor.packets import UDP, Packet

__all__ = ["PoisonedNames"]

TTL = 300


class PoisonedNames(Judge):
    """Answers questions for these names, and all below them, with an address of the censor's; also over TCP: none."""

    def __init__(self, names: Collection[str], address: str) -> None:
        self._names = [dns.name.from_text(name) for name in names]
        self._address = address

    def judge(self, packet: Packet, flow: Flow | None, now: float, *, outward: bool) -> Verdict | Answer:
        if not outward or packet.target[1] != 53:
            return Verdict.ALLOW
        if packet.protocol != UDP:
            return Verdict.DROP
        try:
            question = dns.message.from_wire(packet.payload)
            asked = question.question[0]
        except (dns.exception.DNSException, IndexError):
            return Verdict.ALLOW
        if not any(asked.name.is_subdomain(name) for name in self._names):
            return Verdict.ALLOW
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if asked.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(asked.name, TTL, dns.rdataclass.IN, "A", self._address))
        return Answer(answer.to_wire())
