"""Replies: always lines of printable ASCII, whatever they are made of."""

import re

from hypothesis import given
from hypothesis import strategies as st

from angarium.wire.smtp.replies import Reply, multiline, spell

LINES = re.compile(rb"(?:[0-9]{3}-[ -~]*\r\n)*[0-9]{3} [ -~]*\r\n")


def test_one_line() -> None:
    assert spell(Reply(250, "2.0.0", "OK")) == b"250 2.0.0 OK\r\n"


def test_several_lines() -> None:
    assert spell(Reply(550, "5.7.1", "no\nreally no")) == b"550-5.7.1 no\r\n550 5.7.1 really no\r\n"
    assert multiline(250, ["a", "b"]) == b"250-a\r\n250 b\r\n"
    assert spell(Reply(550, "5.7.1", "")) == b"550 5.7.1 \r\n"


def test_a_text_cannot_pretend_to_be_another_reply() -> None:
    assert spell(Reply(550, "5.7.1", "no\r\n250 2.0.0 OK")) == b"550-5.7.1 no\r\n550 5.7.1 250 2.0.0 OK\r\n"


def test_only_a_2xx_is_accepted() -> None:
    assert [Reply(code, "", "").accepted for code in (250, 354, 450, 550)] == [True, False, False, False]


@given(st.integers(200, 599), st.text(max_size=1200))
def test_any_text(code: int, text: str) -> None:
    reply = spell(Reply(code, f"{code // 100}.0.0", text))
    assert LINES.fullmatch(reply)
    assert all(len(line) <= 510 for line in reply.split(b"\r\n"))
    assert set(re.findall(rb"(?m)^[0-9]{3}", reply)) == {str(code).encode()}
