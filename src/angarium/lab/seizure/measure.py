"""One seized disk, judged: what is found on it by whom, who shares a group with whom, how many people there are.

Three examiners: one has the database, the log, the temporary files and what the relay printed; one also has its
settings and TLS key; one has the root key too, and so can open what the relay itself can, and try names.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from angarium.lab.seizure.clues import CLUES, clues, examine
from angarium.lab.seizure.disk import databases, merged, pieces, values
from angarium.lab.seizure.drive import Left
from angarium.lab.seizure.encodings import Known
from angarium.lab.seizure.estimate import Estimate, Pair, Trial, area, combined, trial
from angarium.lab.seizure.hunter import Find, Hunter
from angarium.store.seal import Seal

__all__ = ["GOAL", "HIGHEST", "Hits", "Report", "Round", "judge", "report", "search"]

GOAL, HIGHEST = 0.55, 0.60
"""THREATS A1: the area under the curve at most, and the upper end of its interval."""
LOG = CLUES.index("written together")
"""The last clue, and the only one that needs the log."""
ROOT_KEY, SETTINGS, TLS = "root.key", "angarium.toml", "tls"
OPENED = "opened with the root key"
READABLE = frozenset({"push token"})
"""Kinds that the relay itself must be able to read, and whoever has its root key with it."""


class Hits(msgspec.Struct, frozen=True):
    """What one examiner found."""

    found: int
    """Different identifiers."""
    kinds: dict[str, int]
    """How many of each kind."""
    encodings: dict[str, int]
    files: dict[str, int]


class Round(msgspec.Struct, frozen=True):
    """One disk."""

    accounts: int
    mails: int
    """Mails that the relay had taken."""
    bytes: int
    """What it had written."""
    known: int
    """Identifiers looked for."""
    disk: Hits
    settings: Hits
    """With settings and TLS key."""
    root: Hits
    """With the root key."""
    names_confirmed: int
    """Accounts that the holder of the root key can confirm, who guesses their name."""
    waiting: int
    """Mails that lay on the disk."""
    waiting_found: int
    """Message-IDs of those that were found without the root key."""
    users_counted: int
    """Accounts that the disk shows."""
    area: float
    """Who shares a group: area under the curve."""
    error: float
    settled_area: float
    """The same without what the log says: the disk of a relay that rests, or was stopped in order."""
    settled_error: float
    common_area: float
    """By bytes in common alone, among pairs who both have mail waiting: mail that was deleted leaves no row."""
    clues: dict[str, float]
    """The area that each clue gives alone."""


class Report(msgspec.Struct, frozen=True):
    """All rounds."""

    control: bool
    rounds: list[Round]
    area: float
    low: float
    high: float
    settled: Estimate
    ok: bool
    """Sealed: nothing found without the root key, nothing unforeseen with it, and the area within the goal. Control:
    every mail that lay there was found, and the interval lies above the goal's."""


def search(directory: Path, known: Sequence[Known], *, without: Iterable[str] = ()) -> Hits:
    """Look for identifiers in a directory, leaving out files of some names."""
    left_out = frozenset(without)
    found = _by_file(Hunter(known), directory)
    return _hits({label: finds for label, finds in found.items() if Path(label).name not in left_out})


def judge(left: Left, make_seal: Callable[[bytes], Seal]) -> Round:
    """Examine what a killed relay left behind; `make_seal` makes its seal from its root key."""
    data = left.directory / "data"
    seal = make_seal((data / ROOT_KEY).read_bytes())
    known = left.known()
    hunter = Hunter(known)
    found = _by_file(hunter, left.directory)
    opened = {OPENED: hunter.hunt(_opened(left.directory, seal))}
    closed = {label: finds for label, finds in found.items() if label != f"data/{ROOT_KEY}"}
    disk = {label: finds for label, finds in closed.items() if not _is_settings(label)}
    marks = {find.known.value for finds in closed.values() for find in finds if find.known.kind == "Message-ID"}
    guess, settled, common, counted, confirmed = _membership(left, seal)
    return Round(
        accounts=len(left.population.people) - len(left.deleted),
        mails=len(left.taken),
        bytes=sum(path.stat().st_size for path in left.directory.rglob("*") if path.is_file()),
        known=len(known),
        disk=_hits(disk),
        settings=_hits(closed),
        root=_hits(found | opened),
        names_confirmed=confirmed,
        waiting=len(left.waiting()),
        waiting_found=len(left.waiting() & marks),
        users_counted=counted,
        area=guess.area,
        error=guess.error,
        settled_area=settled.area,
        settled_error=settled.error,
        common_area=common,
        clues=dict(zip(CLUES, guess.alone, strict=True)),
    )


