"""What an examiner reads in a database and its log, sorted by account.

Accounts are named by their mailboxes' rows. Whose a message is, its place says where places are not scattered, or
where the examiner has the key that gathers them. Otherwise the log may bind it: a message that came, was marked or went
in one transaction with a single mailbox is of that mailbox, and so is one of which all transactions that touched it
leave only one mailbox. What is bound is then looked at like any other.
"""

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from angarium.lab.seizure.disk import merged
from angarium.lab.seizure.pages import Pages
from angarium.lab.seizure.trail import Step, Trail

__all__ = ["Evidence", "Gather", "as_it_stands", "examine"]

Gather = Callable[[Sequence[int]], list[int]]
"""From places of messages on disk to their mailboxes' numbers and their UIDs, in one integer each."""

STEP, WIDTH = 8, 16
"""Bytes in common are looked for in strings of WIDTH; in long values, from every STEPth byte on."""
HEAD = 512
"""Bytes at either end of a value that are looked at so."""
UIDS = 0xFFFF_FFFF


@dataclass
class Evidence:
    """What was read, by number of the account in `accounts`."""

    accounts: list[bytes]
    """Keyed names, as on disk."""
    bound: int = 0
    """Messages of which it is known whose they are."""
    messages: list[int] = field(default_factory=list)
    counters: list[int] = field(default_factory=list)
    """The highest UID seen."""
    numbers: list[int] = field(default_factory=list)
    states: list[int] = field(default_factory=list)
    """Bytes of the mailboxes' state."""
    days: list[int] = field(default_factory=list)
    devices: list[int] = field(default_factory=list)
    """Bytes of the list of devices."""
    sizes: list[list[tuple[Any, ...]]] = field(default_factory=list)
    """Class of size, day and length of the record of each message, in order of UID."""
    held: dict[bytes, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Strings of bytes, and who has them."""
    leaves: list[tuple[int, int]] = field(default_factory=list)
    """Page and account, of pages that hold rows of messages."""
    chains: list[tuple[int, int, int]] = field(default_factory=list)
    """First page, length in bytes and account, of long bodies."""
    together: list[set[int]] = field(default_factory=list)
    """Accounts whose rows one transaction in the log touched."""
    same: list[set[int]] = field(default_factory=list)
    """Accounts that had to do with one message, by way of several transactions in the log."""
    forgotten: list[set[int]] = field(default_factory=list)
    """Accounts on pages that were written together, as the log's index still says of a log that is gone."""

    def __post_init__(self) -> None:
        for each in (self.messages, self.counters, self.numbers, self.states, self.days, self.devices):
            each.extend([0] * len(self.accounts))
        self.sizes.extend([] for _ in self.accounts)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """All pairs, the smaller number first."""
        return combinations(range(len(self.accounts)), 2)


def as_it_stands(places: Sequence[int]) -> list[int]:
    """What places say to somebody without a key."""
    return list(places)


def examine(path: Path, gather: Gather = as_it_stands) -> Evidence:
    """Read a copied database, its log and the log's index beside it. Without the root key places are as they stand."""
    with merged(path) as copy:
        return _Examiner(path, copy, gather).examine()


class _Examiner:
    def __init__(self, found: Path, copy: Path, gather: Gather) -> None:
        self._found = found
        self._copy = copy
        self._gather = gather
        self._box: dict[int, int] = {}
        """Account by number of the mailbox."""
        self._gathered: dict[int, int] = {}
        """Number of a mailbox and UID, by place of a message."""
        self._place: dict[int, int] = {}
        """Account by place of a message, where the log binds it."""

    def examine(self) -> Evidence:
        with contextlib.closing(sqlite3.connect(self._copy)) as connection:
            connection.row_factory = sqlite3.Row
            schema = connection.execute("SELECT name, rootpage FROM sqlite_schema WHERE type = 'table'")
            trail = Trail(self._found, Pages(self._copy), dict(map(tuple, schema)))
            evidence = Evidence([row[0] for row in connection.execute("SELECT account FROM accounts")])
            self._accounts(connection, evidence)
            self._log(trail, evidence)
            self._messages(connection, evidence)
        self._laid(trail, evidence)
        return evidence

    def _accounts(self, connection: sqlite3.Connection, evidence: Evidence) -> None:
        index = {account: at for at, account in enumerate(evidence.accounts)}
        for row in map(dict, connection.execute("SELECT * FROM mailboxes")):
            if (account := index.get(row["account"])) is not None:
                self._box[row["number"]] = account
                evidence.numbers[account] = row["number"]
                evidence.states[account] += len(row.get("state", b""))
        for row in connection.execute("SELECT account, day FROM accounts"):
            evidence.days[index[row[0]]] = row[1]
        for row in connection.execute("SELECT account, devices FROM devices"):
            if row[0] in index:
                evidence.devices[index[row[0]]] = len(row[1])

    def _log(self, trail: Trail, evidence: Evidence) -> None:
        steps = list(trail.steps())
        rows = {cell.rowid for table in ("messages", "bodies") for cell in trail.rows[table]}
        places = sorted(rows.union(*(step.places for step in steps)))
        self._gathered = dict(zip(places, self._gather(places), strict=True))
        evidence.together = [self._touched(step) for step in steps]
        self._bind(steps, evidence.together)
        evidence.same = list(self._same(steps, evidence.together))
        evidence.forgotten = [{self._box[box] for box in boxes if box in self._box} for boxes in trail.forgotten()]

    def _touched(self, step: Step) -> set[int]:
        owners = [self._box.get(box) for box in step.boxes]
        owners += [self._owner(place) for place in step.places]
        return {owner for owner in owners if owner is not None}

    def _bind(self, steps: Sequence[Step], together: Sequence[set[int]]) -> None:
        """Say whose a message is, where the transactions that touched it leave one account only."""
        perhaps: dict[int, set[int]] = {}
        for step, accounts in zip(steps, together, strict=True):
            for place in step.places if accounts else ():
                perhaps[place] = perhaps.get(place, accounts) & accounts
        self._place = {place: next(iter(accounts)) for place, accounts in perhaps.items() if len(accounts) == 1}

    def _same(self, steps: Sequence[Step], together: Sequence[set[int]]) -> Iterator[set[int]]:
        """Accounts that touched one body kept once; accounts whose messages, bound later, came together."""
        blobs: dict[int, set[int]] = defaultdict(set)
        for step, accounts in zip(steps, together, strict=True):
            for blob in step.blobs:
                blobs[blob] |= accounts
            yield {owner for place in step.added if (owner := self._owner(place)) is not None}
        yield from blobs.values()

    def _owner(self, place: int) -> int | None:
        known = self._place.get(place)
        return self._box.get(self._gathered[place] >> 32) if known is None else known

    def _messages(self, connection: sqlite3.Connection, evidence: Evidence) -> None:
        rows = [dict(row) for row in connection.execute("SELECT * FROM messages")]
        for row in sorted(rows, key=lambda row: self._gathered[row["place"]]):
            if (account := self._owner(row["place"])) is not None:
                evidence.bound += 1
                evidence.messages[account] += 1
                evidence.counters[account] = max(evidence.counters[account], self._gathered[row["place"]] & UIDS)
                evidence.sizes[account].append((row.get("size"), row.get("day"), len(row["record"])))
                _note(evidence, account, row["record"])
        for place, body in connection.execute("SELECT place, body FROM bodies"):
            if (account := self._owner(place)) is not None:
                _note(evidence, account, body)

    def _laid(self, trail: Trail, evidence: Evidence) -> None:
        """Where messages and bodies lie, and lay before the log."""
        for table in ("messages", "bodies"):
            for cell in trail.rows[table]:
                if (account := self._owner(cell.rowid)) is not None:
                    evidence.leaves.append((cell.page, account))
                    if cell.overflow:
                        evidence.chains.append((cell.overflow, cell.payload, account))
        evidence.chains = list(set(evidence.chains))


def _note(evidence: Evidence, account: int, value: bytes) -> None:
    """Note strings in a value: at every byte of a short one, at every few bytes of both ends of a long one."""
    step = 1 if len(value) <= HEAD else STEP
    ends = range(0, min(HEAD, len(value)), step), range(max(HEAD, len(value) - HEAD), len(value), step)
    for end in ends:
        for at in end:
            if len(string := value[at : at + WIDTH]) == WIDTH:
                evidence.held[string].add(account)
