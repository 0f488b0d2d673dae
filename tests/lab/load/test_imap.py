"""What an answer is: found whole, whether it comes at once or byte by byte."""

from collections.abc import Callable

import pytest

from angarium.lab.load.imap import _Fetched, _Tagged
from angarium.lab.load.smtp import _Replies

TRAP = b"\r\nA0005 OK not yet\r\n"
FETCHED = b"* 1 FETCH (UID 7 FLAGS () BODY[] {%d}\r\n%s)\r\n* 9 EXISTS\r\n" % (len(TRAP), TRAP)
ANSWERS: list[tuple[Callable[[], Callable[[bytes], int]], bytes]] = [
    (lambda: _Tagged(b"A0005 "), b"A0005 OK done\r\n"),
    (lambda: _Tagged(b"A0005 "), b"* 3 EXISTS\r\n* OK [UIDNEXT 4] x\r\nA0005 OK done\r\n"),
    (lambda: _Fetched(b"A0005 "), FETCHED * 2 + b"A0005 OK done\r\n"),
    (lambda: _Fetched(b"A0005 "), b"* 1 FETCH (UID 7 BODY[] {0}\r\n)\r\nA0005 NO gone\r\n"),
    (lambda: _Replies(3), b"250-first\r\n250 second\r\n250 ok\r\n354 go\r\n"),
]


@pytest.mark.parametrize(("make", "answer"), ANSWERS)
def test_an_answer_is_complete_at_its_last_byte(make: Callable[[], Callable[[bytes], int]], answer: bytes) -> None:
    assert make()(answer) == len(answer)
    want = make()
    for end in range(1, len(answer)):
        assert want(answer[:end]) == 0
    assert want(answer) == len(answer)


def test_a_literal_is_taken_by_its_length() -> None:
    fetched = _Fetched(b"A0005 ")
    fetched(FETCHED + b"A0005 OK done\r\n")
    assert fetched.found == [(7, TRAP)]
    assert fetched.announced
