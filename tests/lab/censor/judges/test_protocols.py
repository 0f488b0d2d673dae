"""Iran's two filters, on what they let pass and what they do not."""

import pytest

from angarium.lab.censor.flows import Flows
from angarium.lab.censor.judges.protocols import RESIDUAL, OnlyKnownProtocols, ProtocolFilter, known
from angarium.lab.censor.judges.verdict import Verdict
from angarium.lab.censor.packets import datagram, read
from tests.lab.censor.segments import CLIENT, LINK, SERVER, Talk

TLS = b"\x16\x03\x01\x02\0\x01"
QUERY = b"\0\x1d\x12\x34\x01\0\0\1\0\0\0\0\0\0\7example\3org\0\0\1\0\1"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (TLS, "tls"),
        (b"GET / HTTP/1.1\r\n", "http"),
        (b"CONNECT a:1 HTTP/1.1\r\n", "http"),
        (QUERY, "dns"),
        (b"GET ", None),
        (b"EHLO me.example\r\n", None),
        (b"A0001 STARTTLS\r\n", None),
        (b"\x16\x05\0", None),
        (b"", None),
    ],
)
def test_the_allowed_protocols_are_known_by_how_they_begin(data: bytes, what: str | None) -> None:
    assert known(data) == what


def test_2020_two_packets_that_are_none_of_them_block_what_follows() -> None:
    judge, flows = ProtocolFilter(), Flows()
    talk = Talk(flows, CLIENT, SERVER)
    assert talk.says(judge, b"EHLO me.example\r\n", 0) is Verdict.ALLOW
    assert talk.says(judge, b"AUTH PLAIN AHh4\r\n", 0) is Verdict.DROP
    assert talk.again(judge, b"AUTH PLAIN AHh4\r\n", RESIDUAL - 1) is Verdict.DROP
    assert talk.says(judge, b"250", 0, outward=False) is Verdict.ALLOW


def test_2020_on_other_ports_anything_is_spoken() -> None:
    judge, talk = ProtocolFilter(), Talk(Flows(), CLIENT, (SERVER[0], 993))
    assert talk.says(judge, b"EHLO me.example\r\n") is Verdict.ALLOW
    assert talk.says(judge, b"AUTH PLAIN AHh4\r\n") is Verdict.ALLOW


def test_2020_tls_passes_whatever_its_second_packet_looks_like() -> None:
    judge, talk = ProtocolFilter(), Talk(Flows(), CLIENT, SERVER)
    assert talk.says(judge, TLS) is Verdict.ALLOW
    assert talk.says(judge, b"the rest of a long hello") is Verdict.ALLOW


def test_2025_only_what_begins_right_passes_on_any_port() -> None:
    judge, flows = OnlyKnownProtocols(), Flows()
    good, bad = Talk(flows, CLIENT, (SERVER[0], 993)), Talk(flows, (CLIENT[0], 50_001), (SERVER[0], 993))
    assert good.says(judge, TLS) is Verdict.ALLOW
    assert good.says(judge, b"\x16\x03\x03", outward=False) is Verdict.ALLOW
    assert good.says(judge, b"\x9c" * 100) is Verdict.ALLOW
    assert bad.says(judge, b"EHLO me.example\r\n") is Verdict.DROP


def test_2025_nobody_speaks_whose_server_speaks_first() -> None:
    judge, talk = OnlyKnownProtocols(), Talk(Flows(), CLIENT, (SERVER[0], 143))
    assert talk.says(judge, b"* OK hello\r\n", outward=False) is Verdict.DROP
    assert talk.says(judge, TLS) is Verdict.DROP


@pytest.mark.parametrize(("port", "verdict"), [(53, Verdict.ALLOW), (443, Verdict.DROP)])
def test_2025_of_udp_only_dns_passes(port: int, verdict: Verdict) -> None:
    packet = read(datagram(LINK, CLIENT, (SERVER[0], port), b"x"))
    assert packet is not None
    assert OnlyKnownProtocols().judge(packet, None, 0, outward=True) is verdict
