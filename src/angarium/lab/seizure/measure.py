"""One seized disk, judged: what is found on it by whom, who shares a group with whom, how many people there are.

Three examiners: one has the database, the log, the temporary files and what the relay printed; one also has its
settings and TLS key; one has the root key too, and so can open what the relay itself can: it tries names, and it knows
which messages lie in one mailbox.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from angarium.lab.seizure.clues import CLUES, LOG, clues
from angarium.lab.seizure.disk import databases, keyed_values, merged, pieces
from angarium.lab.seizure.encodings import Known
from angarium.lab.seizure.estimate import Estimate, Pair, Trial, combined, practised, trial
from angarium.lab.seizure.evidence import Evidence, examine
from angarium.lab.seizure.hunter import Find, Hunter
from angarium.lab.seizure.left import Left
from angarium.store.seal import Seal
from angarium.store.waybill import Waybill

__all__ = ["CLEARLY", "GOAL", "HIGHEST", "Hits", "Judged", "Report", "Round", "judge", "report", "search"]

GOAL, HIGHEST = 0.55, 0.60
"""THREATS A1: the area under the curve at most, and the upper end of its interval."""
CLEARLY = 0.90
"""What a guesser must reach who has the evidence before him: he errs in one pair of ten at most."""
ROOT_KEY, SETTINGS, TLS = "root.key", "angarium.toml", "tls"
OPENED = "opened with the root key"
KINDS = (b"mailbox", b"message", b"blob", b"cargo")
"""Rows that what is sealed may be bound to."""
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

    seed: int
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
    queued: int
    """Identifiers of mails to other relays, which the relay itself must be able to read for as long as they wait,"""
    queued_found: int
    """and those of them that were found with the root key where such mails wait; they are left out of `root`."""
    names_confirmed: int
    """Accounts that the holder of the root key can confirm, who guesses their name."""
    readable: int
    """Identifiers that a store without a seal must hold in clear: of mails that wait, and push tokens."""
    readable_found: int
    """Those of them that were found without the root key."""
    users_counted: int
    """Accounts that the disk shows."""
    bound: int
    """Messages on the disk of which an examiner without the root key can tell in whose mailbox they are."""
    area: float
    """Who shares a group: area under the curve."""
    error: float
    settled_area: float
    """The same without what the log says: the disk of a relay that rests, or was stopped in order."""
    settled_error: float
    root_area: float
    """The same with the root key, by which messages are told apart by mailbox."""
    root_error: float
    plain_area: float
    """Without it, among pairs who both stay away and have mail of which it can be told that it is theirs; 0.5 if there
    are none."""
    plain_error: float
    clues: dict[str, float]
    """The area that each clue gives alone."""
    root_clues: dict[str, float]
    """The same with the root key."""


class Judged(NamedTuple):
    """One disk, and what was seen of each pair on it."""

    round: Round
    pairs: list[Pair]


class Report(msgspec.Struct, frozen=True):
    """All rounds."""

    control: bool
    rounds: list[Round]
    area: float
    """Of a guesser who has one disk, learns on half its people and is judged on the other half."""
    low: float
    high: float
    practised: Estimate | None
    """Of one who has learnt on all disks but the one judged; None where there are fewer than three."""
    settled: Estimate
    root: Estimate
    plain: Estimate
    ok: bool
    """Whether the goals hold; see `report`."""


def search(directory: Path, known: Sequence[Known], *, without: Iterable[str] = ()) -> Hits:
    """Look for identifiers in a directory, leaving out files of some names."""
    left_out = frozenset(without)
    found = _by_file(Hunter(known), directory)
    return _hits({label: finds for label, finds in found.items() if Path(label).name not in left_out})


def judge(left: Left, make_seal: Callable[[bytes], Seal]) -> Judged:
    """Examine what a killed relay left behind; `make_seal` makes its seal from its root key."""
    data = left.directory / "data"
    seal = make_seal((data / ROOT_KEY).read_bytes())
    known, readable = left.known(), left.readable()
    hunter = Hunter(known)
    found = _by_file(hunter, left.directory)
    queued = left.queued()
    waiting = hunter.hunt(_waiting(left.directory, seal))
    ours = {find for find in waiting if find.known.value in queued}
    opened = {OPENED: hunter.hunt(_opened(left.directory, seal)) | (waiting - ours)}
    closed = {label: finds for label, finds in found.items() if label != f"data/{ROOT_KEY}"}
    disk = {label: finds for label, finds in closed.items() if not _is_settings(label)}
    (database,) = databases(left.directory)
    evidence = examine(database)
    pairs = _pairs(left, seal, evidence)
    at_rest = [pair._replace(clues=pair.clues[:LOG]) for pair in pairs]
    away = left.away()
    with_mail = [
        pair
        for pair in pairs
        if pair.one in away and pair.other in away and pair.clues[CLUES.index("many messages")] > 0
    ]
    gathered = _pairs(left, seal, examine(database, seal.gather))
    seed = left.population.seed
    guess, settled, plain, root = (trial(some, seed) for some in (pairs, at_rest, with_mail, gathered))
    judged = Round(
        seed=seed,
        accounts=len(left.population.people) - len(left.deleted),
        mails=len(left.taken),
        bytes=sum(path.stat().st_size for path in left.directory.rglob("*") if path.is_file()),
        known=len(known),
        disk=_hits(disk),
        settings=_hits(closed),
        root=_hits(found | opened),
        queued=len(queued),
        queued_found=len({find.known.value for find in ours}),
        names_confirmed=len({*evidence.accounts} & {*_names(left, seal)}),
        readable=len(readable),
        readable_found=len(readable & {find.known.value for finds in closed.values() for find in finds}),
        users_counted=len(evidence.accounts),
        bound=evidence.bound,
        area=guess.area,
        error=guess.error,
        settled_area=settled.area,
        settled_error=settled.error,
        root_area=root.area,
        root_error=root.error,
        plain_area=plain.area,
        plain_error=plain.error,
        clues=dict(zip(CLUES, guess.alone, strict=True)),
        root_clues=dict(zip(CLUES, root.alone, strict=True)),
    )
    return Judged(judged, pairs)


def report(judged: Sequence[Judged], *, control: bool) -> Report:
    """Several disks in one verdict.

    Sealed, the goals hold if nothing was found without the root key, with it nothing but what the relay itself must
    read, and both guessers stay within `GOAL`, their intervals within `HIGHEST`.

    A control has to show that this says something: that the hunter finds what lies there, and the guesser guesses what
    can be guessed. So it holds if, in every round, everything was found that a store without a seal must hold; and if,
    among pairs who both have mail waiting, the guess is right clearly: its interval lies above `CLEARLY`. There the
    evidence is plain, a message to a group is the same bytes in both mailboxes; only of a group in which nobody but the
    two wrote, or nobody did, is there none. All pairs do not judge the guesser: of people whose phones fetch and delete
    the disk holds nothing, so how many of these there are decides that figure, and not how well it is guessed.
    """
    rounds = [one.round for one in judged]
    learnt = practised([one.pairs for one in judged])
    kinds = [
        combined([Trial(getattr(one, f"{kind}area"), getattr(one, f"{kind}error"), []) for one in rounds])
        for kind in ("", "settled_", "root_", "plain_")
    ]
    estimate, settled, root, plain = kinds
    trained = combined([Trial(one, 0.0, []) for one in learnt]) if learnt else None
    if control:
        ok = all(one.readable_found == one.readable > 0 for one in rounds) and plain.low > CLEARLY
    else:
        hidden = all(one.settings.found == 0 and one.root.kinds.keys() <= READABLE for one in rounds)
        ok = hidden and all(one is None or (one.area <= GOAL and one.high <= HIGHEST) for one in (estimate, trained))
    return Report(control, rounds, *estimate, trained, settled, root, plain, ok)


def _names(left: Left, seal: Seal) -> dict[bytes, int]:
    """Everybody's name on disk, as the holder of the root key tries it."""
    return {seal.name("account", person.local): person.number for person in left.population.people}


