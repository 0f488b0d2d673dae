"""The twenty and the decoys: as different as is said, and divided so that who is tried was never learnt from."""

from collections import Counter
from itertools import product

import pytest

from angarium.lab.censor.scenarios import DOMAIN, RELAY, SCENARIOS
from angarium.lab.censor.sites import DECOYS, GARDEN_FILES, LIKES, PARTS, SORTS, STOCK, pages


def test_each_has_an_address_and_a_name_of_its_own() -> None:
    addresses = [*(one.address for one in (*STOCK, *DECOYS)), *LIKES]
    assert len(set(addresses)) == len(addresses) == 20 + 8 + 8
    assert len({one.name for one in (*STOCK, *DECOYS)}) == 28
    assert (DECOYS[0].name, DECOYS[0].address) == (DOMAIN, RELAY)
    assert next(one for one in SCENARIOS if one.probes).relays == len(DECOYS)


def test_sites_and_relays_are_of_each_sort_alike() -> None:
    assert Counter(one.sort for one in STOCK) == dict.fromkeys(SORTS, 5)
    assert Counter(one.sort for one in DECOYS) == dict.fromkeys(SORTS, 2)
    assert str(DECOYS[0].sort) == "files, P-256"


def test_of_who_is_tried_others_of_the_same_sort_are_learnt_from() -> None:
    assert Counter(one.part for one in STOCK) == dict.fromkeys(range(PARTS), 5)
    assert Counter(one.part for one in DECOYS) == dict.fromkeys(range(PARTS), 2)
    for hosts, part in product((STOCK, DECOYS), range(PARTS)):
        held_out, others = ([one.sort for one in hosts if (one.part == part) is there] for there in (True, False))
        assert set(held_out) < set(others) == set(SORTS)


@pytest.mark.parametrize("sort", SORTS, ids=str)
def test_sites_of_a_sort_differ_in_what_keepers_say(sort: object) -> None:
    some = [one for one in STOCK if one.sort == sort]
    assert {one.chained for one in some} == {True, False}
    assert [sum(one.clear for one in some), sum(one.http2 for one in some)] == [1, 1]
    assert {one.chained for one in DECOYS if one.sort == sort} == {True, False}


def test_a_site_has_pages_of_its_own_which_are_the_same_again() -> None:
    files, age = pages("one.example")
    assert pages("one.example") == (files, age)
    others = [pages(one.name) for one in STOCK]
    assert set(files) == set(GARDEN_FILES)
    for path in files:
        assert len({found[path] for found, _ in others}) == len(STOCK)
        assert max(len(found[path]) for found, _ in others) < 1 << 16  # as much as the prober reads
    sizes = sorted(len(found["index.html"]) for found, _ in others)
    assert sizes[-1] > 10 * sizes[0]
    assert all(age >= 86_400 for _, age in others)
