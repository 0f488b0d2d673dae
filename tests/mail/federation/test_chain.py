"""One sender's messages to one destination."""

from angarium.mail.federation.chain import Chain, Entry, weigh
from angarium.store.outbound import Waiting

INFINITE = float("inf")


def entry(order: int, *recipients: str, octets: int = 10) -> Entry:
    return Entry.of(Waiting(order, order, "there.example", "a@relay.example", recipients or ("b",), octets, 1))


def chain(*entries: Entry) -> Chain:
    made = Chain()
    for each in entries:
        made.add(each)
    return made


def test_in_order_even_if_they_are_told_of_in_another() -> None:
    first, second, third = entry(1), entry(2), entry(3)
    made = chain(second, third, first)
    assert list(made.entries()) == [first, second, third]
    assert made.next(0.0, INFINITE) == (first, ("b",))
    made.under_way = first
    assert made.next(0.0, INFINITE) is None
    made.under_way = None
    made.remove(first)
    made.remove(first)
    assert made.next(0.0, INFINITE) == (second, ("b",))
    assert len(made) == 2


def test_who_waits_holds_up_what_is_for_the_same_person_only() -> None:
    first, second, third = entry(1, "b"), entry(2, "b", "c"), entry(3, "b")
    made = chain(first, second, third)
    first.due = 100.0
    assert made.next(0.0, INFINITE) == (second, ("c",))
    made.remove(second)
    assert made.next(0.0, INFINITE) is None
    assert made.wake(0.0) == 100.0
    assert made.next(100.0, INFINITE) == (first, ("b",))
    assert made.wake(100.0) is None


def test_one_that_is_too_large_now_is_not_overtaken_either() -> None:
    large, small, other = entry(1, "b", octets=100), entry(2, "b"), entry(3, "c")
    made = chain(large, small, other)
    assert made.next(0.0, 50) == (other, ("c",))
    assert made.next(0.0, 100) == (large, ("b",))


def test_what_a_message_counts() -> None:
    assert [weigh(["a"] * recipients) for recipients in (1, 9, 10, 1000)] == [1, 1, 2, 101]
    assert entry(1, *["a"] * 25).weight == 3
