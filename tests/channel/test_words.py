"""Texts of strangers: nothing a page cannot hold, nothing that turns what comes after it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.channel.words import TURNING, line, slug, tidy

ANY = st.text(st.characters() | st.sampled_from("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\r\n\ud800\0"))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("plain", "plain"),
        ("a\0b\x01c\x7fd\x9fe", "abcde"),
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("a\ud800b", "a\ufffdb"),
        ("tab\tstays", "tab\tstays"),
        ("می\u200cخواهم \u200e1\u200f", "می\u200cخواهم \u200e1\u200f"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a \u202egnp.exe\u202c b", "a gnp.exe b"),
        ("\u202bنام", "\u202bنام\u202c"),
        ("\u2067a\nb\u2069", "\u2067a\u2069\nb"),
        ("a\u202c\u2069b", "ab"),
        ("\u2066\u202aa\u2069b", "\u2066\u202aa\u202c\u2069b"),
        ("\u202a\u2066a\u202cb\u2069\u202c", "\u202a\u2066ab\u2069\u202c"),
    ],
)
def test_tidy(text: str, left: str) -> None:
    assert tidy(text) == left


@given(ANY)
def test_whatever_comes_what_turns_is_closed_in_its_line(text: str) -> None:
    tidied = tidy(text)
    assert tidy(tidied) == tidied
    tidied.encode()
    for each in tidied.split("\n"):
        opened: list[str] = []
        for sign in each:
            assert sign not in "\u202d\u202e"
            if sign in "\u202a\u202b":
                opened.append("\u202c")
            elif sign in "\u2066\u2067\u2068":
                opened.append("\u2069")
            elif sign in "\u202c\u2069":
                assert opened.pop() == sign
        assert not opened


def test_many_that_turn_take_no_longer() -> None:
    began = time.process_time()
    tidy("\u202a" * 200_000 + "\u2069" * 200_000)
    assert time.process_time() - began < 5


@given(ANY)
def test_a_line_is_one_and_turns_nothing(text: str) -> None:
    found = line(text, 20)
    assert len(found) <= 20
    assert "\n" not in found
    assert not TURNING.search(found)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Maryam R.", "maryam-r"),
        ("Алексей Ж", "алексей-ж"),
        ("مریم رضایی", "مریم-رضایی"),
        ("हिन्दी", "हिन्दी"),
        ("../../etc", "etc"),
        ("🔥🔥", ""),
        ("-- a / b --", "a-b"),
        ("x" * 100, "x" * 60),
    ],
)
def test_slugs(name: str, expected: str) -> None:
    assert slug(name) == expected
