"""Whether there is a road."""

import pytest

from angarium.mail.federation.consignment import Fault
from angarium.mail.federation.island import Island

WANT = [Fault.ROUTE, Fault.DNS, Fault.TIMEOUT]


@pytest.mark.parametrize("one", WANT)
@pytest.mark.parametrize("other", WANT)
def test_two_that_cannot_be_reached_for_want_of_a_road(one: Fault, other: Fault) -> None:
    island = Island()
    assert not island.failed("a.example", one)
    assert not island.failed("a.example", other), "one that is dead looks the same"
    assert island.failed("b.example", other)
    assert island.found
    assert not island.failed("c.example", one)
    assert island.answered("c.example")
    assert not island.found
    assert not island.answered("c.example")


def test_an_answer_in_between() -> None:
    island = Island()
    island.failed("a.example", Fault.TIMEOUT)
    assert not island.answered("b.example")
    assert not island.failed("c.example", Fault.TIMEOUT)
    assert not island.found


def test_somebody_refused_the_connection() -> None:
    island = Island(found=True)
    assert island.failed("a.example", Fault.OTHER)
    assert not island.found


@pytest.mark.parametrize("domestic", ["192.0.2.7", "2001:db8::7", "_home.localhost"])
def test_domestic_relays_say_nothing_either_way(domestic: str) -> None:
    island = Island()
    for one in (domestic, "a.example"):
        assert not island.failed(one, Fault.TIMEOUT)
    assert not island.found
    island = Island(found=True)
    assert not island.answered(domestic)
    assert not island.failed(domestic, Fault.OTHER)
    assert island.found
