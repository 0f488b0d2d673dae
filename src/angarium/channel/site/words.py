"""The words of a text, as the search knows them: the same here and in `theme/search.js`.

Letters lose what stands on and under them (é is e, آ is ا, and the Arabic vowel signs are gone), forms that look alike
become one (ي and ی, ك and ک), Persian and Arabic digits are 0 to 9, large letters small ones. A word is a run of
letters and digits, so a half space divides as a space does. Pure but for what it remembers of signs.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

__all__ = ["leaves", "plain", "spread", "words"]

ALIKE = str.maketrans("يكىة\u06d5٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "یکیهه01234567890123456789")
RUN = re.compile(r"[^\W_]+")
LONGEST = 30
"""Letters of a word that count."""


class Table(dict[int, int | str | None]):
    """What becomes of each sign, worked out when it is first met."""

    def __init__(self, found: Callable[[int], int | str | None]) -> None:
        self._found = found

    def __missing__(self, point: int) -> int | str | None:
        found = self[point] = self._found(point)
        return found


BARE = Table(lambda point: None if unicodedata.category(chr(point)).startswith("M") else point)
"""Without what stands on and under letters."""
ONE = Table(lambda point: ALIKE.get(point, point))
"""One form for those that look alike."""


def plain(text: str) -> str:
    """A text with all that makes no difference to a search taken away."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", text).translate(BARE).lower().translate(ONE)


def words(text: str) -> Iterator[str]:
    """The words of a text, in their order."""
    for run in RUN.findall(plain(text)):
        yield run[:LONGEST]


def spread(numbers: Sequence[int]) -> str:
    """Rising numbers as text: the first and each next one's distance, to the base of 36."""
    return " ".join(base36(number - before) for before, number in zip([0, *numbers], numbers, strict=False))


@lru_cache(maxsize=1 << 13)
def base36(number: int) -> str:
    """A number in digits and small letters, as JavaScript's parseInt takes it."""
    written = ""
    while number:
        number, rest = divmod(number, 36)
        written = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + written
    return written or "0"


def leaves(sizes: Mapping[str, int], most: int) -> dict[str, list[str]]:
    """Words in groups that begin alike, none larger than `most` but where it cannot be helped.

    Each word is in the group of the longest name that it begins with. A group is divided when it grows too large, and
    all others stay as they are: what was copied before needs not be copied again.
    """
    found: dict[str, list[str]] = {}
    divide(sorted(sizes), 1, sizes, most, found)
    return found


def divide(alike: Sequence[str], length: int, sizes: Mapping[str, int], most: int, found: dict[str, list[str]]) -> None:
    """Put words that begin alike into groups by their first `length` signs, or more where that is too many."""
    for name, group in runs(alike, length):
        if len(name) == length and length < LONGEST and sum(sizes[word] for word in group) > most:
            divide(group, length + 1, sizes, most, found)
        else:
            found[name] = group


def runs(alike: Iterable[str], length: int) -> Iterator[tuple[str, list[str]]]:
    """Sorted words by how they begin."""
    groups: dict[str, list[str]] = {}
    for word in alike:
        groups.setdefault(word[:length], []).append(word)
    yield from groups.items()
