"""What was said lately is said again as long as it is true, with the date of now, and nothing of a request is kept."""

import pytest

from angarium.edge.decoy import recent
from angarium.edge.decoy.recent import LARGEST, MOST, Recent

ANSWER = b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: close\r\n\r\nDate: of a page"


@pytest.fixture(autouse=True)
def day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "date_of", lambda seconds: "Fri, 02 Jan 1970 00:00:00 GMT")


def test_the_same_words_hear_the_same_but_for_the_date() -> None:
    known = Recent()
    assert known.find(b"GET /") is None
    known.add(b"GET /", ANSWER, keep=True, true=lambda: True)
    assert known.find(b"GET /") == (ANSWER.replace(b"Thu, 01", b"Fri, 02"), True)
    assert known.find(b"GET / ") is None


@pytest.mark.parametrize("answer", [b"<html>", b"", b"\r\nDate: none", b"HTTP/1.1 400\r\n\r\n\r\nDate: of a page"])
def test_what_has_no_date_is_said_as_it_was(answer: bytes) -> None:
    known = Recent()
    known.add(b"x", answer, keep=False, true=lambda: True)
    assert known.find(b"x") == (answer, False)


def test_what_is_true_no_more_is_not_said() -> None:
    known, true = Recent(), [True]
    known.add(b"x", ANSWER, keep=True, true=lambda: true[0])
    assert known.find(b"x") is not None
    true[0] = False
    assert known.find(b"x") is None
    known.add(b"x", b"other", keep=True, true=lambda: True)
    assert known.find(b"x") == (b"other", True)


def test_no_more_than_so_many_and_none_that_is_large() -> None:
    known = Recent()
    for number in range(MOST + 1):
        known.add(b"%d" % number, b"", keep=True, true=lambda: True)
    assert known.find(b"0") is None
    assert known.find(b"1") is not None
    known.add(b"large", bytes(LARGEST + 1), keep=True, true=lambda: True)
    assert known.find(b"large") is None


def test_nobody_finds_in_it_what_was_asked() -> None:
    known, other = Recent(), Recent()
    for one in (known, other):
        one.add(b"GET /of-whom HTTP/1.1", ANSWER, keep=True, true=lambda: True)
    assert b"of-whom" not in repr(vars(known)).encode()
    assert not set(known._answers) & set(other._answers), "two processes know it by different names"
