"""The question under a comment form: a word of the headline, which a person copies and a machine has to be told about.

It needs no third party, no script and no memory: it is made from the post, on the page and when the answer comes. It
keeps out what fills in every form there is, and nobody who writes a program against this one. Pure.
"""

from angarium.channel.archive import Filed
from angarium.channel.site.text import headline
from angarium.channel.site.words import words

__all__ = ["Question", "asked_under", "question"]

CHOICE = 6
"""Words of the headline that are asked for, at most."""


class Question:
    """Which word of a headline is asked for."""

    def __init__(self, number: int, word: str) -> None:
        self.number = number
        """Counted from 1; 0: the headline has no words, and nothing is asked."""
        self._word = word

    def answered(self, answer: str) -> bool:
        """Whether that is the word, however it is spelt."""
        return not self.number or self._word in list(words(answer))


def asked_under(filed: Filed) -> Question:
    """What is asked under a post, by its page and when the answer comes. A headline made up for it does not count."""
    return question(filed.number, headline(filed.post.title, filed.post.text)[0])


def question(number: int, headline: str) -> Question:
    """What is asked under the post of that number."""
    pieces = [piece for piece in headline.split() if any(words(piece))]
    if not pieces:
        return Question(0, "")
    at = number % min(len(pieces), CHOICE)
    return Question(at + 1, next(iter(words(pieces[at]))))
