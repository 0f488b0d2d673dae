"""`angarium check` as it is typed: what cannot be tried at all, and the exit status."""

import asyncio
import json
import os
import signal
from pathlib import Path

import msgspec
import pytest

from angarium.apps.check import command as module
from angarium.apps.check.command import check
from angarium.apps.check.examine import Patience
from angarium.apps.check.report import Report

REPORT = Report(
    ok=True,
    relay="relay.example",
    core="9.9.9",
    seconds=1.0,
    steps=(),
    accounts_deleted=5,
    accounts_left=0,
    failure="",
    advice="",
)


async def test_without_a_core_the_keeper_is_told_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await check(core=tmp_path / "nothing") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("angarium: ")
    assert "is not a program" in said.err


async def test_a_link_that_is_no_invitation_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert await check(relay="https://example.org") == 2
    assert "dcaccount: or dclogin:" in capsys.readouterr().err


@pytest.mark.parametrize(("ok", "status"), [(True, 0), (False, 1)])
@pytest.mark.parametrize("as_json", [True, False])
async def test_the_exit_status_is_the_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ok: bool, status: int, as_json: bool
) -> None:
    async def reported(link: str | None, core: Path | None, patience: Patience, tell: object) -> Report:
        assert (link, core, patience) == ("dcaccount:relay.example", None, Patience(step=3, whole=9))
        return msgspec.structs.replace(REPORT, ok=ok)

    monkeypatch.setattr(module, "_report", reported)
    assert await check(relay="dcaccount:relay.example", timeout=9, step_timeout=3, json=as_json) == status
    said = capsys.readouterr()
    assert said.err == ""
    if as_json:
        assert json.loads(said.out)["ok"] is ok
    else:
        assert "relay.example" in said.out


async def test_sigterm_stops_what_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = False

    async def reported(*_: object) -> Report:
        nonlocal stopped
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            stopped = True
        raise AssertionError

    monkeypatch.setattr(module, "_report", reported)
    assert await check() == 143
    assert stopped


async def test_ctrl_c_is_left_to_whoever_runs_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def reported(*_: object) -> Report:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(module, "_report", reported)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(check())
