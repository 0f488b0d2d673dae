"""The step of the search: the index by periods, the guide to them, and the page that leads to both."""

from collections.abc import Iterator, Sequence

from angarium.channel.site import paths
from angarium.channel.site.index import GUIDE
from angarium.channel.site.ledger import mark
from angarium.channel.site.press import PeriodSheet, Press
from angarium.channel.site.run import Run

__all__ = ["write_search"]

HERE_PERIODS = 1


def write_search(run: Run) -> None:
    """The index, and the page that leads to it."""
    sheets = {number: _sheet(run, number) for number in sorted(run.catalogue.periods, reverse=True)}
    for sheet, (laid, words) in run.room.run(Press.period, _wanted(run, list(sheets.values())), here=HERE_PERIODS):
        run.ledger.put_note(_words(sheet.number), words)
        run.ledger.record(laid, sheet.made_from)
        run.advance(len(run.catalogue.periods[sheet.number]))
    _guide(run, list(sheets.values())[1:])
    told = [{"number": sheet.number, "name": sheet.name} for sheet in sheets.values()]
    run.ledger.put(paths.SEARCH, run.pages.search(told))


def _sheet(run: Run, number: int) -> PeriodSheet:
    """A period without its posts, which are read when it is drawn."""
    numbers = run.catalogue.periods[number]
    name = _name(run, numbers)
    return PeriodSheet(number, name, (), mark(run.every, run.names, name, run.catalogue.mark(numbers)))


def _wanted(run: Run, sheets: Sequence[PeriodSheet]) -> Iterator[PeriodSheet]:
    """Those that are not as they were."""
    for sheet in sheets:
        numbers = run.catalogue.periods[sheet.number]
        if run.ledger.keeps_under(f"search/{sheet.number}", "index.html", sheet.made_from):
            run.advance(len(numbers))
        else:
            yield sheet._replace(posts=run.pack(numbers))


def _guide(run: Run, over: Sequence[PeriodSheet]) -> None:
    """What leads the script to periods that are over; to the one before the last it finds by itself."""
    if len(over) < 2:
        return
    made_from = mark(run.every, *(sheet.made_from for sheet in over))
    if not run.ledger.keeps_under(GUIDE, "list.js", made_from):
        words = [(sheet.number, run.ledger.note(_words(sheet.number))) for sheet in reversed(over)]
        for _, laid in run.room.run(Press.guide, [words], here=1):
            run.ledger.record(laid, made_from)


def _words(number: int) -> str:
    """What the words of a period are noted as."""
    return f"words {number}"


def _name(run: Run, numbers: Sequence[int]) -> str:
    """From which month to which; numbers come the latest first."""
    ends = [run.pages.month(filed.post.published) for filed in run.read((numbers[-1], numbers[0]))]
    names = dict.fromkeys(run.pages.language.calendars.month_name(month) for month in ends)
    return " – ".join(names)
