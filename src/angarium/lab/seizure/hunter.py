"""Searches bytes for many thousand identifiers at once, each in all its forms.

Every form is known by the four bytes at each of its first eight places (four, if it is short), as an integer. Of what
lies on the disk every eighth byte begins an integer too, so that an occurrence meets one of the form's wherever it
begins; what meets one is compared in full. The first look is a loop in C: a set that is disjoint from a slice of a
`memoryview`. That makes the cost of a byte a few nanoseconds, however many the identifiers.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from angarium.lab.seizure.encodings import SHORTEST, Known, exact, folded
from angarium.lab.seizure.streams import inflated

__all__ = ["Find", "Hunter"]

WINDOW = 4 << 20
"""Bytes searched at a time."""
GRAM, SLICE = 4, 2048
"""Bytes of an integer; integers looked at together."""


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
        longest = 2 * max(self._folded.longest, self._exact.longest)  # twice: base64 may be written in lines
        found = set[Find]()
        for start in range(0, len(data), WINDOW):
            found |= self._window(data[start : start + WINDOW + longest])
        return found

    def _window(self, data: bytes) -> set[Find]:
        found = self._folded.search(data.lower()) | self._exact.search(data)
        unfolded = data.translate(None, b"\r\n")
        return found if unfolded == data else found | self._exact.search(unfolded)


class _Table:
    """Forms, long and short."""

    def __init__(self, forms: Iterator[tuple[Find, bytes]]) -> None:
        self._finds: dict[bytes, list[Find]] = {}
        for find, form in forms:
            if len(form) >= SHORTEST:
                self._finds.setdefault(form, []).append(find)
        self.longest = max(map(len, self._finds), default=0)
        enough = 2 * GRAM + GRAM - 1
        self._grams = [
            _Grams([form for form in self._finds if len(form) >= enough], 2 * GRAM),
            _Grams([form for form in self._finds if len(form) < enough], GRAM),
        ]

    def search(self, data: bytes) -> set[Find]:
        """Every form that occurs."""
        padded = data + bytes(-len(data) % GRAM)
        forms = {form for grams in self._grams for form in grams.search(padded)}
        return {find for form in forms for find in self._finds[form]}


class _Grams:
    """Forms by the integers at each of their first places, of which data holds one in so many bytes."""

    def __init__(self, forms: Sequence[bytes], step: int) -> None:
        self._forms = frozenset(forms)
        self._step = step
        self._places: dict[int, set[tuple[int, int]]] = {}
        for form in forms:
            for place in range(step):
                gram = int.from_bytes(form[place : place + GRAM], sys.byteorder)
                self._places.setdefault(gram, set()).add((place, len(form)))
        self._known = frozenset(self._places)

    def search(self, data: bytes) -> Iterator[bytes]:
        """Forms that occur in data, whose length is a multiple of an integer's."""
        if not self._known:
            return
        grams = memoryview(data).cast("I")[:: self._step // GRAM]
        for start in range(0, len(grams), SLICE):
            some = grams[start : start + SLICE]
            if not self._known.isdisjoint(some):
                yield from self._slice(data, start, some)

    def _slice(self, data: bytes, start: int, grams: memoryview) -> Iterator[bytes]:
        for index, gram in enumerate(grams, start):
            at = index * self._step
            for place, length in self._places.get(gram, ()):
                form = data[at - place : at - place + length] if at >= place else b""
                if form in self._forms:
                    yield form
