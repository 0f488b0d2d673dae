"""Rules that go by addresses and ports."""

import pytest

from angarium.lab.censor.judges.addresses import BlockedAddresses, OpenPorts
from angarium.lab.censor.judges.verdict import Verdict
from angarium.lab.censor.packets import SYN, datagram, read, segment
from tests.lab.censor.segments import CLIENT, LINK


@pytest.mark.parametrize(
    ("host", "verdict"),
    [("192.0.2.10", Verdict.DROP), ("192.0.2.7", Verdict.ALLOW), ("203.0.113.9", Verdict.ALLOW)],
)
def test_a_network_is_blocked_both_ways_but_for_one_host(host: str, verdict: Verdict) -> None:
    judge = BlockedAddresses(["192.0.2.0/24"], save=["192.0.2.7"])
    there = read(segment(LINK, CLIENT, (host, 443), seq=0, ack=0, flags=SYN))
    back = read(segment(LINK, (host, 443), CLIENT, seq=0, ack=0, flags=SYN))
    assert there is not None
    assert back is not None
    assert judge.judge(there, None, 0, outward=True) is verdict
    assert judge.judge(back, None, 0, outward=False) is verdict


def test_only_open_ports_pass_and_dns() -> None:
    judge = OpenPorts(80, 443)

    def verdict(frame: bytes) -> object:
        packet = read(frame)
        assert packet is not None
        return judge.judge(packet, None, 0, outward=True)

    ports = [80, 443, 993, 53]
    tcp = [verdict(segment(LINK, CLIENT, ("192.0.2.10", port), seq=0, ack=0, flags=SYN)) for port in ports]
    udp = [verdict(datagram(LINK, CLIENT, ("192.0.2.10", port), b"")) for port in ports]
    assert tcp == [Verdict.ALLOW, Verdict.ALLOW, Verdict.DROP, Verdict.DROP]
    assert udp == [Verdict.DROP, Verdict.DROP, Verdict.DROP, Verdict.ALLOW]
