"""`angarium lab censor`: can people still get through, measured with the real core behind a censor of the lab's own."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console, Group, RenderableType
from rich.table import Table

from angarium.apps.lab.progress import progress
from angarium.apps.options import Json
from angarium.edge.control import Refusal
from angarium.lab.censor.enclosure import missing
from angarium.lab.censor.relay import OURS, WAYS
from angarium.lab.censor.report import Line, Report, Run
from angarium.lab.censor.scenarios import SCENARIOS
from angarium.lab.censor.series import LabFailed, Plan, series
from angarium.lab.core import CoreMissing, binary

__all__ = ["censor", "shown"]

TEXTS, FEW = 100, 10
WIDTH = 132
LONGEST = 400
"""Letters of a reason that are shown."""
MANY = 12
"""Notes that do not fit into a line or two."""


def censor(
    *scenarios: Annotated[str, Parameter(help="Which, such as S05 [default: all there are].")],
    runs: Annotated[int, Parameter(help="How often each is tried.")] = 10,
    texts: Annotated[int | None, Parameter(help="Texts sent in each run [default: 100].")] = None,
    quick: Annotated[bool, Parameter(negative="", help="Ten texts, and two runs unless --runs says more.")] = False,
    way: Annotated[
        list[str] | None,
        Parameter(
            negative="",
            help=f"Only this way in, or this row of the table; may be repeated: {', '.join(WAYS)}, 'ip, from before'.",
        ),
    ] = None,
    at_once: Annotated[int, Parameter(help="Runs under way at a time.")] = 2,
    relay: Annotated[
        str,
        Parameter(
            help="Command that starts the relay, with {data}, {domain}, {address}, {https} where these belong"
            " [default: this one].",
            show_default=False,
        ),
    ] = OURS,
    invitation: Annotated[
        str, Parameter(help="Its invitation, for one that does not print `angarium up --json`'s line.")
    ] = "",
    proxy: Annotated[str, Parameter(help="Its proxy for the app, such as https://user:password@{address}:443.")] = "",
    far: Annotated[
        bool,
        Parameter(
            negative="",
            help="S12: probe again over lines with a delay that varies, as a distant prober has them. Whether a"
            " classifier tells the relay from nginx is then judged at 40 ms, give or take 0.5; else from nearby.",
        ),
    ] = False,
    seed: Annotated[int, Parameter(help="Another number, other dice of the bad line.")] = 1,
    line: Annotated[
        tuple[float, float, float] | None,
        Parameter(
            help="Another bad line than that of the scenarios that have one: bits a second (0: any number), seconds one"
            " way, share lost."
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Measure whether people get through to a relay past a censor, with the real core of the apps.

    Each run makes network namespaces of its own: two people, a relay, and between them a box that does what the
    scenario's censor does. A naive client shows first that the box lets everything through, and then that it does not.
    Nothing leaves these namespaces, and nothing is left of them. Needs Linux, iproute2 and util-linux, and root where
    users may not make namespaces.

    Exit status: 0 every scenario was passed, in all runs, by one way in at least; 1 some were not; 2 it could not be
    tried, or a censor was not shown to censor.
    """
    names = [one.upper() for one in scenarios] or [one.name for one in SCENARIOS]
    chosen = [one for one in SCENARIOS if one.name in names]
    if unknown := set(names) - {one.name for one in SCENARIOS}:
        raise Refusal(f"there is no scenario {', '.join(sorted(unknown))}: {', '.join(one.name for one in SCENARIOS)}")
    if unknown := set(way or ()) - set(WAYS) - {attempt.setup for one in chosen for attempt in one.attempts}:
        raise Refusal(f"there is no way {', '.join(sorted(unknown))}: {', '.join(WAYS)}")
    if runs < 1 or at_once < 1 or (texts is not None and texts < 1):
        raise Refusal("--runs, --texts and --at-once: at least 1")
    if lacking := missing():
        for one in chosen:
            sys.stderr.write(f"angarium: {one.name} skipped, {one.censor}: this machine lacks {lacking}\n")
        return 2
    quick_runs = min(runs, 2) if quick and runs == 10 else runs
    plan = Plan(
        *(chosen, way or (), quick_runs, texts or (FEW if quick else TEXTS), at_once, seed),
        *(relay, invitation, proxy, line, far),
    )
    try:
        version = _version(binary())
        with progress(quiet=json) as tell:
            lines = asyncio.run(_ended_in_order(series(plan, tell)))
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    except (CoreMissing, LabFailed) as error:
        sys.stderr.write(f"angarium: {error}\n")
        return 2
    report = Report("its own" if relay == OURS else relay, version, quick, lines)
    if json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        Console(highlight=False, width=max(WIDTH, Console().width)).print(shown(report))
    return 2 if not report.valid else 0 if report.ok else 1


