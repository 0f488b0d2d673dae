"""The command as it is typed: what it refuses, that it says what it skips, and its table."""

import asyncio
import io
import signal
import sys

import pytest
from rich.console import Console

from angarium.apps.lab import censor as module
from angarium.apps.lab.censor import _told, censor, shown
from angarium.lab.censor.enclosure import missing
from angarium.lab.censor.report import Line, Report, Run
from tests.apps.command import angarium
from tests.lab.asleep import asleep

LACKING = missing()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("S99",), "there is no scenario S99"),
        (("S07", "--way", "sea"), "there is no way sea"),
        (("S07", "--way", "ip, from before"), "there is no way ip, from before"),
        (("S07", "--runs", "0"), "at least 1"),
        (("S15", "--way", "ip, from before", "--runs", "0"), "at least 1"),
    ],
)
async def test_what_cannot_be_measured_is_refused(words: tuple[str, ...], text: str) -> None:
    status, said, complained = await angarium("lab", "censor", *words)
    assert (status, said) == (2, "")
    assert text in complained


def test_where_there_are_no_namespaces_scenarios_are_skipped_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "missing", lambda: "these Debian packages: iproute2")
    assert censor("s07", "S05") == 2
    said = capsys.readouterr().err
    assert "S05 skipped" in said
    assert "S07 skipped" in said
    assert "iproute2" in said


@pytest.mark.skipif(LACKING is not None, reason=f"this machine lacks {LACKING}")
@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
async def test_what_is_under_way_ends_with_the_command_and_without_a_word(signum: signal.Signals, status: int) -> None:
    sleeping = "4711.1504"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "angarium", "lab", "censor", "S07", "--runs", "1", "--relay", f"sleep {sleeping}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    while not asleep(sleeping):
        assert process.returncode is None
        await asyncio.sleep(0.05)
    process.send_signal(signum)
    assert await process.communicate() == (b"", b"")
    assert process.returncode == status
    assert not asleep(sleeping)


def test_the_table_says_k_out_of_n_and_why() -> None:
    good = Run(ok=True, open=True, shut=True, texts=10, arrived=10, first=1.04, p95=0.2, notes={"hellos": 8})
    bad = Run(ok=False, open=True, shut=True, texts=10, arrived=4, first=1.5, p95=0.3, why="4 of 10 texts")
    void = Run(ok=False, open=True, shut=False)
    skipped = Run(ok=False, open=False, shut=False, skipped=True)
    lines = [
        Line("S07", "RST if ALPN", "domain", "domain", "first in 20 s", [good, bad]),
        Line("S07", "RST if ALPN", "proxy", "proxy", "first in 20 s", [skipped]),
        Line("S01", "drops the IP", "domain", "domain", "first in 30 s", [void]),
    ]
    written = io.StringIO()
    Console(width=160, file=written).print(shown(Report("its own", "core", True, lines)))
    text = written.getvalue()
    for part in (
        "1 out of 2",
        "14 of 20",
        "1.0 to 1.5 s",
        "not offered",
        "4 of 10 texts",
        "hellos 8",
        "no measurement",
    ):
        assert part in text


def test_shares_are_told_with_their_intervals_and_many_notes_one_below_the_other() -> None:
    notes = {"probes": 1000.0, "told from the twenty, %": 52.0, "told from the twenty from, %": 49.8}
    notes["told from the twenty to, %"] = 54.2
    assert _told(notes) == "probes 1000, told from the twenty 52.0 % (49.8 to 54.2)"
    many = _told(notes | {f"seconds to {number}": float(number) for number in range(12)})
    assert many.splitlines()[1:4] == [
        "  probes 1000",
        "  told from the twenty 52.0 % (49.8 to 54.2)",
        "  seconds to 0 0",
    ]
