"""The index that search goes by, without a server: made of files, some for the script, some for people who run none.

Posts are taken by their numbers, so many to a period. A period that is over does not change any more, so an update
brings new files of the last one only. In a period, words that begin alike lie in one file, small enough for slow links:
for the script with all their posts, as a page with the last few of each.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from angarium.channel.site import paths
from angarium.channel.site.words import leaves, spread, words

__all__ = ["PERIOD", "Entry", "Leaf", "Period", "period"]

PERIOD = 5_000
"""Posts of a period: multiple of `paths.BLOCK`."""
SCRIPT_OCTETS = 24_000
PAGE_WORDS = 150
SHOWN = 8
"""Posts of a word on a page."""


def period(number: int) -> int:
    """Which period a post is in."""
    return number // PERIOD


@dataclass(frozen=True, slots=True)
class Entry:
    """A post, as results show it."""

    number: int
    title: str
    day: str
    text: str
    """All in it that can be looked for."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page of words that begin alike: each with its last posts."""

    prefix: str
    path: str
    words: Sequence[tuple[str, Sequence[Entry], int]]
    """A word, its last posts, and how many there are."""


class Period:
    """The index of one period."""

    def __init__(self, number: int, entries: Iterable[Entry]) -> None:
        self.number = number
        self._titles: dict[int, Entry] = {}
        self._posts: dict[str, list[int]] = {}
        for entry in sorted(entries, key=lambda entry: entry.number):
            self._titles[entry.number] = Entry(entry.number, entry.title, entry.day, "")
            for word in set(words(entry.text)):
                self._posts.setdefault(word, []).append(entry.number)

    def scripts(self) -> Iterator[tuple[str, bytes]]:
        """What the script loads: by its path. The list of the others comes last."""
        spreads = {
            word: spread([number - self.number * PERIOD for number in posts]) for word, posts in self._posts.items()
        }
        sizes = {word: len(word.encode()) + len(text) + 8 for word, text in spreads.items()}
        groups = leaves(sizes, SCRIPT_OCTETS)
        for name, group in groups.items():
            yield (
                f"search/{self.number}/{hexadecimal(name)}.js",
                called("leaf", [[word, spreads[word]] for word in group]),
            )
        for block, entries in self._blocks():
            titles = [[entry.number, entry.title, entry.day] for entry in entries]
            yield f"search/{self.number}/titles-{block}.js", called("titles", titles)
        yield f"search/{self.number}/list.js", called("period", list(groups))

    def _blocks(self) -> Iterator[tuple[int, list[Entry]]]:
        blocks: dict[int, list[Entry]] = {}
        for number, entry in self._titles.items():
            blocks.setdefault(paths.block(number), []).append(entry)
        yield from blocks.items()

    def pages(self, order: Callable[[int], int]) -> Iterator[Leaf]:
        """The pages of words. Posts are ordered by `order`, the highest first."""
        for name, group in leaves(dict.fromkeys(self._posts, 1), PAGE_WORDS).items():
            found = []
            for word in group:
                posts = sorted(self._posts[word], key=order, reverse=True)
                found.append((word, [self._titles[number] for number in posts[:SHOWN]], len(posts)))
            yield Leaf(name, f"search/{self.number}/w-{hexadecimal(name)}.html", found)


def hexadecimal(name: str) -> str:
    """A name that any disk can hold, and that the script makes in the same way."""
    return "-".join(f"{ord(sign):x}" for sign in name)


def called(function: str, values: list[object] | list[list[object]] | list[str] | list[list[str]]) -> bytes:
    """A script that hands on values and does nothing else."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    for sign in "\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):x}")
    return f"angarium.{function}({text});\n".encode("utf-8", "replace")
