"""`angarium lab`: what an adversary learns, measured on relays that the lab starts on loopback and ends."""

import asyncio
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from angarium.apps.options import Json
from angarium.apps.terminal import size
from angarium.edge.control import Refusal
from angarium.lab.seizure.drive import RelayFailed, drive
from angarium.lab.seizure.encodings import Known
from angarium.lab.seizure.measure import Hits, Report, Round, judge, report, search
from angarium.store.seal import Clear, Seal
from angarium.store.sealed import Sealed

__all__ = ["lab"]

SEALED = (sys.executable, "-m", "angarium", "up", "--listen", "127.0.0.1", "--ports", "any", "--json", "--data")
UNSEALED = (sys.executable, "-m", "angarium.apps.unsealed")

lab = App(name="lab", help="Measure what an adversary learns from a relay, against relays of the lab's own.")


@lab.command
def seizure(
    *,
    rounds: Annotated[int, Parameter(help="How many relays are driven, killed and searched.")] = 1,
    accounts: Annotated[int, Parameter(help="People on each.")] = 200,
    mails: Annotated[
        int, Parameter(help="Mails they would send; the relay is killed after 60 to 100 % of them.")
    ] = 10_000,
    seed: Annotated[int | None, Parameter(help="Draw the same people, mails and moments again.")] = None,
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
    if rounds < 1 or accounts < 6 or mails < 10:
        raise Refusal("at least 1 round, 6 accounts and 10 mails: with fewer there is nobody to tell apart")
    command, seal = (UNSEALED, Clear) if control else (SEALED, Sealed)
    first = secrets.randbits(31) if seed is None else seed
    try:
        with _progress(rounds * mails, quiet=json) as tell:
            done = [_round(command, seal, accounts, mails, first + number, tell) for number in range(rounds)]
    except RelayFailed as error:
        sys.stderr.write(f"angarium: {error}\n")
        return 2
    judged = report(done, control=control)
    _print(msgspec.json.encode(judged) if json else _shown(judged))
    return 0 if judged.ok else 1


def _round(
    command: Sequence[str],
    seal: Callable[[bytes], Seal],
    accounts: int,
    mails: int,
    seed: int,
    tell: Callable[[int], None],
) -> Round:
    with tempfile.TemporaryDirectory(prefix="angarium-seizure-") as name:
        left = asyncio.run(drive(Path(name), command, accounts=accounts, mails=mails, seed=seed, tell=tell))
        judged = judge(left, seal)
    tell(mails)
    return judged


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
        "Waiting found",
        "Same group",
    ):
        table.add_column(title, justify="right")
    for number, one in enumerate(judged.rounds, 1):
        counts = (one.disk.found, one.settings.found, one.root.found)
        table.add_row(
            *(str(number), str(one.mails), size(one.bytes), str(one.known), *map(str, counts)),
            *(f"{one.waiting_found} of {one.waiting}", f"{one.area:.3f}"),
        )
    last = judged.rounds[-1]
    low, high = f"{judged.low:.3f}", f"{judged.high:.3f}"
    whole = f"Who shares a group: area {judged.area:.3f}, 95 % interval {low} to {high}"
    rest = "The same without the database's log: {:.3f}, {:.3f} to {:.3f}".format(*judged.settled)
    clues = Table("Clue alone", "Area", box=None, header_style="bold", pad_edge=False)
    for clue in last.clues:
        clues.add_row(clue, f"{sum(one.clues[clue] for one in judged.rounds) / len(judged.rounds):.3f}")
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
        whole,
        rest,
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


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar of mails taken; nothing where nobody looks. Called with the mails of this round so far."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task("Mails", total=total)
        before, now = 0, 0

        def tell(taken: int) -> None:
            nonlocal before, now
            if taken < now:
                before += now
            now = taken
            progress.update(task, completed=before + now)

        yield tell
