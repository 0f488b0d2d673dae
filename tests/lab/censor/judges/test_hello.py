"""Rules that go by the ClientHello, also when it comes in pieces."""

from angarium.lab.censor.flows import Flows
from angarium.lab.censor.judges.hello import HelloJudge, by_fingerprint, by_name, by_protocol
from angarium.lab.censor.judges.verdict import Verdict
from angarium.wire.tls_hello import read_hello
from tests.lab.censor.segments import CLIENT, SERVER, Talk
from tests.wire.test_tls_hello import hello


def test_a_listed_name_is_reset_and_what_is_below_it() -> None:
    judge, flows = HelloJudge(by_name(["relay.example"])), Flows()
    asked = ["relay.example", "imap.relay.example", "otherrelay.example", None]
    verdicts = [
        Talk(flows, (CLIENT[0], 50_000 + number), SERVER).says(judge, hello(name)) for number, name in enumerate(asked)
    ]
    assert verdicts == [Verdict.RESET, Verdict.RESET, Verdict.ALLOW, Verdict.ALLOW]
    assert [(host, seen.name) for host, seen in judge.hellos] == [(CLIENT[0], name) for name in asked]


def test_a_name_that_is_cut_in_two_is_read_all_the_same() -> None:
    judge, talk, whole = HelloJudge(by_name(["relay.example"])), Talk(Flows(), CLIENT, SERVER), hello()
    middle = whole.index(b"relay") + 2
    assert talk.says(judge, whole[:middle]) is Verdict.ALLOW
    assert talk.says(judge, whole[middle:]) is Verdict.RESET


def test_protocols_and_fingerprints_are_gone_by() -> None:
    flows = Flows()
    imap, plain = hello(protocols=("imap",)), hello()
    read = read_hello(plain)
    assert read is not None
    for number, (test, data, verdict) in enumerate(
        [
            (by_protocol(["imap", "smtp"]), imap, Verdict.RESET),
            (by_protocol(["imap", "smtp"]), plain, Verdict.ALLOW),
            (by_fingerprint([read.ja4]), plain, Verdict.RESET),
            (by_fingerprint([read.ja4]), imap, Verdict.ALLOW),
        ]
    ):
        assert Talk(flows, (CLIENT[0], 50_000 + number), SERVER).says(HelloJudge(test), data) is verdict


def test_what_is_not_tls_passes() -> None:
    judge, talk = HelloJudge(lambda _: True), Talk(Flows(), CLIENT, SERVER)
    assert talk.says(judge, b"EHLO me\r\n") is Verdict.ALLOW
    assert talk.says(judge, hello()) is Verdict.ALLOW
    assert judge.hellos == []
