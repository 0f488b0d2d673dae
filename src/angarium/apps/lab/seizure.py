"""`angarium lab seizure`: what an adversary learns, measured on relays that the lab starts on loopback and ends."""

import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console, Group, RenderableType
from rich.table import Table

from angarium.apps.lab.progress import progress
from angarium.apps.options import Json
from angarium.apps.terminal import size
from angarium.edge.control import Refusal
from angarium.lab.seizure.drive import RelayFailed
from angarium.lab.seizure.encodings import Known
from angarium.lab.seizure.estimate import Estimate
from angarium.lab.seizure.measure import Hits, Report, report, search
from angarium.lab.seizure.series import Plan, series
from angarium.store.seal import Clear
from angarium.store.sealed import Sealed

__all__ = ["seizure"]

SEALED = (sys.executable, "-m", "angarium", "up", "--listen", "127.0.0.1", "--ports", "any", "--json", "--data")
UNSEALED = (sys.executable, "-m", "angarium.apps.unsealed")


def seizure(
    *,
    rounds: Annotated[int, Parameter(help="How many relays are driven, killed and searched.")] = 1,
    accounts: Annotated[int, Parameter(help="People on each.")] = 200,
    mails: Annotated[
        int, Parameter(help="Mails they would send; the relay is killed after 60 to 100 % of them.")
    ] = 10_000,
    seed: Annotated[
        int | None,
        Parameter(help="Draw the same people, mails and moments again; each round has one more than the one before."),
    ] = None,
    at_once: Annotated[
        int | None, Parameter(help="Rounds under way at once; by default one for each processor.")
    ] = None,
    control: Annotated[
        bool, Parameter(negative="", help="Drive a relay without a seal, to see that the examiner finds what is there.")
    ] = False,
    dir: Annotated[  # noqa: A002 (the option's name)
        Path | None, Parameter(help="Search this directory instead, of any relay; needs --known.")
    ] = None,
    known: Annotated[
        Path | None,
        Parameter(help='JSON list of what to look for: texts, or objects like {"kind": "address", "value": "…"}.'),
    ] = None,
    json: Json = False,
) -> int:
    """Measure what somebody learns who takes a relay's disk.

    Starts a relay on loopback and fills it: people come in by invitation, write to each other and to groups, fetch and
    delete, or stay away; logins fail; accounts are deleted. At a random moment the relay is killed. Then everything it
    wrote is searched for every name, password, address, Message-ID, token and IP of these people, in clear, UTF-16,
    base64, hex, reversed, and inside compressed streams; and who shares a group is guessed from what is left.

    Exit status: 0 the goals hold (nothing found without the root key; who shares a group can be guessed with an area
    under the curve of at most 0.55, the upper end of its 95 % interval at most 0.60), with `--control` the examiner
    found everything, with `--dir` nothing was found; 1 they do not; 2 it could not be tried.
    """
    if (dir is None) is not (known is None):
        raise Refusal("--dir and --known go together: a directory, and what to look for in it")
    if dir is not None and known is not None:
        return _search(dir, known, json=json)
    if rounds < 1 or accounts < 6 or mails < 10 or (at_once is not None and at_once < 1):
        raise Refusal("at least 1 round, 6 accounts and 10 mails: with fewer there is nobody to tell apart")
    first = secrets.randbits(31) if seed is None else seed
    together = min(rounds, at_once or len(os.sched_getaffinity(0)))
    command, seal = (UNSEALED, Clear) if control else (SEALED, Sealed)
    try:
        with progress(quiet=json) as tell:
            done = series(Plan(command, seal, rounds, accounts, mails, first, together), tell)
    except RelayFailed as error:
        sys.stderr.write(f"angarium: {error}\n")
        return 2
    judged = report(done, control=control)
    _print(msgspec.json.encode(judged) if json else _shown(judged))
    return 0 if judged.ok else 1


def _search(directory: Path, known: Path, *, json: bool) -> int:
    if not directory.is_dir():
        raise Refusal(f"--dir: {directory} is no directory")
    try:
        listed = msgspec.json.decode(known.read_bytes(), type=list[str | Known])
    except (OSError, msgspec.DecodeError) as error:
        raise Refusal(f"--known: {known} cannot be used: {error}") from None
    wanted = [Known("identifier", one) if isinstance(one, str) else one for one in listed]
    hits = search(directory, wanted, without=[known.name] if known.parent.resolve() == directory.resolve() else ())
    _print(msgspec.json.encode(hits) if json else _kinds([("Found", hits)]))
    return 1 if hits.found else 0


def _print(shown: bytes | RenderableType) -> None:
    if isinstance(shown, bytes):
        sys.stdout.write(shown.decode() + "\n")
    else:
        Console(highlight=False).print(shown)


def _shown(judged: Report) -> RenderableType:
    """The report as a person reads it."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in (
        "Round",
        "Mails",
        "Written",
        "Known",
        "Disk",
        "+ settings",
        "+ root key",
        "Readable",
        "Same group",
    ):
        table.add_column(title, justify="right")
    for number, one in enumerate(judged.rounds, 1):
        counts = (one.disk.found, one.settings.found, one.root.found)
        table.add_row(
            *(str(number), str(one.mails), size(one.bytes), str(one.known), *map(str, counts)),
            *(f"{one.readable_found} of {one.readable}", f"{one.area:.3f}"),
        )
    last = judged.rounds[-1]
    guesses = (
        ("Who shares a group", Estimate(judged.area, judged.low, judged.high)),
        ("guessed by who practised on the other rounds", judged.practised),
        ("without the database's log", judged.settled),
        ("with the root key", judged.root),
        ("without it, where mail can be told apart", judged.plain),
    )
    areas = Table("Guess", "Area", "95 % interval", box=None, header_style="bold", pad_edge=False)
    for guess, estimate in guesses:
        if estimate is not None:
            areas.add_row(guess, f"{estimate.area:.3f}", f"{estimate.low:.3f} to {estimate.high:.3f}")
    clues = Table("Clue alone", "Area", "With the root key", box=None, header_style="bold", pad_edge=False)
    without, with_key = [one.clues for one in judged.rounds], [one.root_clues for one in judged.rounds]
    for clue in last.clues:
        alone, opened = (fmean(seen[clue] for seen in rounds) for rounds in (without, with_key))
        clues.add_row(clue, f"{alone:.3f}", f"{opened:.3f}")
    users = (
        f"Accounts: {last.accounts}; the disk shows {last.users_counted};"
        f" who has the root key and guesses names confirms {last.names_confirmed}"
    )
    found = _kinds([("Disk", last.disk), ("+ settings", last.settings), ("+ root key", last.root)])
    return Group(
        table,
        "",
        found,
        "",
        clues,
        "",
        users,
        "",
        areas,
        "",
        "The goals hold." if judged.ok else "The goals do not hold.",
    )


def _kinds(examiners: Sequence[tuple[str, Hits]]) -> RenderableType:
    """What was found, by kind."""
    table = Table("Found", *(name for name, _ in examiners), box=None, header_style="bold", pad_edge=False)
    for kind in dict.fromkeys(kind for _, hits in examiners for kind in hits.kinds):
        table.add_row(kind, *(str(hits.kinds.get(kind, 0)) for _, hits in examiners))
    if not table.row_count:
        table.add_row("nothing", *("0" for _ in examiners))
    return table
