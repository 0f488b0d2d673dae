"""When to try again."""

from angarium.mail.federation.schedule import FIRST_SECONDS, LONGEST_SECONDS, SPREAD_SECONDS, pause, spread


def test_ever_more_rarely_up_to_a_limit() -> None:
    middle = [pause(failures, 0.5) for failures in range(1, 15)]
    assert middle[:4] == [5, 10, 20, 40]
    assert middle == sorted(middle)
    assert middle[-1] == LONGEST_SECONDS == pause(10**9, 0.5)


def test_never_all_at_one_moment() -> None:
    assert pause(1, 0) == 0.75 * FIRST_SECONDS
    assert pause(1, 0.999) < 1.25 * FIRST_SECONDS
    assert 0 == spread(1000, 0) < spread(1000, 0.5) < spread(1000, 0.99) < SPREAD_SECONDS
    assert spread(1, 0.99) < 0.5, "a few need no spreading"


def test_what_was_not_counted_is_a_first_failure() -> None:
    assert pause(0, 0.5) == FIRST_SECONDS