def _pairs(left: Left, seal: Seal, evidence: Evidence) -> list[Pair]:
    """What was seen of each pair, and the truth. Who write to each other in a chat and share no group are left out."""
    people = _names(left, seal)
    linked = left.population.linked()
    chats = {(min(chat), max(chat)) for chat in left.population.chats}
    pairs = []
    for (one, other), about in clues(evidence).items():
        first, second = (people.get(evidence.accounts[number]) for number in (one, other))
        if first is not None and second is not None:
            pair = min(first, second), max(first, second)
            if pair in linked or pair not in chats:
                pairs.append(Pair(*pair, pair in linked, about))
    return pairs


def _opened(directory: Path, seal: Seal) -> bytes:
    """Everything in the databases that the root key alone opens, but for what waits for other relays."""
    return b"\0".join(
        plain for path in databases(directory) for key, value in _values(path) for plain in _revealed(seal, key, value)
    )


def _waiting(directory: Path, seal: Seal) -> bytes:
    """What waits for other relays: envelopes and messages."""
    found: list[bytes] = []
    for path in databases(directory):
        with merged(path) as copy:
            bodies = dict(keyed_values(copy, "cargo_bodies"))
            for number, entry in keyed_values(copy, "queue"):
                bill = Waybill.reveal(seal, number, entry)
                words = " ".join((bill.destination, bill.sender, *bill.recipients))
                found += [words.encode(), seal.unwrap(bill.key, bodies[bill.cargo])]
    return b"\0".join(found)


def _values(path: Path) -> Iterator[tuple[int, bytes]]:
    with merged(path) as copy:
        yield from keyed_values(copy)


def _revealed(seal: Seal, key: int, value: bytes) -> Iterator[bytes]:
    """What one value holds, whatever kind of row it may be bound to."""
    for bound in (b"", *(b"%b %d" % (kind, key) for kind in KINDS)):
        try:
            yield seal.reveal(value, bound=bound)
        except ValueError:
            continue


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
