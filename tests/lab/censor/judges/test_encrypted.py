"""The Great Firewall's rule: each exemption by itself, and what is left."""

import secrets

import pytest

from angarium.lab.censor.flows import Flow, Flows
from angarium.lab.censor.judges.encrypted import RESIDUAL, FullyEncrypted, exempt
from angarium.lab.censor.judges.verdict import Verdict
from tests.lab.censor.segments import CLIENT, SERVER, Talk

RANDOM = bytes.fromhex("9c6a8b35d2e19a74c3a5964b87d1b20fe88a3dc5")
"""Four ones in an octet, little that can be printed."""


def test_what_looks_like_nothing_is_not_exempt() -> None:
    assert exempt(RANDOM * 10) is None


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "popcount"),
        (b"\x01" * 50 + RANDOM, "popcount"),
        (b"\xff" * 50 + RANDOM, "popcount"),
        (b"]gcms_" + RANDOM * 5, "first six printable"),
        (b"\xb7" + b"ku]m.W" * 10 + b"\xd1\x9c" * 20, "half printable"),
        (RANDOM * 2 + b"wu]m.Wkyo{vgn" * 2 + RANDOM * 2, "run of printable"),
        (b"\x16\x03\x01\x02" + RANDOM * 10, "protocol"),
        (b"\x17\x03\x09" + RANDOM * 10, "protocol"),
    ],
)
def test_each_exemption_by_itself(payload: bytes, why: str) -> None:
    assert exempt(payload) == why


def test_nearly_all_random_first_packets_are_blocked() -> None:
    blocked = sum(exempt(secrets.token_bytes(326)) is None for _ in range(2_000))
    assert blocked > 1_960


def test_a_run_of_twenty_is_not_long_enough() -> None:
    run = b"wu]m.Wkyo{vgnwu]m.Wk"
    assert len(run) == 20
    assert exempt(RANDOM * 2 + run + RANDOM * 2) is None


def test_who_was_blocked_stays_so_for_a_while_on_that_port_alone() -> None:
    judge, flows = FullyEncrypted(), Flows()
    bad = Talk(flows, CLIENT, SERVER)
    assert bad.says(judge, RANDOM * 5, now=1) is Verdict.DROP
    again = Talk(flows, (CLIENT[0], 50_001), SERVER)
    assert again.says(judge, b"GET / HTTP/1.1\r\n", now=RESIDUAL) is Verdict.DROP
    elsewhere = Talk(flows, (CLIENT[0], 50_002), (SERVER[0], 80))
    assert elsewhere.says(judge, b"GET / HTTP/1.1\r\n", now=2) is Verdict.ALLOW
    later = Talk(flows, (CLIENT[0], 50_003), SERVER)
    assert later.says(judge, b"GET / HTTP/1.1\r\n", now=RESIDUAL + 1.1) is Verdict.ALLOW
    assert (judge.judged[CLIENT[0]], judge.blocked[CLIENT[0]]) == (3, 1)


def test_only_the_first_payload_is_judged() -> None:
    judge, talk = FullyEncrypted(), Talk(Flows(), CLIENT, SERVER)
    assert talk.says(judge, b"\x16\x03\x01" + RANDOM, now=0) is Verdict.ALLOW
    assert talk.says(judge, RANDOM * 5, now=0) is Verdict.ALLOW
    assert isinstance(talk.flow, Flow)
