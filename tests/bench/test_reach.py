"""The driver of the long measurement: what it starts, and the rows that it makes of what came of it."""

import argparse

import msgspec

from angarium.lab.censor.report import Line, Report, Run
from angarium.lab.censor.scenarios import SCENARIOS
from bench.reach import ALL, PEER, Measurement, command, rows


def given(*, peer: bool = False) -> argparse.Namespace:
    return argparse.Namespace(runs=10, texts=100, at_once=3, through="nice -n 5", peer=peer)


def test_only_what_the_lab_knows_is_measured() -> None:
    assert all(one.setups for one in ALL)
    assert {one.scenario for one in ALL} == {scenario.name for scenario in SCENARIOS}


def test_each_has_a_file_of_its_own() -> None:
    files = {one.file("ours") for one in ALL}
    assert len(files) == len(ALL)
    assert "ours-S22-domain-from-before.json" in files


def test_each_scenario_but_that_of_another_port_is_measured_of_the_peer_too() -> None:
    theirs = {one.scenario for one in ALL if not one.ours}
    assert {one.scenario for one in ALL} - theirs == {"S06"}


def test_what_is_started() -> None:
    words = command(Measurement("S16", "domain", idle=True), given())
    assert words[:3] == ["nice", "-n", "5"]
    assert words[-2:] == ["--at-once", "10"]
    assert command(Measurement("S15", "ip", idle=True), given())[-2:] == ["--at-once", "20"]
    once = command(Measurement("S12", "domain", once=True), given())
    assert once[once.index("--runs") + 1] == "1"
    assert command(Measurement("S07", "domain"), given(peer=True))[-4:] == ["--at-once", "3", "--relay", PEER]


def test_the_rows_say_how_many_and_from_when_to_when() -> None:
    good = Run(ok=True, open=True, shut=True, texts=100, arrived=100, first=1.04, p95=0.2, notes={"hellos": 8})
    bad = Run(ok=False, open=True, shut=True, texts=100, arrived=4, p95=12.34)
    lines = [
        Line("S07", "", "domain", "domain, from before", "", [good, bad]),
        Line("S05", "", "443", "443", "", [bad]),
    ]
    assert rows(msgspec.json.encode(Report("its own", "core", False, lines)).decode()) == [
        "| S07 | domain, from before | 1 of 2 | 104 of 200 | 1.0 | 0.2–12 | hellos 8.0 |",
        "| S05 | 443 | 0 of 1 | 4 of 100 | never | 12 |  |",
    ]
