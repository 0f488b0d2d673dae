"""When it counts as got through."""

from angarium.lab.censor.report import Line, Report, Run

GOOD = Run(ok=True, open=True, shut=True, texts=10, arrived=10)
BAD = Run(ok=False, open=True, shut=True, texts=10, arrived=9)
VOID = Run(ok=False, open=True, shut=False)
SKIPPED = Run(ok=False, open=False, shut=False, skipped=True)


def report(*lines: tuple[str, list[Run]]) -> Report:
    return Report("its own", "core", False, [Line(name, "", "domain", "domain", "", runs) for name, runs in lines])


def test_one_way_that_always_works_is_enough() -> None:
    assert report(("S01", [BAD, GOOD]), ("S01", [GOOD, GOOD])).ok
    assert not report(("S01", [BAD, GOOD]), ("S01", [GOOD, BAD])).ok


def test_each_scenario_needs_one() -> None:
    assert not report(("S01", [GOOD]), ("S02", [BAD])).ok
    assert report(("S01", [GOOD]), ("S02", [SKIPPED]), ("S02", [GOOD])).ok
    assert not report(("S01", [SKIPPED])).ok


def test_a_censor_that_does_not_censor_is_no_measurement() -> None:
    assert report(("S01", [BAD]), ("S02", [SKIPPED])).valid
    assert not report(("S01", [GOOD]), ("S02", [VOID])).valid
