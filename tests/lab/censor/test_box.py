"""The box between real namespaces: what passes, what does not, and that each scenario's censor does censor."""

import json
import sys
from typing import Any

import pytest

from angarium.lab.censor.enclosure import enclosed, missing
from angarium.lab.censor.scenarios import SCENARIOS

LACKING = missing()

pytestmark = pytest.mark.skipif(LACKING is not None, reason=f"this machine lacks {LACKING}")


async def inside(what: str) -> dict[str, Any]:
    async with enclosed(sys.executable, "-m", "tests.lab.censor.inside", what) as process:
        said, complaints = await process.communicate()
    assert said, complaints.decode()
    told: dict[str, Any] = json.loads(said)
    return told


async def test_every_censor_stops_a_naive_client_that_an_open_box_lets_through() -> None:
    seen = await inside("controls")
    assert seen == {scenario.name: [True, False, True] for scenario in SCENARIOS if not scenario.probes}


@pytest.mark.alone
async def test_frames_are_of_the_size_of_the_wire_and_arrive_unchanged() -> None:
    seen = await inside("frames")
    assert seen["longest"] <= 1514
    assert seen["unchanged"]
    assert seen["dropped"] == 0


async def test_both_ends_are_told_when_a_connection_is_reset() -> None:
    assert await inside("ends") == {
        "client": "ConnectionResetError",
        "server": ["ConnectionResetError"],
        "counted": 1,
    }


async def test_root_is_not_needed_where_users_have_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    if lacking := missing():
        pytest.skip(f"this machine lacks {lacking}")
    assert (await inside("ends"))["counted"] == 1


async def test_a_host_that_is_gone_is_known_to_be_gone_after_three_seconds() -> None:
    seen = await inside("gone")
    assert (seen["before"], seen["after"]) == ("", "No route to host")
    assert seen["seconds"] < 10


@pytest.mark.alone
async def test_there_is_no_way_around_the_box_and_a_bad_line_is_slow() -> None:
    seen = await inside("around")
    assert not seen["alone"]
    assert seen["good"] < 0.5
    assert seen["bad"] >= 1.0
