"""Steps that fail, hang or break the core: the rest is still tried, and the report says what happened."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest

from angarium.apps.check import examine as module
from angarium.apps.check.examine import Patience, examine
from angarium.apps.check.links import Site
from angarium.apps.check.report import Report
from angarium.apps.check.steps import Damaged, Step
from angarium.apps.check.trial import Trial
from angarium.lab.core import Core, CoreEnded, CoreError

SITE = Site("relay.example", "https://relay.example/", verified=True)
PATIENT = Patience(step=5, whole=5)
LINK = "dcaccount:relay.example"


class EmptyCore:
    """A core with nobody in it."""

    version = "9.9.9"

    async def call(self, method: str, *params: object) -> None:
        assert method == "stop_io_for_all_accounts"


async def fine(trial: Trial) -> None:
    with trial.ledger.deed("first"):
        pass


async def hang(trial: Trial) -> None:
    trial.ledger.expect("first", 1, "on its way")
    await trial.ledger.complete("first")


def raising(error: Exception) -> Callable[[Trial], Awaitable[None]]:
    async def step(trial: Trial) -> None:
        raise error

    return step


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[Report]]:
    """Runs a check of these steps, that deletes `deleted` accounts at its end."""
    monkeypatch.setattr(module, "SETTLE", 0)

    async def run(*steps: Step, patience: Patience = PATIENT, deleted: int = 0) -> Report:
        async def leave(*_: object) -> int:
            return deleted

        monkeypatch.setattr(module, "STEPS", steps)
        monkeypatch.setattr(module, "leave", leave)
        began: list[str] = []
        report = await examine(
            cast("Core", EmptyCore()), LINK, SITE, tmp_path, patience, lambda step: began.append(step.name)
        )
        assert began == [step.name for step in steps]
        return report

    return run


Tried = Callable[..., Awaitable[Report]]


async def test_a_check_that_passes(tried: Tried) -> None:
    report = await tried(Step("first", "First", fine))
    assert report.ok
    assert report.failure == report.advice == ""
    assert (report.relay, report.core) == ("relay.example", "9.9.9")


@pytest.mark.parametrize(
    "error", [CoreError("cannot log in"), CoreEnded("the core has ended"), Damaged("other bytes")], ids=repr
)
async def test_what_went_wrong_is_said_and_what_does_not_need_it_is_still_tried(tried: Tried, error: Exception) -> None:
    report = await tried(
        Step("accounts", "Accounts", raising(error)),
        Step("texts", "Texts", fine, needs=("accounts",)),
        Step("first", "First", fine),
    )
    accounts, texts, first = report.steps
    assert not report.ok
    assert accounts.failure == str(error)
    assert texts.failure.startswith("not tried")
    assert first.failure == ""
    assert report.failure == f"Accounts: {error}."
    assert "takes newcomers" in report.advice


async def test_what_needs_a_step_that_was_not_tried_is_not_tried(tried: Tried) -> None:
    report = await tried(
        Step("a", "A", raising(CoreError("no"))), Step("b", "B", fine, needs=("a",)), Step("c", "C", fine, needs=("b",))
    )
    assert [step.failure for step in report.steps] == ["no", *["not tried, since an earlier step failed"] * 2]


async def test_a_step_that_hangs_is_given_up(tried: Tried) -> None:
    report = await tried(Step("first", "First", hang), patience=Patience(step=0.02, whole=5))
    assert report.failure == "First: not done after 0 seconds."
    assert report.steps[0].missing == 1


async def test_the_whole_check_has_a_time_too(tried: Tried) -> None:
    report = await asyncio.wait_for(
        tried(Step("first", "First", hang), Step("second", "Second", hang), patience=Patience(step=60, whole=0.05)), 5
    )
    assert [step.failure == "" for step in report.steps] == [False, False]


async def test_an_expected_failure_of_counting_counts_as_missing(tried: Tried) -> None:
    async def unheard(trial: Trial) -> None:
        trial.ledger.expect("first", 1, "text")
        trial.ledger.arrived(1, "text", 0)  # told of, and then held by nobody

    report = await tried(Step("first", "First", unheard))
    assert report.failure == "First: 1 of 1 did not arrive."
