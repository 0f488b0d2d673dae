"""Running the steps of a check one after another, and judging what came of them.

A step that fails or takes too long does not end the check: the steps that do not need it are still tried, so that the
report says as much as can be known. Whatever happens, the accounts are deleted again.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from angarium.apps.check.farewell import leave
from angarium.apps.check.links import Site
from angarium.apps.check.report import Report, Row, row
from angarium.apps.check.steps import STEPS, Damaged, Step
from angarium.apps.check.trial import Trial, trial
from angarium.lab.core import Core, CoreEnded, CoreError

__all__ = ["Patience", "examine"]

SETTLE = 2.0
"""Seconds to wait after the last step for messages that arrive once too often."""
COUNTING = 20.0
"""Seconds that counting what everybody holds may take."""

ADVICE = {
    "accounts": "See that the relay runs (on its machine: angarium status), that this machine reaches it, and that it"
    " takes newcomers.",
    "contact": "Accounts can be made, but mail between them does not pass. On the relay's machine, angarium status"
    " shows its last error.",
    "file": "Small messages pass and a large one does not: see max_size in the relay's configuration, and its free"
    " disk space.",
}
GENERAL = "Run the check once more; if it fails in the same place, angarium status on the relay's machine says more."
LEFT = "{} accounts made for this check stay on the relay until it forgets them: it has no page to delete them by."


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    step: float
    whole: float


async def examine(
    core: Core, link: str, relay: Site, directory: Path, patience: Patience, tell: Callable[[Step], None]
) -> Report:
    """Try every step on the relay that `link` invites to. `tell` hears of each that begins."""
    began = time.monotonic()
    async with trial(core, link, directory) as people:
        failures = await _try_all(people, patience, tell)
        await asyncio.sleep(SETTLE)
        held = await _held(people)
        deleted = await leave(core, people.people, relay)
    tallies = [(step, people.ledger.tally(step.name, held)) for step in STEPS]
    rows = tuple(row(step.name, step.title, tally, failures.get(step.name, "")) for step, tally in tallies)
    return _judge(core, relay, rows, time.monotonic() - began, deleted, len(people.people) - deleted)


async def _try_all(people: Trial, patience: Patience, tell: Callable[[Step], None]) -> dict[str, str]:
    """Run every step that can be; return why steps failed, by name."""
    ends = time.monotonic() + patience.whole
    failures: dict[str, str] = {}
    for step in STEPS:
        tell(step)
        if any(need in failures for need in step.needs):
            failures[step.name] = "not tried, since an earlier step failed"
        elif failure := await _attempt(step, people, max(0.0, min(patience.step, ends - time.monotonic()))):
            failures[step.name] = failure
    return failures


async def _attempt(step: Step, people: Trial, seconds: float) -> str:
    """Run one step; return why it failed, or an empty text."""
    try:
        await asyncio.wait_for(step.run(people), seconds)
    except TimeoutError:
        return f"not done after {seconds:.0f} seconds"
    except (CoreError, CoreEnded, Damaged) as error:
        return str(error)
    return ""


async def _held(people: Trial) -> Mapping[int, Counter[str]]:
    try:
        return await asyncio.wait_for(people.held(), COUNTING)
    except (TimeoutError, CoreError, CoreEnded):
        return {}  # then everything counts as missing, and the steps' own failures say more


def _judge(core: Core, relay: Site, rows: tuple[Row, ...], seconds: float, deleted: int, left: int) -> Report:
    failed = [line for line in rows if line.failure]
    advice = [ADVICE.get(failed[0].step, GENERAL)] if failed else []
    advice += [LEFT.format(left)] if left else []
    return Report(
        ok=not failed,
        relay=relay.name,
        core=core.version,
        seconds=round(seconds, 1),
        steps=rows,
        accounts_deleted=deleted,
        accounts_left=left,
        failure=" ".join(f"{line.title}: {line.failure}." for line in failed if not line.failure.startswith("not tr")),
        advice=" ".join(advice),
    )
