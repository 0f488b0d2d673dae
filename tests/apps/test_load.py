"""The load as one types it, against a relay of its own: every mode, small; what it refuses; what its status says.

Typed in this process, with everything made short that a mode waits for to be exact; once in a process of its own.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from angarium.apps import main
from angarium.apps.lab.load import Options, _measure
from angarium.lab.load import fanout, idle, login, storm, throughput
from angarium.lab.load.ledger import Faults
from angarium.lab.load.report import Latency, Spent, Traffic
from angarium.lab.load.stage import Line, Stage
from tests.apps.command import angarium

pytestmark = [
    pytest.mark.alone,
    pytest.mark.filterwarnings("ignore:Cyclopts application invoked without tokens"),  # as the program does
]

Typed = Callable[..., tuple[int, str, str]]
Measured = Callable[..., dict[str, Any]]
SHORT = (
    *((throughput, "SENDERS", 8), (throughput, "WARM", 0.2), (throughput, "FULL", 1.0), (throughput, "TRIAL", 0.2)),
    *((storm, "TALKERS", 8), (storm, "CALM", 1.0), (fanout, "REST", 0.2), (idle, "REST", 0.3), (login, "WARM", 0.1)),
)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Types `angarium lab load` and more: its exit status, what it said, what it complained of."""
    for module, name, value in SHORT:
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("angarium.apps.lab.load.raise_limit", lambda _: None)

    def type_(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["angarium", "lab", "load", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said, complained = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said, complained

    return type_


@pytest.fixture
def measured(typed: Typed) -> Measured:
    """Types a mode, and reads its report."""

    def measure(*words: str) -> dict[str, Any]:
        status, said, complained = typed(*words, "--json")
        assert (status, complained) == (0, "")
        told = json.loads(said)
        assert told["withheld"] == []
        assert isinstance(told, dict)
        return told

    return measure


@pytest.mark.parametrize(
    ("asked", "size", "groups"), [("--rate", "20", [1, 5]), ("--at-once", "2", [1, 5]), ("--load", "50%", [5])]
)
def test_throughput(measured: Measured, asked: str, size: str, groups: list[int]) -> None:
    among = ("--groups", ",".join(map(str, groups)), "--receivers", "8")
    told = measured("throughput", "--sizes", "1.5", *among, "--seconds", "1", asked, size)
    assert [line["recipients"] for line in told["lines"]] == groups
    for line in told["lines"]:
        assert line["deliveries"] > 3
        assert 0 < line["accepted_ms"]["p50"] <= line["accepted_ms"]["p95"] <= line["accepted_ms"]["p99"]
        assert line["fetched_ms"]["p50"] > 0
        assert 0 < line["server_cpu_ms"] < 200
        assert 0 < line["generator_cpu_ms"] < 50
        assert line["spent"]["server_pss_kib"] > 10_000
        assert not any(line["faults"].values())


def test_fanout(measured: Measured) -> None:
    (line,) = measured("fanout", "--recipients", "30", "--times", "2")["lines"]
    assert (line["deliveries"], line["messages"]) == (60, 2)
    assert line["last_fetched_ms"] >= line["fetched_ms"]["p50"] > 0


def test_idle(measured: Measured) -> None:
    (line,) = measured("idle", "--connections", "300", "--people", "8", "--seconds", "1")["lines"]
    assert 5 < line["kib_per_connection"] < 200
    assert 0 <= line["cpu_percent"] < 100


def test_login(measured: Measured) -> None:
    lines = measured("login", "--seconds", "1", "--people", "5", "--at-once", "2", "--resume")["lines"]
    assert [line["kind"] for line in lines] == ["returning", "new"]
    for line in lines:
        assert line["logins"] > 2
        assert line["server_cpu_ms"] > 0


def test_storm(measured: Measured) -> None:
    calm, storm, logins = measured("storm", "--connections", "300", "--rate", "100")["lines"]
    assert (calm["note"], storm["note"], logins["kind"]) == ("calm", "storm", "storm")
    assert (logins["logins"], logins["failed"]) == (300, 0)
    assert calm["deliveries"] > 50


def test_a_storm_in_some_seconds(measured: Measured) -> None:
    *_, logins = measured("storm", "--connections", "100", "--within", "2")["lines"]
    assert (logins["logins"], logins["failed"]) == (100, 0)
    assert logins["spent"]["seconds"] > 1.9
    assert logins["logins_per_second"] < 55


def test_day(measured: Measured) -> None:
    words = ("day", "--people", "12", "--hours", "2", "--minutes", "0.05", "--messages", "300")
    *hours, whole = measured(*words)["lines"]
    assert [hour["note"] for hour in hours] == ["00:00", "01:00"]
    assert whole["note"] == "whole day"
    assert whole["deliveries"] == sum(hour["deliveries"] for hour in hours) > 20


async def test_a_table() -> None:
    pinned = str(min(os.sched_getaffinity(0)))
    status, said, _ = await angarium(*("lab", "load", "fanout", "--recipients", "5", "--times", "1", "--pin", pinned))
    assert status == 0
    assert "All that was accepted arrived once at each recipient, unchanged." in said
    assert "One message to 5: all had it after" in said


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("throughput", "--sizes", "big"), "--sizes: numbers are wanted"),
        (("throughput", "--load", "half"), "--load: numbers are wanted"),
        (("throughput", "--load", "50"), "--load: a share of saturation is wanted, such as 50%"),
        (("throughput", "--load", "50%", "--rate", "5"), "one of the two"),
        (("soak", "--waves", "2"), "--waves: at least 3"),
        (("soak", "--host", "127.0.0.1", "--domain", "x.example"), "a relay that is started for it"),
        (("throughput", "--groups", "0"), "more than nothing is wanted"),
        (("throughput", "--groups", "20", "--receivers", "5"), "the largest group has 20"),
        (("fanout", "--host", "127.0.0.1"), "--host needs --domain"),
        (("idle", "--connections", "0"), "more than nothing is wanted"),
        (("login", "--host", "127.0.0.1", "--accounts", "/not-there"), "cannot be read"),
        (("login", "--host", "127.0.0.1", "--domain", "x.example", "--server-names", "none-such"), "no such process"),
        (
            ("login", "--host", "127.0.0.1", "--domain", "x.example", "--imaps", "9"),
            "somebody could not log in: cannot",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(typed: Typed, words: tuple[str, ...], text: str) -> None:
    status, said, complained = typed(*words)
    assert (status, said) == (2, "")
    assert text in complained


def test_who_is_on_no_list_is_not_made(typed: Typed, tmp_path: Path) -> None:
    path = tmp_path / "accounts"
    path.write_text("somebody@x.example password\n")
    words = ("fanout", "--host", "127.0.0.1", "--accounts", str(path), "--recipients", "2")
    status, _, complained = typed(*words)
    assert (status, "1 accounts are missing" in complained) == (2, True)


class Told:
    """A mode that says what it is told to say."""

    def __init__(self, faults: Faults, reason: str = "") -> None:
        self.faults, self.reason = faults, reason

    def run(self, _: Stage, done: Callable[[Line], None], withheld: Callable[[str], None]) -> None:
        if self.reason:
            withheld(self.reason)
        latency, spent = Latency(1, 2, 3, 4), Spent(1, None, None, None, 0.1, 0.1)
        done(Traffic("told", 1, 1, None, 1, 1, 1, 1, 1, latency, latency, 100.0, 100.0, None, 0.1, spent, self.faults))


@pytest.mark.parametrize(
    ("mode", "status", "text"),
    [
        (Told(Faults()), 0, "All that was accepted arrived once"),
        (Told(Faults(lost=3, why="gone")), 1, "told: 3 lost (gone)"),
        (Told(Faults(), "the generator was busy"), 2, "withheld: the generator was busy"),
    ],
)
def test_the_status_says_what_happened(
    mode: Told, status: int, text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert _measure(mode, Options(host="127.0.0.1", domain="x.example")) == status
    assert text in "".join(capsys.readouterr())
