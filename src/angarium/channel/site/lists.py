"""The step of the lists: months, authors and tags, each in pages, and the tables that lead to them."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from angarium.channel.post import Author
from angarium.channel.site import paths
from angarium.channel.site.catalogue import paged
from angarium.channel.site.ledger import mark
from angarium.channel.site.pages import Counted
from angarium.channel.site.press import ListSheet, Press
from angarium.channel.site.run import Run, batches

__all__ = ["TAGS_SHOWN", "write_lists"]

TAGS_SHOWN = 500
"""On the table of tags, the most used first. All have a page."""
BATCH = 10
HERE_BATCHES = 6


class List(NamedTuple):
    """Posts that are listed together."""

    title: str
    numbers: Sequence[int]
    path: Callable[[int], str]
    """Of its first page, and those that go on."""
    about: str = ""


def write_lists(run: Run) -> None:
    """All lists, and then the tables of them."""
    authors = _authors(run)
    tags = sorted(run.catalogue.tags.items(), key=lambda each: (-len(each[1]), each[0]))
    sheets = _sheets(run, _lists(run, authors, tags))
    for batch, laid in run.room.run(Press.lists, batches(sheets, BATCH), here=HERE_BATCHES):
        for sheet, files in zip(batch, laid, strict=True):
            run.ledger.record(files, sheet.made_from)
            run.advance()
    _tables(run, authors, tags)


def _authors(run: Run) -> list[tuple[str, Author, Sequence[int]]]:
    """All authors by their names, those too who are known by what they wrote only."""
    written = {slug: Author(slug, slug) for slug in run.catalogue.authors} | dict(run.authors)
    by_name = sorted(written.items(), key=lambda each: each[1].name.casefold())
    return [(slug, author, run.catalogue.authors.get(slug, array("q"))) for slug, author in by_name]


def _lists(
    run: Run, authors: Sequence[tuple[str, Author, Sequence[int]]], tags: Sequence[tuple[str, Sequence[int]]]
) -> Iterator[List]:
    calendars = run.pages.language.calendars
    for slug, author, numbers in authors:  # first, since the others lead to them
        yield List(author.name, numbers, partial(paths.author, slug), author.biography)
    for tag, numbers in tags:
        yield List(run.pages.language.say("tag", name=tag), numbers, partial(paths.tag, tag))
    for month, numbers in run.catalogue.months.items():
        yield List(calendars.month_name(month), numbers, partial(paths.month, month))


def _sheets(run: Run, lists: Iterator[List]) -> Iterator[ListSheet]:
    """The pages of all lists that are not as they were."""
    for title, numbers, path, about in lists:
        for piece in paged(numbers):
            place = path(piece.page)
            newer = "" if piece.newer is None else path(piece.newer)
            older = "" if piece.older is None else path(piece.older)
            count = len(numbers) if piece.page == 0 else len(piece.numbers)
            made_from = mark(run.every, title, about, run.catalogue.mark(piece.numbers), newer, older, count, run.names)
            if run.ledger.keeps(place, made_from):
                run.advance()
                continue
            posts, shown = run.pack(piece.numbers), run.shown(piece.numbers)
            yield ListSheet(place, title, about, posts, count, newer, older, shown, made_from)


def _tables(
    run: Run, authors: Sequence[tuple[str, Author, Sequence[int]]], tags: Sequence[tuple[str, Sequence[int]]]
) -> None:
    pages, calendars = run.pages, run.pages.language.calendars
    years: dict[int, list[Counted]] = {}
    for month, numbers in run.catalogue.months.items():
        line = Counted(calendars.month_name(month), paths.month(month), pages.count(len(numbers)))
        years.setdefault(month[0], []).append(line)
    groups = [(calendars.number(year), months) for year, months in years.items()]
    run.ledger.put(paths.ARCHIVE, pages.contents(paths.ARCHIVE, "archive", groups))
    lines = [Counted(author.name, paths.author(slug), pages.count(len(posts))) for slug, author, posts in authors]
    run.ledger.put(paths.AUTHORS, pages.contents(paths.AUTHORS, "authors", [("", lines)]))
    lines = [Counted(f"#{tag}", paths.tag(tag), pages.count(len(posts))) for tag, posts in tags[:TAGS_SHOWN]]
    run.ledger.put(paths.TAGS, pages.contents(paths.TAGS, "tags", [("", lines)]))
