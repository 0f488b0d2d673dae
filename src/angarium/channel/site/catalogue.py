"""All posts of a channel in a few numbers each: their order, the lists they are in, and a mark of what they say."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from angarium.channel.archive import Filed
from angarium.channel.site.index import period
from angarium.channel.site.ledger import mark

__all__ = ["Catalogue", "Piece", "paged"]

PAGE = 30
"""Posts of a page of a list."""


class Catalogue:
    """The posts, the latest first: of each its number, a mark, and the lists it is in, and none of its words."""

    def __init__(self, posts: Iterable[Filed], month: Callable[[int], tuple[int, int]]) -> None:
        self.numbers = array("q")
        self.marks: dict[int, bytes] = {}
        self.months: dict[tuple[int, int], array[int]] = {}
        self.authors: dict[str, array[int]] = {}
        self.tags: dict[str, array[int]] = {}
        self.periods: dict[int, array[int]] = {}
        encode = msgspec.msgpack.Encoder().encode
        for filed in posts:
            number, post = filed.number, filed.post
            self.marks[number] = mark(encode(post))
            self.numbers.append(number)
            self.months.setdefault(month(post.published), array("q")).append(number)
            self.periods.setdefault(period(number), array("q")).append(number)
            if post.author:
                self.authors.setdefault(post.author, array("q")).append(number)
            for tag in dict.fromkeys(post.tags):
                self.tags.setdefault(tag, array("q")).append(number)
        self.ranks = {number: -rank for rank, number in enumerate(self.numbers)}
        """The later a post, the higher."""

    def around(self) -> Iterator[tuple[int, int | None, int | None]]:
        """Each post with the next newer and the next older one."""
        newer: int | None = None
        for at, number in enumerate(self.numbers):
            yield number, newer, self.numbers[at + 1] if at + 1 < len(self.numbers) else None
            newer = number

    def mark(self, numbers: Iterable[int]) -> bytes:
        """A mark of some posts in their order."""
        return mark(*((number, self.marks[number]) for number in numbers))


class Piece(msgspec.Struct, frozen=True):
    """A page of a list: 0 is the one with the latest posts, the others are counted from the oldest."""

    page: int
    numbers: Sequence[int]
    newer: int | None
    older: int | None


def paged(numbers: Sequence[int]) -> Iterator[Piece]:
    """A list in pages, of which the first changes when a post is added to its front, and now and then the second."""
    full = max(0, -(-len(numbers) // PAGE) - 2)
    first = len(numbers) - full * PAGE
    yield Piece(0, numbers[:first], None, full or None)
    for page in range(full, 0, -1):
        begin = first + (full - page) * PAGE
        yield Piece(page, numbers[begin : begin + PAGE], page + 1 if page < full else 0, page - 1 or None)
