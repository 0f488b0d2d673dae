"""Numbers that were met, in little memory where they lie close together, as those of messages do."""

__all__ = ["Seen"]

WIDTH = 64


class Seen:
    """A set of numbers that only grows."""

    def __init__(self) -> None:
        self._pages: dict[int, int] = {}

    def add(self, number: int) -> bool:
        """Remember a number. Whether it is new."""
        page, bit = number // WIDTH, 1 << number % WIDTH
        held = self._pages.get(page, 0)
        self._pages[page] = held | bit
        return not held & bit
