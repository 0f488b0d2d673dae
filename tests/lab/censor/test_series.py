"""Which attempts at a scenario are made: those by a way in, or the one that is named as in the table."""

import pytest

from angarium.lab.censor import series as module
from angarium.lab.censor.report import Job, Run
from angarium.lab.censor.scenarios import SCENARIOS
from angarium.lab.censor.series import Plan, series

S15 = ["ip", "invitation", "ip, from before", "domain, from before"]


@pytest.mark.parametrize(
    ("ways", "made"),
    [
        ((), S15),
        (("ip",), ["ip", "ip, from before"]),
        (("ip, from before", "invitation"), ["invitation", "ip, from before"]),
    ],
)
async def test_a_way_is_all_its_rows_and_a_row_is_itself(
    ways: tuple[str, ...], made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one(job: Job) -> Run:
        return Run(ok=True, open=True, shut=True, texts=job.texts)

    monkeypatch.setattr(module, "_one", one)
    chosen = [scenario for scenario in SCENARIOS if scenario.name == "S15"]
    lines = await series(Plan(chosen, ways, 2, 10, 1, 1, "relay"), lambda *_: None)
    assert [line.setup for line in lines] == made
    assert all(len(line.runs) == 2 for line in lines)
