"""The table: whole, and in the words of what is asked of it."""

from angarium.lab.censor.judges.verdict import Judge
from angarium.lab.censor.relay import WAYS
from angarium.lab.censor.scenarios import SCENARIOS, Attempt


def test_each_has_a_name_of_its_own_and_known_ways_in() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert names == sorted(set(names))
    for scenario in SCENARIOS:
        assert {attempt.way for attempt in scenario.attempts} <= set(WAYS)


def test_judges_are_new_ones_each_time() -> None:
    for scenario in SCENARIOS:
        one, other = scenario.judges(), scenario.judges()
        assert all(isinstance(judge, Judge) for judge in one)
        assert not set(map(id, one)) & set(map(id, other))
        assert one or scenario.line or scenario.probes or scenario.relays > 1, f"{scenario.name} censors nothing"


def test_each_attempt_of_a_scenario_has_a_name_of_its_own() -> None:
    assert Attempt("ip", 60).setup == "ip"
    assert Attempt("ip", 60, earlier=True).setup == "ip, from before"
    assert Attempt("ip", 60, earlier=True, silence=65).setup == "ip, open, silent for 65 s"
    for scenario in SCENARIOS:
        setups = [attempt.setup for attempt in scenario.attempts]
        assert len(setups) == len(set(setups))


def test_the_goal_is_told_in_words() -> None:
    s16 = next(scenario for scenario in SCENARIOS if scenario.name == "S16")
    assert s16.goal(s16.attempts[0]) == "first in 60 s, all arrive, p95 in 10 s, 3000 octets a re-login"


def test_only_who_shows_the_decoys_site_has_a_twin_to_be_told_from() -> None:
    s12 = next(scenario for scenario in SCENARIOS if scenario.name == "S12")
    goals = {attempt.way: s12.goal(attempt) for attempt in s12.attempts}
    assert "twin" in goals["decoy"]
    assert goals["domain"] == "unlike none of 20 sites, no mail protocol"
