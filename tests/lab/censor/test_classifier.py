"""What the classifier finds where there is something to be found, and where there is nothing."""

import random

from angarium.lab.censor.classifier import Accuracy, _rank, right_about, told_apart
from angarium.lab.censor.sighting import Sighting

KINDS = 6


def answers(seed: int, *, slower: float = 0.0, strange: str = "") -> list[Sighting]:
    """As from a server: each kind of probe has an answer and a time of its own, with noise."""
    dice = random.Random(seed)
    return [
        Sighting(
            f"probe {kind}",
            said={"octets": strange if strange and kind == 2 else f"page {kind}", "length": dice.choice("ab")},
            took={"first": dice.gauss(kind + 1, 0.1) + slower},
        )
        for kind in (dice.randrange(KINDS) for _ in range(200))
    ]


def test_who_answers_alike_is_told_no_better_than_by_a_coin() -> None:
    found = told_apart(answers(1), answers(2))
    assert found.of == 400
    assert 0.4 < found.share < 0.6
    assert found.interval[0] < 0.5 < found.interval[1] + 0.05


def test_who_takes_longer_is_told_by_times_and_not_by_words() -> None:
    quick, slow = answers(1), answers(2, slower=0.3)
    assert told_apart(quick, slow, words=False).share > 0.85
    assert told_apart(quick, slow, times=()).share < 0.6


def test_who_answers_one_probe_otherwise_is_told_where_that_is_asked() -> None:
    share = told_apart(answers(1), answers(2, strange="mail"), times=()).share
    assert 0.53 < share < 0.7  # a sixth of the answers, and a coin for the others


def test_an_interval_is_wilsons() -> None:
    low, high = Accuracy(55, 100).interval
    assert (round(low, 3), round(high, 3)) == (0.452, 0.644)


def test_one_time_may_be_looked_at_alone() -> None:
    quick, slow = answers(1), answers(2, slower=0.3)
    assert told_apart(quick, slow, words=False, times=("first",)).share > 0.85
    assert told_apart(quick, slow, words=False, times=("last",)).share == 0.5  # there is none


def test_a_time_beyond_all_that_are_known_counts_as_the_last_of_them() -> None:
    known = [1.0, 2.0, 3.0, 4.0]
    assert [_rank(known, took) for took in (0.5, 1.0, 4.0, 9.0)] == [0.125, 0.125, 0.875, 0.875]
    assert _rank(known, 2.5) == 0.5


def test_who_is_held_out_is_not_learnt_from() -> None:
    ours, theirs = ([Sighting("page", said={"octets": f"{side} {n % 4}"}) for n in range(80)] for side in "ab")
    assert told_apart(ours, theirs).share == 1
    right = right_about(ours, theirs, parts=[n % 4 for n in range(80)])
    assert len(right) == 160
    assert sum(right) == 80


def test_answers_of_several_sorts_are_ranked_among_their_own() -> None:
    quick, slow = answers(1), answers(2, slower=0.3)
    for side in (quick, slow):
        for number, seen in enumerate(side):
            seen.sort = ("near", "far")[number % 2]
            seen.took["first"] += 5 * (number % 2)
    assert told_apart(quick, slow, words=False).share > 0.85
