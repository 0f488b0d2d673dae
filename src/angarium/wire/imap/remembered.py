"""Parsers that are asked the same again and again: an app words its FETCH alike every time, but for the UIDs before it.

Only for what depends on nothing but the rest of the line, and holds nothing that tells who asked. What is remembered is
bounded in number and in length; a rest with a literal, which goes on beyond the line, is always read anew.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

from angarium.wire.imap.reader import Reader
from angarium.wire.stream import Parser

__all__ = ["LONGEST", "MANY", "remembered"]

T = TypeVar("T")

BRACE = ord("{")
MANY = 64
LONGEST = 512
"""Octets."""


def remembered(parse: Callable[[Reader], Parser[T]]) -> Callable[[Reader], Parser[T]]:
    """The same parser; where it has read the same rest of a line before, it gives what it gave then."""

    @lru_cache(maxsize=MANY)
    def read(text: bytes) -> tuple[T, int]:
        reader = Reader.of(text)
        parser = parse(reader)
        try:
            while True:
                next(parser)  # never waits: there is no literal
        except StopIteration as done:
            return done.value, len(text) - len(reader.ahead)

    @wraps(parse)
    def parser(reader: Reader) -> Parser[T]:
        ahead = reader.ahead
        if len(ahead) > LONGEST or BRACE in ahead:
            return (yield from parse(reader))
        found, size = read(ahead)
        reader.skip(size)
        return found

    return parser
