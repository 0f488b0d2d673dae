"""The token bucket: burst, average, separate senders, bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from angarium.mail.checks.rate import Rate
from angarium.mail.verdict import Outcome


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_one_a_second() -> None:
    clock = Clock()
    rate = Rate(per_minute=60, burst=10, clock=clock)
    assert [rate.count("alice").accepted for _ in range(12)] == [True] * 10 + [False] * 2
    clock.now += 0.9
    assert not rate.count("alice").accepted
    clock.now += 0.11
    assert rate.count("alice").accepted
    assert not rate.count("alice").accepted
    clock.now += 3600
    assert [rate.count("alice").accepted for _ in range(11)] == [True] * 10 + [False]


def test_a_refusal_is_for_now_and_says_why() -> None:
    rate = Rate(per_minute=1, burst=1, clock=Clock())
    assert rate.count("alice").accepted
    verdict = rate.count("alice")
    assert verdict.outcome is Outcome.DEFER
    assert (verdict.code, verdict.enhanced) == (450, "4.7.1")
    assert "too much mail from" in verdict.text


def test_senders_do_not_share_a_bucket() -> None:
    rate = Rate(per_minute=1, burst=1, clock=Clock())
    assert rate.count("alice").accepted
    assert rate.count("bob").accepted
    assert not rate.count("alice").accepted


def test_those_who_are_quiet_are_forgotten() -> None:
    clock = Clock()
    rate = Rate(per_minute=60, burst=10, clock=clock)
    for sender in range(100_000):
        rate.count(sender)
        clock.now += 0.001
    assert len(rate) <= 4096  # about a thousand sent within the last second
    busy = Rate(per_minute=60, burst=2, clock=clock)
    assert busy.count("alice").accepted
    assert busy.count("alice").accepted
    for sender in range(10_000):
        busy.count(sender)
    assert not busy.count("alice").accepted


def test_a_burst_is_whole_at_a_moment_that_is_no_round_number() -> None:
    clock = Clock()
    clock.now = 1001.38
    rate = Rate(per_minute=1, burst=2, clock=clock)
    assert [rate.count("alice").accepted for _ in range(3)] == [True, True, False]


@given(
    st.integers(1, 600),
    st.integers(1, 20),
    st.lists(st.floats(0, 5, allow_nan=False).map(lambda gap: round(gap, 2)), max_size=80),
)
def test_no_more_than_burst_and_average_in_any_window(per_minute: int, burst: int, gaps: list[float]) -> None:
    clock = Clock()
    rate = Rate(per_minute=per_minute, burst=burst, clock=clock)
    accepted = []
    for gap in gaps:
        clock.now += gap
        if rate.count("alice").accepted:
            accepted.append(clock.now)
    for first in range(len(accepted)):
        for last in range(first, len(accepted)):
            window = accepted[last] - accepted[first]
            assert last - first + 1 <= burst + window * per_minute / 60 + 1e-6
    assert len(accepted) >= min(burst, len(gaps))


def test_what_two_processes_count_is_one_bucket() -> None:
    clock = Clock()
    one, other = Rate(per_minute=60, burst=10, clock=clock), Rate(per_minute=60, burst=10, clock=clock)
    one.elsewhere, other.elsewhere = other.counted, one.counted
    taken = [each.count("alice").accepted for _ in range(6) for each in (one, other)]
    assert taken == [True] * 10 + [False] * 2
    assert one.count("bob").accepted
    clock.now += 1.01
    assert other.count("alice").accepted
    assert not one.count("alice").accepted
