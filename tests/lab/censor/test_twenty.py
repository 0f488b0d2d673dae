"""Relays and the twenty: who is asked what, and that nothing is told which only this or that host says."""

import random
from collections import Counter

import pytest

from angarium.lab.censor.classifier import told_apart
from angarium.lab.censor.sighting import Sighting
from angarium.lab.censor.sites import DECOYS, LIKES, SORTS, STOCK
from angarium.lab.censor.twenty import judged, rounds

ASKED = rounds(1_000, 1)
HOSTS = {one.address: one for one in (*STOCK, *DECOYS)}


def answers(
    place: int, seed: int, *, slower: float = 0.0, ticket: str = "300", own: str = "octets", sort: str = "cipher"
) -> list[Sighting]:
    """As from the hosts at a place of the rounds: what is a host's `own`, what is its sort's, and the same from all."""
    dice = random.Random(seed)
    return [
        Sighting(
            one.ask.probe.name,
            "200",
            said={"kind": "200", "ticket": ticket, own: one.ask.hosts[place], sort: str(one.sort)},
            took={"hello": (2.0 if one.sort.key == "RSA" else 1.0) + slower + dice.gauss(0, 0.1)},
        )
        for one in ASKED
    ]


def test_each_of_the_twenty_is_asked_equally_often_and_each_probe_of_both() -> None:
    assert Counter(one.ask.hosts[2] for one in ASKED) == dict.fromkeys([one.address for one in STOCK], 50)
    assert sum(Counter(one.ask.hosts[0] for one in ASKED).values()) == 1_000
    assert {one.ask.hosts[0] for one in ASKED} == {one.address for one in DECOYS}
    often = Counter(one.ask.probe.name for one in ASKED)
    assert max(often.values()) - min(often.values()) <= 1
    assert rounds(55, 1) == rounds(55, 1) != rounds(55, 2)


def test_a_relay_is_asked_beside_a_site_of_its_sort_and_its_part() -> None:
    for one in ASKED:
        relay, like, site = one.ask.hosts
        assert like == LIKES[[decoy.address for decoy in DECOYS].index(relay)]
        assert {(HOSTS[host].sort, HOSTS[host].part) for host in (relay, site)} == {(one.sort, one.part)}


@pytest.mark.parametrize("own", ["octets", "form"])
def test_what_one_host_alone_says_tells_nothing(own: str) -> None:
    ours, theirs = answers(0, 1, own=own), answers(2, 2, own=own)
    assert told_apart(ours, theirs, times=()).share == 1  # to who has seen the very hosts
    assert judged(ours, theirs, ASKED, times=()).all.share == pytest.approx(0.5, abs=0.02)


def test_what_a_sort_says_tells_nothing() -> None:
    told = judged(answers(0, 1), answers(2, 2), ASKED)
    assert told.all.share == pytest.approx(0.5, abs=0.05)
    assert told.all.of == 2_000


def test_what_all_relays_say_tells_each() -> None:
    told = judged(answers(0, 1, ticket="7200"), answers(2, 2), ASKED, times=())
    assert told.all.share == 1
    assert {name: accuracy.share for name, accuracy in told.by_sort.items()} == {str(sort): 1 for sort in SORTS}


def test_who_takes_longer_is_told_though_keys_make_more_of_a_difference() -> None:
    slow, quick = answers(0, 1, slower=0.2), answers(2, 2)
    assert judged(slow, quick, ASKED, words=False).all.share > 0.8
    assert judged(slow, quick, ASKED, times=()).all.share < 0.52


def test_what_is_the_pages_own_is_not_looked_at() -> None:
    ours, theirs = answers(0, 1), answers(2, 2)
    for seen in ours:
        seen.said["records"] = "a page of a relay"
    assert judged(ours, theirs, ASKED, times=()).all.share == pytest.approx(0.5, abs=0.02)


def test_a_part_is_tried_on_what_others_taught() -> None:
    """All relays but those of one part say something: these are not told, and the sites beside them neither."""
    ours, theirs = answers(0, 1), answers(2, 2)
    silent = [number for number, one in enumerate(ASKED) if one.part == 3]
    for number, seen in enumerate(ours):
        if number not in silent:
            seen.said["end"] = "a reset"
    assert judged(ours, theirs, ASKED, times=()).all.share == pytest.approx(1 - 250 / 2_000, abs=0.01)
