"""A channel's site is written: what changed since the last time, and the manifest last.

Pages come first, then the lists of files, then the manifest with its signature, and only then is removed what the
manifest does not name any more. A run that was cut short has not touched the manifest; the next one goes on. Posts are
read as they are needed: the memory it takes grows with each by what the catalogue keeps.
"""

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from angarium import __version__
from angarium.channel import proof
from angarium.channel.archive import Archive, Filed
from angarium.channel.minisign import SecretKey
from angarium.channel.newsroom import Newsroom
from angarium.channel.post import Author
from angarium.channel.settings import Settings
from angarium.channel.site import feeds, paths
from angarium.channel.site.catalogue import Catalogue, paged
from angarium.channel.site.gallery import Gallery
from angarium.channel.site.index import PERIOD, Leaf, Period
from angarium.channel.site.ledger import Ledger, mark
from angarium.channel.site.pages import Counted, Pages
from angarium.channel.site.theme import Theme
from angarium.channel.successor import Handover

__all__ = ["Built", "build"]

FRONT_POSTS = 20
PINNED_POSTS = 5
FEED_POSTS = 30
TAGS_SHOWN = 1_000
"""On the table of tags, the most used first. All have a page."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Built:
    """What a run did."""

    posts: int
    written: int
    removed: int
    serial: int


def build(newsroom: Newsroom, to: Path, *, now: int, progress: Progress = lambda done, of: None) -> Built:
    """Write the site of a channel to the folder `to`, at the time `now` in seconds since 1970.

    Raises:
        BadSettings, KeyMissing, ArchiveError: the channel's folder is incomplete or damaged.
        BadTheme, PicturesMissing, LedgerError: what their texts say.
        OSError: something could not be read or written.
    """
    settings, key, handovers = newsroom.settings(), newsroom.keys.load(), newsroom.keys.handovers()
    theme_folder = newsroom.folder / settings.theme if settings.theme else None
    theme = Theme(theme_folder, Pages.values(settings, str(key.public)))
    to.mkdir(parents=True, exist_ok=True)
    with newsroom.archive() as archive, Ledger(newsroom.ledger, to) as ledger:
        authors = {author.slug: author for author, _ in archive.authors()}
        gallery = Gallery(newsroom.media(), ledger)
        pages = Pages(settings, theme, str(key.public), gallery, authors)
        with archive.reading():
            works = Works(archive, ledger, pages, key, authors, settings, theme)
            works.posts(gallery, progress)
            works.lists()
            works.search()
            works.rest(theme, handovers)
            manifest = works.manifest(now)
        archive.put_note("manifest", manifest.text())
        ledger.finish()
        return Built(len(works.catalogue.numbers), ledger.written, ledger.removed, manifest.serial)


class Works:
    """One run, step by step."""

    def __init__(
        self,
        archive: Archive,
        ledger: Ledger,
        pages: Pages,
        key: SecretKey,
        authors: dict[str, Author],
        settings: Settings,
        theme: Theme,
    ) -> None:
        self._archive = archive
        self._ledger = ledger
        self._pages = pages
        self._key = key
        self._authors = authors
        self._settings = settings
        seen = msgspec.structs.replace(settings, mirrors=())
        self._every = mark(__version__, theme.mark(), msgspec.json.encode(seen), str(key.public), pages.language.words)
        """What every page is made from."""
        self._names = mark(sorted((slug, author.name) for slug, author in authors.items()))
        self.catalogue = Catalogue(archive.posts(), pages.month)

    def posts(self, gallery: Gallery, progress: Progress) -> None:
        """The page of each post, with its signature, and what stands where one was withdrawn."""
        commented, total = self._archive.commented(), len(self.catalogue.numbers)
        for done, (filed, around) in enumerate(zip(self._archive.posts(), self.catalogue.around(), strict=True)):
            number, newer, older = around
            assert filed.number == number
            for medium in filed.post.media:
                gallery.show(medium)
            self._post(filed, newer, older, commented=number in commented)
            progress(done + 1, total)
        made_from = mark(self._every, "withdrawn")
        for number in self._archive.withdrawn():
            if not self._ledger.keeps(paths.post(number), made_from):
                self._ledger.put(paths.post(number), self._pages.withdrawn(number), made_from)

    def _post(self, filed: Filed, newer: int | None, older: int | None, *, commented: bool) -> None:
        post, path = filed.post, paths.post(filed.number)
        answers = self._archive.find(post.answers) if post.answers else None
        comments = self._archive.comments(filed.number) if commented else []
        made_from = mark(
            self._every,
            self.catalogue.marks[filed.number],
            (newer, older, self._authors[post.author].name if post.author in self._authors else ""),
            (answers.number, self.catalogue.marks[answers.number]) if answers else None,
            comments,
        )
        if self._ledger.keeps(path, made_from) and self._ledger.keeps(f"{path}.minisig", made_from):
            return
        page = self._pages.post(
            filed,
            newer=paths.post(newer) if newer is not None else "",
            older=paths.post(older) if older is not None else "",
            answers=answers,
            comments=comments,
        )
        signature = self._key.sign(page, f"timestamp:{max(post.published, post.changed)} file:{path}")
        self._ledger.put(f"{path}.minisig", signature.encode(), made_from)
        self._ledger.put(path, page, made_from)

    def _read(self, numbers: Iterable[int]) -> list[Filed]:
        return [filed for number in numbers if (filed := self._archive.get(number)) is not None]

    def _list(self, title: str, numbers: Sequence[int], path: Callable[[int], str], about: str = "") -> None:
        """A list of posts, in pages."""
        for piece in paged(numbers):
            place = path(piece.page)
            newer = "" if piece.newer is None else path(piece.newer)
            older = "" if piece.older is None else path(piece.older)
            count = len(numbers) if piece.page == 0 else len(piece.numbers)
            made_from = mark(
                self._every, title, about, self.catalogue.mark(piece.numbers), newer, older, count, self._names
            )
            if not self._ledger.keeps(place, made_from):
                posts = self._read(piece.numbers)
                page = self._pages.listing(place, title, posts, count=count, newer=newer, older=older, about=about)
                self._ledger.put(place, page, made_from)

    def lists(self) -> None:
        """Months, authors and tags, and the tables of them."""
        catalogue, pages, count = self.catalogue, self._pages, self._pages.count
        calendars = pages.language.calendars
        years: dict[int, list[Counted]] = {}
        for month, numbers in catalogue.months.items():
            name = calendars.month_name(month)
            self._list(name, numbers, partial(paths.month, month))
            years.setdefault(month[0], []).append(Counted(name, paths.month(month), count(len(numbers))))
        groups = [(calendars.number(year), months) for year, months in years.items()]
        self._ledger.put(paths.ARCHIVE, pages.contents(paths.ARCHIVE, "archive", groups))

        written = {slug: self._authors.get(slug, Author(slug, slug)) for slug in catalogue.authors} | self._authors
        counted = []
        for slug, author in sorted(written.items(), key=lambda each: each[1].name.casefold()):
            numbers = catalogue.authors.get(slug, array("q"))
            self._list(author.name, numbers, partial(paths.author, slug), author.biography)
            counted.append(Counted(author.name, paths.author(slug), count(len(numbers))))
        self._ledger.put(paths.AUTHORS, pages.contents(paths.AUTHORS, "authors", [("", counted)]))

        tags = sorted(catalogue.tags.items(), key=lambda each: (-len(each[1]), each[0]))
        for tag, numbers in tags:
            title = pages.language.say("tag", name=tag)
            self._list(title, numbers, partial(paths.tag, tag))
        counted = [Counted(f"#{tag}", paths.tag(tag), count(len(numbers))) for tag, numbers in tags[:TAGS_SHOWN]]
        self._ledger.put(paths.TAGS, pages.contents(paths.TAGS, "tags", [("", counted)]))

    def search(self) -> None:
        """The index, by periods, and the page that leads to it."""
        told = []
        for number in sorted(self.catalogue.periods, reverse=True):
            numbers = self.catalogue.periods[number]
            name = self._period_name(numbers)
            told.append({"number": number, "name": name})
            made_from = mark(self._every, self._names, name, self.catalogue.mark(numbers))
            if not self._ledger.keeps_under(f"search/{number}", "index.html", made_from):
                self._period(number, name, numbers, made_from)
        self._ledger.put(paths.SEARCH, self._pages.search(told, PERIOD))

    def _period(self, number: int, name: str, numbers: Iterable[int], made_from: bytes) -> None:
        posts = (filed for each in numbers if (filed := self._archive.get(each)) is not None)
        period = Period(number, (self._pages.entry(filed) for filed in posts))
        for path, content in period.scripts():
            self._ledger.put(path, content)
        leaves: list[Leaf] = []
        for leaf in period.pages(self.catalogue.ranks.__getitem__):
            self._ledger.put(leaf.path, self._pages.words(leaf))
            leaves.append(Leaf(leaf.prefix, leaf.path, ()))
        self._ledger.put(f"search/{number}/index.html", self._pages.period(number, name, leaves), made_from)

    def _period_name(self, numbers: Sequence[int]) -> str:
        """From which month to which; numbers come the latest first."""
        ends = [self._pages.month(filed.post.published) for filed in self._read((numbers[-1], numbers[0]))]
        names = dict.fromkeys(self._pages.language.calendars.month_name(month) for month in ends)
        return " – ".join(names)

    def rest(self, theme: Theme, handovers: Sequence[Handover]) -> None:
        """The front page, feeds, how all is checked, the style."""
        latest = self._read(self.catalogue.numbers[:FRONT_POSTS])
        pinned = self._archive.pinned()[:PINNED_POSTS]
        self._ledger.put(paths.FRONT, self._pages.front(latest, pinned))
        items = [self._pages.item(filed) for filed in self._read(self.catalogue.numbers[:FEED_POSTS])]
        name = handovers[0].old if handovers else self._key.public
        self._ledger.put(feeds.FEED, feeds.atom(self._settings, str(name), items))
        self._ledger.put(feeds.JSON_FEED, feeds.json_feed(self._settings, str(name), items))
        self._ledger.put(paths.PROOF, self._pages.proof(handovers))
        for handover in handovers:
            for path, content in handover.files().items():
                self._ledger.put(path, content)
        for path, source in theme.loose().items():
            self._ledger.put_file(path, source, b"")

    def manifest(self, now: int) -> proof.Manifest:
        """The lists of all files, and the manifest, anew if anything is not as it was the last time."""
        lists, files, largest = [], 0, 0
        for folder, entries in self._ledger.folders():
            lines = [proof.Line(found.hex(), path) for path, found, _ in entries if not path.startswith(proof.OWN)]
            if lines:
                content = proof.listed(lines)
                place = proof.list_name(folder)
                self._ledger.put(place, content)
                lists.append(proof.Line(proof.digest(content), place))
                files += len(lines)
                largest = max(largest, *(size for _, _, size in entries))
        last = self._last()
        settings = self._settings
        manifest = proof.Manifest(
            channel=settings.title,
            serial=last.serial if last else now,
            made=last.made if last else datetime.fromtimestamp(now, UTC).isoformat(),
            key=self._key.public,
            previous=last.previous if last else None,
            address=settings.address,
            mirrors=settings.mirrors,
            largest=largest,
            files=files,
            lists=tuple(sorted(lists, key=lambda line: line.path)),
        )
        if last and manifest != last:
            manifest = replace(
                manifest,
                serial=max(last.serial + 1, now),
                made=datetime.fromtimestamp(now, UTC).isoformat(),
                previous=(last.serial, proof.digest(last.text().encode())),
            )
        text = manifest.text().encode()
        self._ledger.put(proof.SIGNATURE, self._key.sign(text, f"serial:{manifest.serial}").encode())
        self._ledger.put(proof.MANIFEST, text)
        return manifest

    def _last(self) -> proof.Manifest | None:
        """The manifest before, wherever it was written to; where that was forgotten, the one in the site's folder."""
        kept = self._archive.note("manifest")
        try:
            return proof.parse(kept or (self._ledger.folder / proof.MANIFEST).read_text("utf-8"))
        except (OSError, UnicodeDecodeError, proof.BadManifest):
            return None
