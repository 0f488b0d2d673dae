"""What the writes in a database's log did, row by row: which mailboxes changed, and which messages beside them.

Rows are told apart by what they were before: in the log, or in the database under it. A row that only moved to another
page when a page was split did not change. A page first seen in what an earlier log left over, or one that was copied
into the database already, has nothing before it to be compared with, and is only remembered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from angarium.lab.seizure.pages import Cell, Pages, cells, listed, writes

__all__ = ["TABLES", "Step", "Trail"]

TABLES = ("mailboxes", "messages", "bodies", "blobs")

Rows = dict[int, Cell]


@dataclass(frozen=True, slots=True)
class Step:
    """What one transaction changed."""

    boxes: set[int] = field(default_factory=set)
    """Numbers of mailboxes whose row it made or changed."""
    added: set[int] = field(default_factory=set)
    """Places of messages."""
    changed: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    blobs: set[int] = field(default_factory=set)
    """Bodies kept once, made, counted or removed."""

    @property
    def places(self) -> set[int]:
        """Every message it touched."""
        return self.added | self.changed | self.removed


class Trail:
    """A database and its log as they were found, and the same database after it took in its log."""

    def __init__(self, found: Path, merged: Pages, roots: Mapping[str, int]) -> None:
        """`roots` are the first pages of tables."""
        self._before = Pages(found)
        self._log = writes(found.with_name(f"{found.name}-wal"), merged.size)
        self._index = listed(found.with_name(f"{found.name}-shm"))
        self._table = {roots[table]: table for table in TABLES if table in roots}
        self.rows: dict[str, list[Cell]] = {table: [] for table in TABLES}
        """Every row there is, or was before the log."""
        for pages in (self._before, merged):
            for table in TABLES:
                for cell in pages.table(roots.get(table, 0)):
                    self._table[cell.page] = table
                    self.rows[table].append(cell)

    def steps(self) -> Iterator[Step]:
        """The transactions in the log, the oldest first."""
        known: dict[int, Rows | None] = {}
        present = False
        for at, write in enumerate(self._log):
            if write.present and not present:
                known, present = {}, True
            step = Step()
            for table in TABLES:
                self._compare(step, table, [page for page in write.pages if self._table.get(page) == table], at, known)
            yield step

    def forgotten(self) -> Iterator[set[int]]:
        """Mailboxes on pages that were written together, where no more is left of a transaction than which pages these
        were: what only the index of the log still lists, and the oldest writes of an earlier log."""
        boxes: dict[int, set[int]] = {}
        for cell in self.rows["mailboxes"]:
            boxes.setdefault(cell.page, set()).add(cell.rowid)
        there = [tuple(sorted(write.pages)) for write in self._log]
        seen = set[int]()
        for at, pages in enumerate([*there, *self._index]):
            if at < len(there):
                new = [] if self._log[at].present else [page for page in pages if page not in seen]
                seen.update(pages)
            else:
                new = [] if pages in there else list(pages)
            if touched := [boxes[page] for page in new if page in boxes]:
                yield set[int]().union(*touched)

    def _compare(self, step: Step, table: str, pages: list[int], at: int, known: dict[int, Rows | None]) -> None:
        """Note what a transaction did to the rows of one table, and what its pages are now."""
        before, after = Rows(), Rows()
        write = self._log[at]
        for number in pages:
            now = _by_rowid(write.pages[number], number, self._before.usable)
            was = known[number] if number in known else self._under(number, at)
            known[number] = now
            if was is not None:
                before |= was
                after |= now
        for rowid in before.keys() | after.keys():
            if rowid not in before:
                _note(step, table, rowid, step.added)
            elif rowid not in after:
                _note(step, table, rowid, step.removed)
            elif before[rowid].raw != after[rowid].raw:
                _note(step, table, rowid, step.changed)

    def _under(self, number: int, at: int) -> Rows | None:
        """The rows that the database had on a page before the log first wrote it; None where that is not known."""
        page = self._before.page(number)
        write = self._log[at]
        if not write.present or any(later.pages.get(number) == page for later in self._log[at:]):
            return None
        return _by_rowid(page, number, self._before.usable)


def _by_rowid(page: bytes, number: int, usable: int) -> Rows:
    return {cell.rowid: cell for cell in cells(page, number, usable)}


def _note(step: Step, table: str, rowid: int, places: set[int]) -> None:
    if table == "mailboxes":
        step.boxes.add(rowid)
    elif table == "blobs":
        step.blobs.add(rowid)
    else:
        places.add(rowid)
