"""Fronts: who is shown which, what a burnt one tells, and what the disk does not."""

from collections.abc import Callable

import pytest

from angarium.mail.fronts import Front, Fronts
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory

PORTS = {"https": 443, "imaps": 993, "submissions": 465}


@pytest.fixture
def store() -> Store:
    return open_memory(Clear(bytes(32)))


@pytest.fixture
async def fronts(store: Store) -> Fronts:
    made = Fronts(store.papers)
    await made.load()
    return made


def addresses(found: list[Front]) -> list[str]:
    return [front.address for front in found]


async def test_what_was_entered_is_there_after_a_restart(store: Store, fronts: Fronts) -> None:
    await fronts.put(Front("203.0.113.5", PORTS, "north"))
    await fronts.put(Front("203.0.113.4", {"https": 8443}))
    await fronts.burn("203.0.113.4", day=20_000)
    again = Fronts(store.papers)
    await again.load()
    assert again.all() == fronts.all()
    assert addresses(again.all()) == ["203.0.113.4", "203.0.113.5"]


async def test_a_group_is_shown_its_own_first_and_others_are_not_shown_them(fronts: Fronts) -> None:
    for address, group in (("203.0.113.1", ""), ("203.0.113.2", "north"), ("203.0.113.3", "south")):
        await fronts.put(Front(address, PORTS, group))
    assert addresses(fronts.good("north")) == ["203.0.113.2", "203.0.113.1"]
    assert addresses(fronts.good("south")) == ["203.0.113.3", "203.0.113.1"]
    assert addresses(fronts.good()) == ["203.0.113.1"]


async def test_a_burnt_one_is_shown_to_nobody_and_its_group_is_told(fronts: Fronts) -> None:
    await fronts.put(Front("203.0.113.2", PORTS, "north"))
    burnt = await fronts.burn("203.0.113.2", day=20_000)
    assert burnt is not None
    assert (burnt.group, burnt.burnt_day) == ("north", 20_000)
    assert fronts.good("north") == []
    again = await fronts.burn("203.0.113.2", day=20_005)
    assert again == burnt
    assert await fronts.burn("203.0.113.9", day=20_000) is None


async def test_a_forgotten_one_is_gone(store: Store, fronts: Fronts) -> None:
    await fronts.put(Front("203.0.113.2", PORTS))
    assert await fronts.remove("203.0.113.2")
    assert not await fronts.remove("203.0.113.2")
    assert await store.papers.all("front") == {}


async def test_a_token_says_for_which_group_it_is_and_only_to_its_relay(
    fronts: Fronts, store: Store, free: Callable[[], Store]
) -> None:
    for address, group in (("203.0.113.2", "north"), ("203.0.113.3", "south")):
        await fronts.put(Front(address, PORTS, group))
    token = await fronts.mark("x" * 16, "north")
    again = Fronts(store.papers)
    await again.load()
    assert again.group(token) == "north"
    assert again.group(await fronts.mark("x" * 16, "south")) == "south"
    other = Fronts(free().papers)
    await other.load()
    await other.put(Front("203.0.113.2", PORTS, "north"))
    await other.mark("x" * 16, "north")  # it has a secret of its own
    assert other.group(token) == ""


@pytest.fixture
def free() -> Callable[[], Store]:
    return lambda: open_memory(Clear(bytes(32)))


@pytest.mark.parametrize("token", ["", "x", "x" * 8, "x" * 24, "é" * 30])
async def test_other_tokens_are_for_no_group(fronts: Fronts, token: str) -> None:
    await fronts.put(Front("203.0.113.2", PORTS, "north"))
    assert fronts.group(token) == ""
    await fronts.mark("y" * 16, "north")
    assert fronts.group(token) == ""
