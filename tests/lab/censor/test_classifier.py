"""What the classifier finds where there is something to be found, and where there is nothing."""

import random

from angarium.lab.censor.classifier import Accuracy, told_apart
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
