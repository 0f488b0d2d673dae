"""A text in the making: words are written, and marks opened and closed around them, one within the other.

Pure. What comes out is always a `Text`: marks that hold nothing vanish, and so do those nested deeper than a reader
could tell.
"""

from angarium.channel.post import Mark, Span, Text
from angarium.channel.words import tidy

__all__ = ["Marking"]

DEEPEST = 16


class Marking:
    """Collects words and marks."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._open: list[tuple[int, int]] = []
        """Where each open mark starts, and how many pieces there were then."""
        self._spans: list[Span] = []

    def __bool__(self) -> bool:
        return any(not piece.isspace() for piece in self._pieces)

    @property
    def last(self) -> str:
        """The sign that was written last; empty: none."""
        return self._pieces[-1][-1] if self._pieces else ""

    def write(self, words: str) -> None:
        """Go on with words, as `tidy` leaves them."""
        if words := tidy(words):
            self._pieces.append(words)
            self._length += len(words)

    def open(self) -> None:
        """A mark begins here."""
        self._open.append((self._length, len(self._pieces)))

    def within(self) -> str:
        """The words since the innermost mark was opened."""
        return "".join(self._pieces[self._open[-1][1] :])

    def close(self, mark: Mark | None, value: str = "") -> None:
        """The innermost mark ends here, and is this; None: it is none after all."""
        start, _ = self._open.pop()
        if mark is not None and self._length > start and len(self._open) < DEEPEST:
            self._spans.append(Span(start, self._length - start, mark, value))

    def put(self, words: str, mark: Mark, value: str = "") -> None:
        """Go on with words that are marked."""
        self.open()
        self.write(words)
        self.close(mark, value)

    def line(self) -> None:
        """What comes next stands on a line of its own."""
        if self._pieces and self.last != "\n":
            self.write("\n")

    def text(self) -> Text:
        """What was written, without white space around it."""
        words = "".join(self._pieces)
        kept = words.strip()
        lead = len(words) - len(words.lstrip())
        spans: list[Span] = []
        for span in sorted(self._spans, key=lambda span: (span.start, -span.length)):
            start = max(span.start - lead, 0)
            length = min(span.start + span.length - lead, len(kept)) - start
            if length > 0:
                spans.append(Span(start, length, span.mark, span.value))
        return Text(kept, tuple(spans))
