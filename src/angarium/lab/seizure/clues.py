"""What a disk says about each pair of accounts to somebody who knows the schema, and has no key.

Each clue is a way in which a message to a group could show: by how much lies there, by classes of sizes and their
order, by bytes that several have in common, by where room was taken on the disk, by what was written together. None is
meant to be weak: where a clue tells nothing, that is the seal's doing. A clue that a later schema takes away is 0 for
every pair.
"""

import contextlib
import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

from angarium.lab.seizure.disk import merged
from angarium.lab.seizure.pages import Cell, Pages, cells, writes

__all__ = ["CLUES", "Evidence", "clues", "examine"]

CLUES = (
    "as many messages",
    "many messages",
    "counters alike",
    "numbers alike",
    "classes of sizes",
    "order of sizes",
    "bytes in common",
    "pages side by side",
    "long bodies side by side",
    "written together",
)

NEAR = 4
"""Pages, or long bodies, that count as side by side."""
STEP, WIDTH = 8, 16
"""Bytes in common are looked for in strings of WIDTH; in long values, from every STEPth byte on."""
HEAD = 512
"""Bytes at either end of a value that are looked at so."""
CROWD = 0.5
"""What more than this part of the accounts has in common tells nothing about two of them."""

Score = dict[tuple[int, int], float]


