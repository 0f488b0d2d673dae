"""The question under a comment form."""

import pytest

from angarium.channel.question import question


def test_a_word_of_the_headline() -> None:
    asked = question(8, "باران در شمال، «روز» دهم")
    assert asked.number == 4
    for answer in ("روز", " «روز» ", "رُوز"):
        assert asked.answered(answer)
    for answer in ("", "شمال", "8"):
        assert not asked.answered(answer)


@pytest.mark.parametrize("headline", ["", "…", "— !"])
def test_without_words_nothing_is_asked(headline: str) -> None:
    asked = question(5, headline)
    assert asked.number == 0
    assert asked.answered("")


def test_a_word_with_a_hyphen() -> None:
    assert question(1, "One re-elected mayor").answered("RE-ELECTED")
