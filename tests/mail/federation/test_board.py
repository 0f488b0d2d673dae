"""All destinations: how many at once, and what is remembered. What it is for stands in test_queue."""

import pytest

from angarium.mail.federation import board as board_module
from angarium.mail.federation.board import AT_ONCE, DOUBTED, Board
from angarium.mail.federation.chain import Entry
from angarium.mail.federation.line import Attempt
from angarium.store.outbound import Waiting


def entry(number: int, destination: str, sender: str = "a", *, held: bool = False) -> Entry:
    return Entry.of(Waiting(number, number, destination, sender, ("b",), 10, 1, held))


def finish(board: Board, attempt: Attempt) -> None:
    attempt.line.answered()
    board.arrived(attempt)
    board.remove(attempt.entry)
    board.done(attempt)


def test_what_it_counts() -> None:
    board = Board()
    for number in range(3):
        board.add(entry(number, "there.example"))
    board.add(entry(1, "there.example"))
    assert (len(board), board.weight, board.octets) == (3, 3, 30)
    (attempt,) = board.take(0.0)
    finish(board, attempt)
    board.remove(attempt.entry)
    assert (len(board), board.weight, board.octets) == (2, 2, 20)
    for attempt in board.take(0.0):
        finish(board, attempt)
    assert (len(board), board.weight, board.octets, board.lines) == (0, 0, 0, {})


def test_those_that_are_not_known_to_answer_leave_room() -> None:
    board = Board()
    for number in range(AT_ONCE):
        board.add(entry(number, f"d{number}.example"))
    first = list(board.take(0.0))
    assert len(first) == DOUBTED
    for attempt in first:
        finish(board, attempt)
    second = list(board.take(0.0))
    assert len(second) == AT_ONCE - DOUBTED
    for number in range(AT_ONCE):
        for sender in "abc":
            board.add(entry(1000 + 10 * number + ord(sender), f"d{number}.example", sender))
    third = list(board.take(0.0))
    assert len(second) + len(third) == AT_ONCE
    assert {each.line.destination for each in third} == {f"d{number}.example" for number in range(DOUBTED)}


def test_that_one_answered_is_remembered_of_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "REMEMBERED", 1)
    board = Board()
    for number in range(2):
        board.add(entry(number, f"d{number}.example"))
    for attempt in list(board.take(0.0)):
        finish(board, attempt)
    assert [board.add(entry(number, f"d{number}.example")).open for number in range(2)] == [False, True]


def test_one_that_is_held_is_not_held_for_ever() -> None:
    board = Board()
    held = entry(1, "there.example", held=True)
    assert board.add(held).held
    assert board.add(entry(2, "there.example")).held
    assert list(board.take(0.0)) == []
    board.remove(held)
    (other,) = board.lines["there.example"].entries()
    board.remove(other)
    assert not board.add(entry(3, "there.example")).held


def test_when_to_look_again() -> None:
    board = Board()
    assert board.when() is None
    board.add(entry(1, "there.example"), due=20.0)
    assert list(board.take(0.0)) == []
    assert board.when() == 20.0
    (attempt,) = board.take(20.0)
    assert board.when() is None
    board.arrived(attempt)
    attempt.entry.due = 90.0
    attempt.line.answered()
    board.done(attempt)
    for number in range(2, 100):
        board.add(entry(number, "there.example"))
        assert list(board.take(21.0)) == []
    assert board.when() == 90.0
    (again,) = board.take(90.0)
    assert again.entry is attempt.entry