@dataclass
class Evidence:
    """What was read, by number of the account in `accounts`."""

    accounts: list[bytes]
    """Keyed names, as on disk."""
    messages: list[int]
    counters: list[int]
    numbers: list[int]
    sizes: list[list[tuple[Any, ...]]]
    """Class of size, day and length of the record of each message, in order of UID."""
    held: dict[bytes, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Strings of bytes, and who has them."""
    leaves: list[tuple[int, int]] = field(default_factory=list)
    """Page and account, of pages that hold rows of messages."""
    chains: list[tuple[int, int, int]] = field(default_factory=list)
    """First page, length in bytes and account, of long bodies."""
    together: list[set[int]] = field(default_factory=list)
    """Accounts whose rows one transaction in the log touched."""

    def pairs(self) -> Iterator[tuple[int, int]]:
        """All pairs, the smaller number first."""
        return combinations(range(len(self.accounts)), 2)


def examine(path: Path) -> Evidence:
    """Read a copied database, its log beside it."""
    with merged(path) as copy:
        return _Examiner(copy).examine(path)


def clues(evidence: Evidence) -> dict[tuple[int, int], list[float]]:
    """The clues about every pair, in the order of `CLUES`."""
    size_classes = [Counter(sizes) for sizes in evidence.sizes]
    size_orders = [Counter(pairwise(sizes)) for sizes in evidence.sizes]
    scores: list[Callable[[int, int], float]] = [
        lambda one, other: -abs(math.log1p(evidence.messages[one]) - math.log1p(evidence.messages[other])),
        lambda one, other: min(evidence.messages[one], evidence.messages[other]),
        lambda one, other: -abs(evidence.counters[one] - evidence.counters[other]),
        lambda one, other: -abs(evidence.numbers[one] - evidence.numbers[other]),
    ]
    people = len(evidence.accounts)
    found = (
        _alike(size_classes),
        _alike(size_orders),
        _rare(evidence.held.values(), people),
        _side_by_side([(page, 0, account) for page, account in sorted(set(evidence.leaves))]),
        _side_by_side(_in_order(evidence.chains)),
        _rare(evidence.together, people),
    )
    return {
        pair: [*(score(*pair) for score in scores), *(score.get(pair, 0.0) for score in found)]
        for pair in evidence.pairs()
    }


class _Examiner:
    def __init__(self, path: Path) -> None:
        self._pages = Pages(path)
        self._path = path
        self._roots: dict[str, int] = {}
        self._owner: dict[int, int] = {}

    def examine(self, original: Path) -> Evidence:
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            connection.row_factory = sqlite3.Row
            schema = connection.execute("SELECT name, rootpage FROM sqlite_schema WHERE type = 'table'")
            self._roots = dict(map(tuple, schema))
            evidence = self._rows(connection)
        for table in ("messages", "bodies"):
            self._places(table, evidence)
        evidence.together = list(self._together(original))
        return evidence

    def _rows(self, connection: sqlite3.Connection) -> Evidence:
        accounts = [row[0] for row in connection.execute("SELECT account FROM accounts")]
        index = {account: at for at, account in enumerate(accounts)}
        none = [0] * len(accounts)
        evidence = Evidence(accounts, none[:], none[:], none[:], [[] for _ in accounts])
        for row in map(dict, connection.execute("SELECT * FROM mailboxes")):
            account = index.get(row["account"])
            if account is None:
                continue
            self._owner[row["number"]] = account
            evidence.numbers[account] = row["number"]
            evidence.counters[account] = row.get("uidnext") or 0
        for row in map(dict, connection.execute("SELECT * FROM messages ORDER BY place")):
            account = self._owner.get(row["place"] >> 32)
            if account is not None:
                evidence.messages[account] += 1
                evidence.sizes[account].append((row.get("size"), row.get("day"), len(row["record"])))
                _note(evidence, account, row["record"])
        for row in connection.execute("SELECT place, body FROM bodies"):
            account = self._owner.get(row[0] >> 32)
            if account is not None:
                _note(evidence, account, row[1])
        return evidence

    def _places(self, table: str, evidence: Evidence) -> None:
        for cell in self._pages.table(self._roots.get(table, 0)):
            account = self._owner.get(cell.rowid >> 32)
            if account is not None:
                evidence.leaves.append((cell.page, account))
                if cell.overflow:
                    evidence.chains.append((cell.overflow, cell.payload, account))

    def _together(self, original: Path) -> Iterator[set[int]]:
        """Accounts with a row that one transaction made or changed, for each in the log."""
        before = Pages(original)
        known: dict[int, dict[int, bytes]] = {}
        boxes = {cell.page for cell in self._pages.table(self._roots.get("mailboxes", 0))}
        for transaction in writes(original.with_name(f"{original.name}-wal")):
            touched = set[int]()
            for number, page in transaction.items():
                was = known.get(number)
                if was is None:
                    was = _by_rowid(cells(before.page(number), number, before.usable))
                now = known[number] = _by_rowid(cells(page, number, before.usable))
                changed = (rowid for rowid, raw in now.items() if was.get(rowid) != raw)
                owners = (self._owner.get(rowid if number in boxes else rowid >> 32) for rowid in changed)
                touched.update(owner for owner in owners if owner is not None)
            yield touched


def _by_rowid(rows: Iterable[Cell]) -> dict[int, bytes]:
    return {cell.rowid: cell.raw for cell in rows}


def _note(evidence: Evidence, account: int, value: bytes) -> None:
    """Note strings in a value: at every byte of a short one, at every few bytes of both ends of a long one."""
    step = 1 if len(value) <= HEAD else STEP
    ends = range(0, min(HEAD, len(value)), step), range(max(HEAD, len(value) - HEAD), len(value), step)
    for end in ends:
        for at in end:
            if len(string := value[at : at + WIDTH]) == WIDTH:
                evidence.held[string].add(account)


def _alike(counted: Sequence[Mapping[Any, int]]) -> Score:
    """Cosine between accounts' counts, what few have weighing more."""
    holders: dict[Any, list[tuple[int, float]]] = defaultdict(list)
    for account, counts in enumerate(counted):
        for what, count in counts.items():
            holders[what].append((account, math.log1p(count)))
    weight = {what: math.log((1 + len(counted)) / len(found)) for what, found in holders.items()}
    norm = [
        math.sqrt(sum((math.log1p(count) * weight[what]) ** 2 for what, count in counts.items())) or 1.0
        for counts in counted
    ]
    score: Score = defaultdict(float)
    for what, found in holders.items():
        for (one, times), (other, times_there) in combinations(found, 2):
            score[one, other] += times * times_there * weight[what] ** 2 / (norm[one] * norm[other])
    return score


def _rare(sets: Iterable[set[int]], people: int) -> Score:
    """How often two are in one of the sets, small sets weighing more."""
    score: Score = defaultdict(float)
    for members in sets:
        if 1 < len(members) <= max(2, CROWD * people):
            for pair in combinations(sorted(members), 2):
                score[pair] += 1 / (len(members) - 1)
    return score


def _in_order(chains: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Long bodies by where they begin: place in that order, length, account."""
    return [(place, length, account) for place, (_, length, account) in enumerate(sorted(chains))]


def _side_by_side(laid: Sequence[tuple[int, int, int]]) -> Score:
    """How often two accounts have things of the same kind near each other: place, kind and account of each."""
    score: Score = defaultdict(float)
    for at, (place, kind, account) in enumerate(laid):
        for near, other_kind, other in laid[at + 1 : at + 1 + 4 * NEAR]:
            if near - place > NEAR:
                break
            if other != account and kind == other_kind:
                score[min(account, other), max(account, other)] += 1 / max(1, near - place)
    return score
