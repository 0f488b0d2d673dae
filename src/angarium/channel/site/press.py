"""A press draws pages and lays them beside the site. It knows the theme, the key and the authors, and neither archive
nor ledger: what a page shows comes with its sheet, so that presses can work in processes of their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from angarium.channel.archive import Filed, Packed
from angarium.channel.minisign import SecretKey
from angarium.channel.post import Author, Comment, Medium
from angarium.channel.settings import Settings
from angarium.channel.site import index, paths
from angarium.channel.site.gallery import Making, Shown, make, named
from angarium.channel.site.pages import Pages
from angarium.channel.site.staging import Laid, Staging
from angarium.channel.site.theme import Theme

__all__ = ["ListSheet", "PeriodSheet", "PostSheet", "Press", "Setup"]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a press is set up with."""

    folder: Path
    settings: Settings
    theme: Path | None
    key: SecretKey
    authors: Mapping[str, Author]


class PostSheet(NamedTuple):
    """The page of a post, to be drawn and signed."""

    post: Packed
    newer: str
    older: str
    answers: Filed | None
    comments: Sequence[Comment]
    shown: Mapping[str, Shown]
    made_from: bytes


class ListSheet(NamedTuple):
    """A page of a list, to be drawn."""

    path: str
    title: str
    about: str
    posts: Sequence[Packed]
    all: int
    """How many posts are said to be listed."""
    newer: str
    older: str
    shown: Mapping[str, Shown]
    made_from: bytes


class PeriodSheet(NamedTuple):
    """The index of a period, to be made."""

    number: int
    name: str
    posts: Sequence[Packed]
    """The latest first."""
    made_from: bytes


class Shelf:
    """What is attached to the posts of a sheet."""

    def __init__(self) -> None:
        self.holds: Mapping[str, Shown] = {}

    def show(self, medium: Medium) -> Shown:
        """How something attached is shown."""
        return self.holds.get(named(medium), Shown("missing"))


class Press:
    """One press. All of its methods raise BadTheme and OSError.

    Raises:
        BadTheme: there is no such theme.
    """

    def __init__(self, setup: Setup) -> None:
        public = str(setup.key.public)
        self._key = setup.key
        self._shelf = Shelf()
        self.theme = Theme(setup.theme, Pages.values(setup.settings, public))
        self.pages = Pages(setup.settings, self.theme, public, self._shelf, setup.authors)
        self.staging = Staging(setup.folder)

    def showing(self, shown: Mapping[str, Shown]) -> Pages:
        """Its pages, which show this."""
        self._shelf.holds = shown
        return self.pages

    def posts(self, sheets: Iterable[PostSheet]) -> list[list[Laid]]:
        """Each post's page and its signature."""
        return [self._post(sheet) for sheet in sheets]

    def _post(self, sheet: PostSheet) -> list[Laid]:
        filed = sheet.post.filed()
        post, path = filed.post, paths.post(filed.number)
        page = self.showing(sheet.shown).post(
            filed, newer=sheet.newer, older=sheet.older, answers=sheet.answers, comments=sheet.comments
        )
        signature = self._key.sign(page, f"timestamp:{max(post.published, post.changed)} file:{path}")
        return [self.staging.lay(path, page), self.staging.lay(f"{path}.minisig", signature.encode())]

    def lists(self, sheets: Iterable[ListSheet]) -> list[list[Laid]]:
        """Pages of lists."""
        return [self._list(sheet) for sheet in sheets]

    def _list(self, sheet: ListSheet) -> list[Laid]:
        page = self.showing(sheet.shown).listing(
            sheet.path,
            sheet.title,
            [packed.filed() for packed in sheet.posts],
            count=sheet.all,
            newer=sheet.newer,
            older=sheet.older,
            about=sheet.about,
        )
        return [self.staging.lay(sheet.path, page)]

    def period(self, sheet: PeriodSheet) -> tuple[list[Laid], bytes]:
        """The index of a period, its page last; and its words, packed."""
        period = index.Period(sheet.number, [self.pages.entry(packed.filed()) for packed in sheet.posts])
        laid = [self.staging.lay(path, content) for path, content in period.scripts()]
        leaves = []
        for leaf in period.pages():
            laid.append(self.staging.lay(leaf.path, self.pages.words(leaf)))
            leaves.append(index.Leaf(leaf.prefix, leaf.path, ()))
        laid.append(self.staging.lay(paths.period(sheet.number), self.pages.period(sheet.number, sheet.name, leaves)))
        return laid, period.vocabulary()

    def guide(self, vocabularies: Sequence[tuple[int, bytes]]) -> list[Laid]:
        """The guide to periods, the list of its parts last."""
        return [self.staging.lay(path, content) for path, content in index.guide(vocabularies)]

    def make(self, making: Making) -> tuple[Shown, list[Laid]]:
        """The files of something attached. Raises PicturesMissing."""
        return make(making, self.staging)
