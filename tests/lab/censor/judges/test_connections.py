"""Rules that go by how much, how long and how many."""

from angarium.lab.censor.flows import Flows
from angarium.lab.censor.judges.connections import FewAtATime, Freeze, ShortLife
from angarium.lab.censor.judges.verdict import Verdict
from tests.lab.censor.segments import CLIENT, SERVER, Talk


def test_a_connection_freezes_after_so_much_from_the_server() -> None:
    judge, talk = Freeze(16_384), Talk(Flows(), CLIENT, SERVER)
    for _ in range(16):
        assert talk.says(judge, b"x" * 1024, outward=False) is Verdict.ALLOW
    assert talk.says(judge, b"x", outward=False) is Verdict.CUT


def test_what_the_client_sends_does_not_count_for_it() -> None:
    judge, talk = Freeze(100), Talk(Flows(), CLIENT, SERVER)
    assert talk.says(judge, b"x" * 1400) is Verdict.ALLOW


def test_who_is_old_is_overdue() -> None:
    judge, flows = ShortLife(60), Flows()
    old, new = Talk(flows, CLIENT, SERVER, now=0), Talk(flows, (CLIENT[0], 50_001), SERVER, now=30)
    assert list(judge.overdue(flows, 59)) == []
    assert list(judge.overdue(flows, 60)) == [old.flow]
    old.flow.over = True
    assert list(judge.overdue(flows, 95)) == [new.flow]


def test_a_fourth_connection_waits_until_one_is_over() -> None:
    judge, flows = FewAtATime(3), Flows()
    talks = [Talk(flows, (CLIENT[0], 50_000 + number), SERVER) for number in range(4)]
    assert [talk.opens(judge, 0) for talk in talks] == [Verdict.ALLOW] * 3 + [Verdict.DROP]
    assert talks[3].says(judge, b"x") is Verdict.DROP
    assert talks[0].says(judge, b"x") is Verdict.ALLOW
    other = Talk(flows, ("198.51.100.3", 50_000), SERVER)
    assert other.opens(judge, 0) is Verdict.ALLOW
    talks[0].flow.over = True
    assert talks[3].opens(judge, 1) is Verdict.ALLOW
