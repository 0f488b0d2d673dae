"""A day of everything, small: it takes place, and all of it goes as it has to. Too short for a judgement of growth."""

import pytest

from angarium.lab.load import soak, visitors
from angarium.lab.load.ledger import Faults
from angarium.lab.load.meter import Meter
from angarium.lab.load.report import Soaked, Spent, Trend
from angarium.lab.load.soak import DAILY, Soak
from angarium.lab.load.stage import Line, Stage
from angarium.lab.load.target import LoadFailed, Target, throwaway

pytestmark = pytest.mark.alone

SPENT = Spent(1, None, None, None, 0.1, 0.1)


def silent(_: float, __: str) -> None:
    """Nobody looks."""


def test_all_of_a_day_takes_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "SILENT", 1.0)
    monkeypatch.setattr(soak, "ENOUGH", 0.5)  # of two files or deletions one may be left to chance
    monkeypatch.setattr(soak, "DAILY", {name: max(count, 0.2) for name, count in DAILY.items()})
    lines: list[Line] = []
    with throwaway() as target:
        stage = Stage(target, Meter(target.pids), silent)
        Soak(people=12, minutes=0.15, waves=3).run(stage, lines.append, lambda _: None)
        stage.close()
    (line,) = lines
    assert isinstance(line, Soaked)
    assert (line.wrong, line.why, line.faults) == (0, "", Faults())
    assert line.lacking == []
    assert len(line.moments) == 3 * 24
    assert line.done["deliveries"] > line.done["messages"] > 50
    assert all(moment.descriptors >= moment.threads > 0 and moment.disk_kib > 0 for moment in line.moments)
    assert [len(trend.waves) for trend in line.trends] == [2] * 4


@pytest.mark.parametrize(
    ("wrong", "lacking", "faults", "grows", "ok"),
    [
        (0, [], Faults(), 5.0, True),
        (0, [], Faults(), -50.0, True),
        (1, [], Faults(), 5.0, False),
        (0, ["files"], Faults(), 5.0, False),
        (0, [], Faults(lost=1), 5.0, False),
        (0, [], Faults(), 5.1, False),
    ],
)
def test_a_day_that_leaves_something_behind_is_not_good(
    *, wrong: int, lacking: list[str], faults: Faults, grows: float, ok: bool
) -> None:
    trends = [Trend("memory", [1.0, 1.0], 0.0, 1.0), Trend("disk", [1.0, 1.0], grows, 5.0)]
    assert Soaked("soak", 1, 3, 1, {}, {}, lacking, trends, [], SPENT, faults, wrong).ok is ok


def test_a_relay_that_cannot_be_looked_into_is_not_soaked() -> None:
    stage = Stage(Target("127.0.0.1", 1, 2, "x.example"), Meter(), silent)
    with pytest.raises(LoadFailed, match="have to be known"):
        Soak().run(stage, print, print)
