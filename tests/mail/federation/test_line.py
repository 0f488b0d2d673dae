"""One destination."""

from angarium.mail.federation.chain import Entry
from angarium.mail.federation.line import SIDE_BY_SIDE, Attempt, Line
from angarium.store.outbound import Waiting

INFINITE = float("inf")


def line(*senders: str) -> Line:
    made = Line("there.example")
    for number, sender in enumerate(senders):
        made.add(entry(number, sender))
    return made


def entry(number: int, sender: str) -> Entry:
    return Entry.of(Waiting(number, number, "there.example", sender, ("b",), 10, 1))


def take(line: Line, now: float = 0.0) -> list[Attempt]:
    found = []
    while attempt := line.next(now, INFINITE):
        found.append(attempt)
    return found


def test_one_at_a_time_until_it_answers_then_several_senders_side_by_side() -> None:
    made = line("a", "a", "b", "c", "d", "e", "f")
    (attempt,) = take(made)
    made.answered()
    more = take(made)
    assert [each.entry.sender for each in (attempt, *more)] == ["a", "b", "c", "d"]
    assert made.under_way == SIDE_BY_SIDE
    made.remove(attempt.entry)
    made.done(attempt)
    assert [each.entry.sender for each in take(made)] == ["e"], "they take turns"


def test_of_several_that_fail_together_one_counts() -> None:
    made = line("a", "b", "c")
    made.answered()
    attempts = take(made)
    assert [made.failed(each, "no route") for each in attempts] == [True, False, False]
    for each in attempts:
        made.done(each)
    assert (made.failures, made.open, made.fault) == (1, False, "no route")
    made.due = 60.0
    assert take(made, 59.0) == []
    assert made.wake(0.0) == 60.0
    (probe,) = take(made, 60.0)
    assert made.wake(60.0) is None
    assert made.failed(probe, "no route")
    made.done(probe)
    assert made.failures == 2
    made.due = 300.0
    made.soon(100.0)
    (probe,) = take(made, 100.0)
    made.answered()
    assert (made.failures, made.fault, made.due) == (0, "", 0.0)


def test_what_is_put_off_sleeps_and_the_rest_goes_on() -> None:
    made = line("a", "b")
    made.answered()
    first, second = take(made)
    first.entry.due = 60.0
    made.done(first)
    made.remove(second.entry)
    made.done(second)
    assert take(made) == []
    assert made.wake(0.0) == 60.0
    made.add(entry(7, "a"))
    assert take(made) == [], "it is for the same person"
    (again,) = take(made, 60.0)
    assert again.entry is first.entry
    assert made.sending(first.entry)
    assert not made.sending(second.entry)


def test_what_is_held_is_left_alone() -> None:
    made = line("a")
    made.held = True
    assert take(made) == []
    assert made.wake(0.0) is None
    made.held = False
    assert len(take(made)) == 1


def test_when_nothing_waits_it_is_empty() -> None:
    made = line("a")
    assert made.busy_with("a")
    (attempt,) = take(made)
    made.remove(attempt.entry)
    assert not made.empty
    assert len(made) == 0
    made.done(attempt)
    assert made.empty
    assert not made.busy_with("a")
    made.remove(attempt.entry)
