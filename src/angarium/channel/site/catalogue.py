"""All posts of a channel in a few numbers each: their order, the lists they are in, and a mark of what they say."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from angarium.channel.archive import Packed
from angarium.channel.site.index import period
from angarium.channel.site.ledger import mark

__all__ = ["PAGE", "Catalogue", "Piece", "paged"]

PAGE = 30
"""Posts of a page of a list; the first has up to twice as many less one."""


class Catalogue:
    """The posts, the latest first: of each its number, a mark, and the lists it is in, and none of its words."""

    def __init__(self, posts: Iterable[Packed], month: Callable[[int], tuple[int, int]]) -> None:
        self.numbers = array("q")
        self.marks: dict[int, bytes] = {}
        self.months: dict[tuple[int, int], array[int]] = {}
        self.authors: dict[str, array[int]] = {}
        self.tags: dict[str, array[int]] = {}
        self.periods: dict[int, array[int]] = {}
        self.illustrated: set[int] = set()
        """Those to which something is attached."""
        self.media = 0
        """How much that is in all."""
        for packed in posts:
            number, post = packed.number, packed.filed().post
            self.marks[number] = mark(packed.octets)
            self.numbers.append(number)
            self.months.setdefault(month(post.published), array("q")).append(number)
            self.periods.setdefault(period(number), array("q")).append(number)
            if post.author:
                self.authors.setdefault(post.author, array("q")).append(number)
            for tag in dict.fromkeys(post.tags):
                self.tags.setdefault(tag, array("q")).append(number)
            if post.media:
                self.illustrated.add(number)
                self.media += len(post.media)

    def around(self) -> Iterator[tuple[int, int | None, int | None]]:
        """Each post with the next newer and the next older one."""
        newer: int | None = None
        for at, number in enumerate(self.numbers):
            yield number, newer, self.numbers[at + 1] if at + 1 < len(self.numbers) else None
            newer = number

    def mark(self, numbers: Iterable[int]) -> bytes:
        """A mark of some posts in their order."""
        return mark(*((number, self.marks[number]) for number in numbers))

    def pages(self) -> int:
        """How many pages all lists have."""
        lists = (*self.months.values(), *self.authors.values(), *self.tags.values())
        return sum(1 + older(len(numbers)) for numbers in lists)


class Piece(msgspec.Struct, frozen=True):
    """A page of a list: 0 is the one with the latest posts, the others are counted from the oldest."""

    page: int
    numbers: Sequence[int]
    newer: int | None
    older: int | None


def older(count: int) -> int:
    """How many pages a list of so many posts has beside its first."""
    return max(0, -(-count // PAGE) - 2)


def paged(numbers: Sequence[int]) -> Iterator[Piece]:
    """A list in pages, of which the first changes when a post is added to its front, and now and then the second.

    The oldest comes first, so that each leads to pages that are there.
    """
    full = older(len(numbers))
    first = len(numbers) - full * PAGE
    for page in range(1, full + 1):
        begin = first + (full - page) * PAGE
        yield Piece(page, numbers[begin : begin + PAGE], page + 1 if page < full else 0, page - 1 or None)
    yield Piece(0, numbers[:first], None, full or None)
