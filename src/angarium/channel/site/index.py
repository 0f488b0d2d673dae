"""The index that search goes by, without a server: made of files, some for the script, some for people who run none.

Posts are taken by their numbers, so many to a period. A period that is over does not change any more, so an update
brings new files of the last one only. In a period, words that begin alike lie in one file, small enough for slow links:
for the script with all their posts, as a page with the last few of each. Which periods have a word at all is told by a
guide over those that are over, made as they are: so the script need not look into each.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from angarium.channel.site.words import leaves, spread, words

__all__ = ["GUIDE", "PERIOD", "TITLES", "Entry", "Leaf", "Period", "guide", "period"]

PERIOD = 5_000
"""Posts of a period: multiple of `paths.BLOCK` and of TITLES."""
TITLES = 25
"""Posts whose titles share a file."""
SCRIPT_OCTETS = 12_000
PAGE_ENTRIES = 300
"""Words and posts on a page of words."""
SHOWN = 8
"""Posts of a word on a page."""
GUIDE = "search/guide"


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
    line: Markup
    """What leads to it on a page of words."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page of words that begin alike: each with its last posts."""

    prefix: str
    path: str
    words: Sequence[tuple[str, Markup, int]]
    """A word, the lines of its last posts, and how many there are, if that is more."""


class Period:
    """The index of one period."""

    def __init__(self, number: int, entries: Sequence[Entry]) -> None:
        """`entries`: the latest first, which is not always the one with the highest number."""
        self.number = number
        self._entries = entries
        self._words: dict[str, list[int]] = {}
        for at, entry in enumerate(entries):
            for word in set(words(entry.text)):
                self._words.setdefault(word, []).append(at)

    def scripts(self) -> Iterator[tuple[str, bytes]]:
        """What the script loads: by its path. The list of the others comes last."""
        first = self.number * PERIOD
        numbers = [entry.number - first for entry in self._entries]
        yield from parts(
            f"search/{self.number}",
            {word: spread(sorted(numbers[at] for at in found)) for word, found in self._words.items()},
            self._titles(),
        )

    def _titles(self) -> Iterator[tuple[str, bytes]]:
        blocks: dict[int, list[Entry]] = {}
        for entry in self._entries:
            blocks.setdefault(entry.number // TITLES, []).append(entry)
        for block, entries in blocks.items():
            titles = [[entry.number, entry.title, entry.day] for entry in entries]
            yield f"search/{self.number}/titles-{block}.js", called(titles)

    def pages(self) -> Iterator[Leaf]:
        """The pages of words."""
        sizes = {word: 1 + min(len(found), SHOWN) for word, found in self._words.items()}
        for name, group in leaves(sizes, PAGE_ENTRIES).items():
            path = f"search/{self.number}/w-{hexadecimal(name)}.html"
            yield Leaf(name, path, [self._line(word) for word in group])

    def _line(self, word: str) -> tuple[str, Markup, int]:
        found = self._words[word]
        lines = "".join(self._entries[at].line for at in found[:SHOWN])
        return word, Markup(lines), len(found) if len(found) > SHOWN else 0  # noqa: S704 (each is)

    def vocabulary(self) -> bytes:
        """All its words, packed, for the guide."""
        return zlib.compress("\n".join(sorted(self._words)).encode("utf-8", "surrogatepass"))


def guide(vocabularies: Iterable[tuple[int, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Which periods have a word, from the words of each, in rising order: by paths, the list of the others last."""
    found: dict[str, int] = {}
    for number, packed in vocabularies:
        for word in zlib.decompress(packed).decode("utf-8", "surrogatepass").split("\n"):
            if word:
                found[word] = found.get(word, 0) | 1 << number | 1 << number
    yield from parts(GUIDE, {word: spread(bits(mask)) for word, mask in found.items()})


def bits(mask: int) -> list[int]:
    """Which bits of a number are set."""
    return [at for at in range(mask.bit_length()) if mask >> at & 1]


def parts(
    folder: str, spreads: Mapping[str, str], more: Iterable[tuple[str, bytes]] = ()
) -> Iterator[tuple[str, bytes]]:
    """Words with what they are in, in files of words that begin alike; `more`; and the list of the files."""
    sizes = {word: len(word.encode("utf-8", "replace")) + len(text) + 8 for word, text in spreads.items()}
    groups = leaves(sizes, SCRIPT_OCTETS)
    for name, group in groups.items():
        yield f"{folder}/{hexadecimal(name)}.js", called([[word, spreads[word]] for word in group])
    yield from more
    yield f"{folder}/list.js", called(list(groups))


def hexadecimal(name: str) -> str:
    """A name that any disk can hold, and that the script makes in the same way."""
    return "-".join(f"{ord(sign):x}" for sign in name)


def called(values: Sequence[object]) -> bytes:
    """A script that hands on values and does nothing else."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    for sign in "\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):x}")
    return f"angarium({text});\n".encode("utf-8", "replace")
