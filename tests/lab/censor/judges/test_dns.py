"""Lies about names, and the lab's true answers."""

import dns.message
import dns.rcode
import pytest

from angarium.lab.censor.judges.dns import PoisonedNames
from angarium.lab.censor.judges.verdict import Answer, Verdict
from angarium.lab.censor.names import answer
from angarium.lab.censor.packets import SYN, datagram, read, segment
from tests.lab.censor.segments import CLIENT, LINK

RESOLVER = ("9.9.9.9", 53)
LIE = "10.10.34.34"


def asked(name: str, kind: str = "A", *, to: tuple[str, int] = RESOLVER) -> object:
    packet = read(datagram(LINK, CLIENT, to, dns.message.make_query(name, kind).to_wire()))
    assert packet is not None
    return PoisonedNames(["relay.example"], LIE).judge(packet, None, 0, outward=True)


@pytest.mark.parametrize("name", ["relay.example", "Imap.Relay.Example"])
def test_a_poisoned_name_has_a_false_address(name: str) -> None:
    lie = asked(name)
    assert isinstance(lie, Answer)
    (told,) = dns.message.from_wire(lie.payload).answer
    assert [item.to_text() for item in told] == [LIE]


def test_it_has_no_other_kind_of_address() -> None:
    lie = asked("relay.example", "AAAA")
    assert isinstance(lie, Answer)
    assert dns.message.from_wire(lie.payload).answer == []


def test_other_names_pass_and_other_ports() -> None:
    assert asked("example") is Verdict.ALLOW
    assert asked("relay.example", to=("9.9.9.9", 54)) is Verdict.ALLOW


def test_noise_passes_and_names_are_not_asked_for_over_tcp() -> None:
    judge = PoisonedNames(["relay.example"], LIE)
    noise = read(datagram(LINK, CLIENT, RESOLVER, b"\xff" * 40))
    tcp = read(segment(LINK, CLIENT, RESOLVER, seq=0, ack=0, flags=SYN))
    assert noise is not None
    assert tcp is not None
    assert judge.judge(noise, None, 0, outward=True) is Verdict.ALLOW
    assert judge.judge(tcp, None, 0, outward=True) is Verdict.DROP


def test_the_labs_own_names_have_their_addresses_and_no_others_exist() -> None:
    zone = {"relay.example": ["192.0.2.10", "203.0.113.20"]}
    true = answer(zone, dns.message.make_query("relay.example", "A").to_wire())
    none = answer(zone, dns.message.make_query("elsewhere.example", "A").to_wire())
    assert true is not None
    assert none is not None
    (told,) = dns.message.from_wire(true).answer
    assert sorted(item.to_text() for item in told) == ["192.0.2.10", "203.0.113.20"]
    assert dns.message.from_wire(none).rcode() == dns.rcode.NXDOMAIN
    assert answer(zone, b"noise") is None
