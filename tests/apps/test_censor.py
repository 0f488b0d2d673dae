"""The command as it is typed: what it refuses, that it says what it skips, and its table."""

import io

import pytest
from rich.console import Console

from angarium.apps.lab import censor as module
from angarium.apps.lab.censor import censor, shown
from angarium.lab.censor.report import Line, Report, Run
from tests.apps.command import angarium


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("S99",), "there is no scenario S99"),
        (("S07", "--way", "sea"), "there is no way sea"),
        (("S07", "--runs", "0"), "at least 1"),
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
