"""A bad line: slow, late, lossy, and full."""

import random

import pytest

from angarium.lab.censor.link import BAD, Line, Link


def test_packets_wait_for_those_before_them() -> None:
    link = Link(Line(bits=8_000, delay=0.5), lambda: 1.0)
    assert [link.arrival(1_000, 0), link.arrival(500, 0), link.arrival(1_000, 10)] == [1.5, 2.0, 11.5]


def test_there_is_room_for_some_only() -> None:
    link = Link(Line(bits=8_000, room=2_500), lambda: 1.0)
    assert [link.arrival(1_000, 0) is None for _ in range(4)] == [False, False, True, True]
    assert link.arrival(1_000, 1.5) is not None


def test_as_many_are_lost_as_the_line_is_said_to_lose() -> None:
    link = Link(Line(loss=0.05), random.Random(1).random)
    lost = sum(link.arrival(100, number) is None for number in range(10_000))
    assert lost == pytest.approx(500, abs=80)


def test_the_bad_line_takes_a_second_there_and_back() -> None:
    assert Link(BAD, lambda: 1.0).arrival(0, 0) == 0.5


def test_a_line_varies_as_far_as_it_says_and_packets_stay_in_order() -> None:
    link = Link(Line(delay=0.04, variation=0.001), random.Random(1).random)
    apart = [link.arrival(100, float(second)) for second in range(1, 1000)]
    took = [arrival - second for second, arrival in enumerate(apart, 1) if arrival is not None]
    assert 0.039 <= min(took) < 0.0391
    assert 0.0409 < max(took) <= 0.041
    close = [link.arrival(100, 2000 + number / 1e6) or 0.0 for number in range(1000)]
    assert close == sorted(close)
    assert close[0] > 2000
