"""What the steps of one run share: where posts come from, where pages go, and what every page is made from."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import msgspec

from angarium import __version__
from angarium.channel.archive import Archive, Filed, Packed
from angarium.channel.newsroom import Newsroom
from angarium.channel.site.catalogue import Catalogue
from angarium.channel.site.gallery import Gallery, Shown
from angarium.channel.site.ledger import Ledger, mark
from angarium.channel.site.pages import Pages
from angarium.channel.site.press import Setup
from angarium.channel.site.pressroom import Pressroom

__all__ = ["PICTURE_STEPS", "Progress", "Run", "batches"]

Progress = Callable[[int, int], None]
Each = TypeVar("Each")

PICTURE_STEPS = 100
"""How many posts take the time of a picture, about, for who watches."""


class Run:
    """One run. What it reads of the archive is as it was at its beginning."""

    def __init__(
        self, newsroom: Newsroom, archive: Archive, ledger: Ledger, room: Pressroom, setup: Setup, progress: Progress
    ) -> None:
        self.archive = archive
        self.ledger = ledger
        self.room = room
        self.authors = setup.authors
        self.settings = setup.settings
        self.key = setup.key
        self.gallery = Gallery(newsroom.media(), ledger)
        seen = msgspec.structs.replace(setup.settings, mirrors=())
        words = self.pages.language.words
        self.every = mark(__version__, room.press.theme.mark(), msgspec.json.encode(seen), str(setup.key.public), words)
        """What every page is made from."""
        self.names = mark(sorted((slug, author.name) for slug, author in setup.authors.items()))
        self.catalogue = Catalogue(archive.packed(), self.pages.month)
        self._progress = progress
        self._done = 0
        posts = len(self.catalogue.numbers)
        self._steps = 2 * posts + self.catalogue.pages() + PICTURE_STEPS * self.catalogue.media

    @property
    def pages(self) -> Pages:
        """The pages that are drawn here."""
        return self.room.press.pages

    def advance(self, steps: int = 1) -> None:
        """So much is done."""
        self._done += steps
        if steps:
            self._progress(self._done, self._steps)

    def read(self, numbers: Iterable[int]) -> list[Filed]:
        """These posts."""
        return [packed.filed() for packed in self.pack(numbers)]

    def pack(self, numbers: Iterable[int]) -> list[Packed]:
        """These posts, packed."""
        return [packed for number in numbers if (packed := self.archive.pack(number)) is not None]

    def shown(self, numbers: Iterable[int]) -> Mapping[str, Shown]:
        """How what is attached to these posts is shown."""
        illustrated = [number for number in numbers if number in self.catalogue.illustrated]
        return self.gallery.shown(medium for filed in self.read(illustrated) for medium in filed.post.media)


def batches(sheets: Iterable[Each], size: int) -> Iterator[Sequence[Each]]:
    """As many at a time."""
    sheets = iter(sheets)
    while batch := list(islice(sheets, size)):
        yield batch