async def _ended_in_order(measuring: Coroutine[Any, Any, list[Line]]) -> list[Line]:
    """What is under way ends with us when somebody ends us."""
    task = asyncio.ensure_future(measuring)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def _version(program: Path) -> str:
    """Which core it is. Raises CoreMissing."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 (the core)
    if said.returncode:
        raise CoreMissing(f"{program} does not run on this machine")
    return (said.stdout or said.stderr).strip()


def shown(report: Report) -> RenderableType:
    """A table of all scenarios, and what went wrong."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("", "The censor", "Way in", "Passes when", "Passed", "Arrived", "First", "p95"):
        table.add_column(title)
    last = ""
    for line in report.lines:
        new = line.scenario != last
        table.add_row(
            *(line.scenario if new else "", line.censor if new else "", line.setup, line.goal),
            *_figures(line),
        )
        last = line.scenario
    reasons = [f"{line.scenario} by {line.setup}: {reason}" for line in report.lines for reason in _reasons(line.runs)]
    void = [
        f"{line.scenario} by {line.setup}: no measurement, the censor did not censor or was not alone"
        for line in report.lines
        if not all(run.valid or run.skipped for run in line.runs)
    ]
    counted = [
        f"{line.scenario} by {line.setup}, in the first run: {_told(line.runs[0].notes)}"
        for line in report.lines
        if line.runs[0].notes
    ]
    return Group(table, "", *counted, *void, *reasons)


def _told(notes: Mapping[str, float]) -> str:
    """All of them; a share with its interval, and many one below the other."""
    told = []
    for name, count in notes.items():
        whole = name.removesuffix(", %")
        if any(f"{whole.removesuffix(end)}, %" in notes for end in (" from", " to") if whole.endswith(end)):
            continue  # told with what it is the interval of
        low, high = notes.get(f"{whole} from, %"), notes.get(f"{whole} to, %")
        told.append(f"{name} {count:g}" if low is None else f"{whole} {count:.1f} % ({low:.1f} to {high:.1f})")
    return ", ".join(told) if len(told) < MANY else "".join(f"\n  {one}" for one in told)


def _figures(line: Line) -> tuple[str, str, str, str]:
    if all(run.skipped for run in line.runs):
        return "not offered", "", "", ""
    texts = f"{sum(run.arrived for run in line.runs)} of {sum(run.texts for run in line.runs)}"
    return (
        f"{line.passed} out of {len(line.runs)}",
        texts,
        _range([run.first for run in line.runs if run.first is not None]),
        _range([run.p95 for run in line.runs if run.p95 is not None]),
    )


def _range(seconds: list[float]) -> str:
    if not seconds:
        return "never"
    low, high = f"{min(seconds):.1f}", f"{max(seconds):.1f}"
    return f"{low} s" if low == high else f"{low} to {high} s"


def _reasons(runs: list[Run]) -> list[str]:
    """Each thing that went wrong, once."""
    return list(dict.fromkeys(run.why[:LONGEST] for run in runs if not run.ok and not run.skipped))[:2]
