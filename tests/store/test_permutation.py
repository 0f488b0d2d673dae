"""Where rows lie: the same place for ever, for one, for a few and for many."""

from hypothesis import given
from hypothesis import strategies as st

from angarium.store.permutation import Permutation

PLACES = Permutation(bytes(range(32)))
WRITTEN = {
    0: 3524083965509387546,
    1: -6941770768493873083,
    7 << 32 | 8: -5212951124261973910,
    (2**31 - 1) << 32 | (2**32 - 1): 8940316783973103040,
    2**64 - 1: -4179089851181090187,
}
"""What the first release made of them: on every disk they still lie there."""

numbers = st.integers(0, 2**64 - 1)


def test_rows_lie_where_they_lay() -> None:
    for place, scattered in WRITTEN.items():
        assert PLACES.scatter([place]) == [scattered]
    assert PLACES.scatter(list(WRITTEN)) == list(WRITTEN.values())
    assert PLACES.scatter(list(WRITTEN) * 9) == list(WRITTEN.values()) * 9


@given(st.lists(numbers, min_size=1, max_size=40))
def test_one_by_one_and_together_are_the_same(places: list[int]) -> None:
    scattered = PLACES.scatter(places)
    assert scattered == [PLACES.scatter([place])[0] for place in places]
    assert all(-(2**63) <= place < 2**63 for place in scattered)
    assert PLACES.gather(scattered) == places


@given(numbers)
def test_neighbours_lie_apart(place: int) -> None:
    first = place & ~7
    scattered = PLACES.scatter([first + more for more in range(8)])
    assert len({place >> 48 for place in scattered}) > 3


def test_places_at_hand_are_bounded() -> None:
    places = Permutation(bytes(32))
    for number in range(3_000):
        places.scatter([number << 32 | 1])
    assert places._neighbours.cache_info().currsize <= 2_048


def test_another_key_is_another_permutation() -> None:
    other = Permutation(bytes(32))
    assert not {*other.scatter(range(100))} & {*PLACES.scatter(range(100))}
