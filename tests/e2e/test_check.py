"""`angarium check`, run as a keeper runs it."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from angarium.apps.check.throwaway import Relay

Angarium = Callable[..., Awaitable[tuple[int, str, str]]]


def everything_arrived(report: dict[str, object]) -> bool:
    steps = report["steps"]
    assert isinstance(steps, list)
    names = [step["step"] for step in steps]
    assert names == ["accounts", "contact", "texts", "group", "file", "channel"]
    assert [step["expected"] for step in steps] == [5, 1, 10, 20, 1, 4]
    return all(step["delivered"] == step["expected"] and step["min_ms"] > 0 for step in steps)


async def test_it_is_green_with_the_newest_core_and_leaves_nothing_behind(angarium: Angarium) -> None:
    status, out, err = await angarium("check", "--json")
    report = json.loads(out)
    assert status == 0, report
    assert err == ""
    assert report["ok"]
    assert report["failure"] == ""
    assert everything_arrived(report)
    assert (report["accounts_deleted"], report["accounts_left"]) == (5, 0)


async def test_it_is_green_with_the_oldest_core(angarium: Angarium, oldest_core: Path) -> None:
    status, out, _ = await angarium("check", "--json", "--core", oldest_core)
    report = json.loads(out)
    assert status == 0, report
    assert report["core"] in str(oldest_core)
    assert everything_arrived(report)


async def test_it_tests_any_relay_by_its_invitation_and_shows_a_table(angarium: Angarium, up: Relay) -> None:
    status, out, _ = await angarium("check", "--relay", up.ready.invitation)
    assert status == 0, out
    assert "Group of 5" in out
    assert "20 of 20" in out
    assert "everything arrived exactly once" in out


async def test_it_says_what_failed_where_no_relay_is(
    angarium: Angarium, up: Relay, unused_tcp_port_factory: Callable[[], int]
) -> None:
    nowhere = up.ready.invitation.replace(f"={up.port('imaps')}", f"={unused_tcp_port_factory()}")
    status, out, _ = await angarium("check", "--json", "--relay", nowhere)
    report = json.loads(out)
    assert status == 1
    assert not report["ok"]
    assert "Accounts made" in report["failure"]
    assert "angarium status" in report["advice"]
    assert [step["failure"] != "" for step in report["steps"]] == [True] * 6
