"""Searches bytes for many thousand identifiers at once, each in all its forms.

Every form is known by the four bytes at each of its first four places, as an integer. Whatever lies on the disk is
looked at as integers too, one for each four bytes, so that an occurrence meets one of the form's four wherever it
begins; what meets one is compared in full. The first look is a loop in C over a `memoryview`, which makes the cost of
a byte a few nanoseconds, however many the identifiers.
"""

import sys
from collections.abc import Iterator, Sequence
from itertools import compress, count
from typing import NamedTuple

from angarium.lab.seizure.encodings import SHORTEST, Known, exact, folded
from angarium.lab.seizure.streams import inflated

__all__ = ["Find", "Hunter"]

WINDOW = 16 << 20
"""Bytes searched at a time."""


class Find(NamedTuple):
    """An identifier in one of its forms."""

    known: Known
    encoding: str


class Hunter:
    """Looks for a list of identifiers."""

    def __init__(self, known: Sequence[Known]) -> None:
        self.known = list(dict.fromkeys(known))
        self._folded = _Table((Find(one, name), form) for one in self.known for name, form in folded(one.value))
        self._exact = _Table((Find(one, name), form) for one in self.known for name, form in exact(one.value))

    def hunt(self, data: bytes, *, starts: Sequence[int] = (0,)) -> set[Find]:
        """What is in the bytes, as they are and inside compressed streams.

        `starts` are places where a deflate stream without a header may begin.
        """
        found = self._plain(data)
        for stream in inflated(data, starts):
            found |= {Find(known, f"{encoding}, compressed") for known, encoding in self._plain(stream)}
        return found

    def _plain(self, data: bytes) -> set[Find]:
        found = self._folded.search(data.lower()) | self._exact.search(data)
        unfolded = data.translate(None, b"\r\n")  # base64 is written in lines
        return found if unfolded == data else found | self._exact.search(unfolded)


class _Table:
    """Forms, by the four bytes at each of their first four places."""

    def __init__(self, forms: Iterator[tuple[Find, bytes]]) -> None:
        self._whole: dict[bytes, list[Find]] = {}
        self._grams: dict[int, set[tuple[int, int]]] = {}
        self._longest = 0
        for find, form in forms:
            if len(form) < SHORTEST:
                continue
            self._longest = max(self._longest, len(form))
            self._whole.setdefault(form, []).append(find)
            for place in range(4):
                gram = int.from_bytes(form[place : place + 4], sys.byteorder)
                self._grams.setdefault(gram, set()).add((place, len(form)))

    def search(self, data: bytes) -> set[Find]:
        """Every form that occurs."""
        found: set[bytes] = set()
        for start in range(0, len(data), WINDOW):
            found.update(self._window(data[start : start + WINDOW + self._longest]))
        return {find for form in found for find in self._whole[form]}

    def _window(self, data: bytes) -> Iterator[bytes]:
        padded = data + bytes(-len(data) % 4)
        words = memoryview(padded).cast("I")
        for at in compress(count(0, 4), map(self._grams.__contains__, words)):
            for place, length in self._grams[words[at >> 2]]:
                form = data[at - place : at - place + length] if at >= place else b""
                if form in self._whole:
                    yield form
