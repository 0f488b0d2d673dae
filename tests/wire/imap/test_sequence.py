"""Sequence sets, against the plainest way to say what they mean."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.imap.sequence import SequenceSet, compact

NUMBERS = st.none() | st.integers(1, 12)
SETS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=6).map(tuple)


def meant(ranges: tuple[tuple[int | None, int | None], ...], largest: int) -> set[int]:
    named = [(largest if a is None else a, largest if b is None else b) for a, b in ranges]
    return {number for a, b in named for number in range(min(a, b), max(a, b) + 1)}


@given(SETS, st.integers(0, 12))
def test_resolved_ranges_are_what_was_meant_in_order_and_apart(
    ranges: tuple[tuple[int | None, int | None], ...], largest: int
) -> None:
    resolved = SequenceSet(ranges).resolve(largest)
    assert [number for first, last in resolved for number in range(first, last + 1)] == sorted(meant(ranges, largest))
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(resolved))


def test_huge_sets_cost_nothing() -> None:
    assert SequenceSet(((1, 4_294_967_295), (5, None))).resolve(9) == [(1, 4_294_967_295)]


@given(st.lists(st.integers(1, 50)))
def test_compact_says_the_same_in_the_same_order(numbers: list[int]) -> None:
    said: list[int] = []
    for part in filter(None, compact(numbers).split(",")):
        first, _, last = part.partition(":")
        said += range(int(first), int(last or first) + 1)
    assert said == numbers
