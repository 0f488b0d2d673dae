"""What the keeper sees."""

from angarium.mail.federation.board import Board
from angarium.mail.federation.census import Destination, Totals, destinations, totals
from angarium.mail.federation.chain import Entry
from angarium.mail.verdict import Verdict
from angarium.store.outbound import Waiting


def board(*waiting: tuple[str, int]) -> Board:
    made = Board()
    for number, (destination, day) in enumerate(waiting):
        entry = Entry.of(Waiting(number, number, destination, f"s{number}@relay.example", ("b@x",), 100, day))
        made.add(entry)
    return made


def test_each_destination() -> None:
    made = board(("a.example", 7), ("b.example", 9), ("b.example", 5), ("192.0.2.7", 9), ("c.example", 9))
    (attempt,) = (each for each in made.take(0.0) if each.line.destination == "b.example")
    attempt.line.failed(attempt, "https: no route")
    attempt.line.due = 90.0
    made.arrived(attempt)
    made.done(attempt)
    made.lines["c.example"].held = True
    (put_off,) = made.lines["a.example"].entries()
    put_off.said, put_off.due = Verdict.defer(450, "4.2.1", "carol is away until Monday"), 60.0
    made.lines["a.example"].under_way = 0
    assert destinations(made, day=10, now=30.0, island=False) == [
        Destination("b.example", 2, 200, 5, "failing", "https: no route", 60),
        Destination("192.0.2.7", 1, 100, 1, "waiting", "", None),
        Destination("a.example", 1, 100, 3, "waiting", "puts messages off: 450 4.2.1", 30),
        Destination("c.example", 1, 100, 1, "held", "", None),
    ]
    states = {each.name: each.state for each in destinations(made, day=10, now=30.0, island=True)}
    assert states == {"a.example": "island", "b.example": "island", "c.example": "held", "192.0.2.7": "waiting"}
    assert totals(made, dropped=3, since=8) == Totals(5, 500, 4, 1, 1, 3, 8)


def test_what_is_queued_on_an_island_is_not_younger_than_today() -> None:
    (seen,) = destinations(board(("a.example", 11)), day=10, now=0.0, island=True)
    assert seen.age_days == 0
