"""Several rounds at once, and what is left of them when they are broken off."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from angarium.lab.seizure.drive import RelayFailed
from angarium.lab.seizure.series import Plan, series
from angarium.store.seal import Clear

UNSEALED = (sys.executable, "-m", "angarium.apps.unsealed")


def test_rounds_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told: list[tuple[float, str]] = []
    done = series(
        Plan(UNSEALED, Clear, rounds=2, accounts=6, mails=20, seed=8, at_once=2),
        lambda part, doing: told.append((part, doing)),
    )
    assert [one.round.seed for one in done] == [8, 9]
    assert all(one.pairs and one.round.readable_found == one.round.readable > 0 for one in done)
    assert [part for part, _ in told] == sorted(part for part, _ in told)
    assert told[-1] == (1.0, "")
    assert any("round 1: " in doing and "round 2: " in doing for _, doing in told)
    assert list(tmp_path.iterdir()) == []


def test_a_relay_that_does_not_start_ends_the_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    command = (sys.executable, "-c", "raise SystemExit('no such thing')")
    with pytest.raises(RelayFailed, match="no such thing"):
        series(Plan(command, Clear, 3, 6, 20, 1, at_once=2), lambda part, doing: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_who_breaks_a_series_off_finds_nothing_left(tmp_path: Path, told: signal.Signals) -> None:
    program = (
        "from angarium.lab.seizure.series import Plan, series\n"
        "from angarium.store.seal import Clear\n"
        f"plan = Plan({UNSEALED!r}, Clear, 2, 6, 100000, 1, at_once=1)\n"
        "series(plan, lambda part, doing: part and print(part, flush=True))\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert running.stdout is not None
    running.stdout.readline()  # mails are under way
    relays = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and _data_under(path, tmp_path)]
    assert relays
    running.send_signal(told)
    _, complained = running.communicate(timeout=30)
    assert complained.rstrip().endswith(b"KeyboardInterrupt")
    assert list(tmp_path.iterdir()) == []
    assert not any(_data_under(Path(f"/proc/{relay}"), tmp_path) for relay in relays)


def _data_under(process: Path, directory: Path) -> bool:
    """Whether a process was told to keep its data under a directory."""
    try:
        return os.fsencode(directory) in (process / "cmdline").read_bytes()
    except OSError:
        return False