def report(rounds: Sequence[Round], *, control: bool) -> Report:
    """Several disks in one verdict."""
    estimate = combined([Trial(one.area, one.error, []) for one in rounds])
    settled = combined([Trial(one.settled_area, one.settled_error, []) for one in rounds])
    ok = _control_ok(rounds, estimate) if control else _sealed_ok(rounds, estimate)
    return Report(control, list(rounds), *estimate, settled, ok)


def _sealed_ok(rounds: Sequence[Round], estimate: Estimate) -> bool:
    hidden = all(one.settings.found == 0 and one.root.kinds.keys() <= READABLE for one in rounds)
    return hidden and estimate.area <= GOAL and estimate.high <= HIGHEST


def _control_ok(rounds: Sequence[Round], estimate: Estimate) -> bool:
    return all(one.waiting_found == one.waiting > 0 for one in rounds) and estimate.low > HIGHEST


def _membership(left: Left, seal: Seal) -> tuple[Trial, Trial, float, int, int]:
    """Guess who shares a group, with the log, without, by bytes in common; accounts counted, and known by name."""
    (database,) = databases(left.directory)
    evidence = examine(database)
    people = {seal.name("account", person.local): person.number for person in left.population.people}
    numbers = [people.get(account) for account in evidence.accounts]
    linked = left.population.linked()
    chats = {(min(chat), max(chat)) for chat in left.population.chats}
    pairs = []
    for (one, other), about in clues(evidence).items():
        first, second = numbers[one], numbers[other]
        if first is None or second is None:
            continue
        pair = min(first, second), max(first, second)
        if pair in linked or pair not in chats:
            pairs.append(Pair(*pair, pair in linked, about))
    at_rest = [pair._replace(clues=pair.clues[:LOG]) for pair in pairs]
    named = sum(number is not None for number in numbers)
    waiting = [pair for pair in pairs if pair.clues[CLUES.index("many messages")] > 0]
    common = area([pair.clues[CLUES.index("bytes in common")] for pair in waiting], [pair.linked for pair in waiting])
    seed = left.population.seed
    return trial(pairs, seed), trial(at_rest, seed), common, len(numbers), named


def _opened(directory: Path, seal: Seal) -> bytes:
    """Everything in the databases that the root key alone opens."""
    opened = []
    for path in databases(directory):
        with merged(path) as copy:
            for value in values(copy):
                try:
                    opened.append(seal.reveal(value))
                except ValueError:
                    continue
    return b"\0".join(opened)


def _by_file(hunter: Hunter, directory: Path) -> dict[str, set[Find]]:
    """What is found in each file; a database is searched as bytes and as rows."""
    found: dict[str, set[Find]] = {}
    for piece in pieces(directory):
        found.setdefault(piece.label, set()).update(hunter.hunt(piece.data, starts=piece.starts))
    return found


def _is_settings(label: str) -> bool:
    return label == f"data/{SETTINGS}" or label.startswith(f"data/{TLS}/")


def _hits(found: dict[str, set[Find]]) -> Hits:
    everything = set[Find]().union(*found.values())
    return Hits(
        found=len({find.known for find in everything}),
        kinds=Counter(known.kind for known in {find.known for find in everything}),
        encodings=Counter(find.encoding for find in everything),
        files={label: len({find.known for find in finds}) for label, finds in found.items() if finds},
    )
