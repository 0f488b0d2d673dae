"""What sealing costs, measured in short: both relays deliver everything, and one is sealed; the figures are not judged.

`python bench/cost.py` does the same at length.
"""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from angarium.apps.home import Home
from angarium.store.interfaces import StoreError
from angarium.store.seal import Clear
from angarium.store.sealed import Sealed
from angarium.store.store import open_sqlite
from bench.cost import GOAL, Books, Missing, figures

BENCH = Path(__file__).parents[2] / "bench" / "cost.py"


async def test_a_sealed_relay_and_one_in_clear_deliver_the_same(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, BENCH, "--turns", "2", "--lanes", "1", "--kind", "groups", "logins"),
        *("--data", str(tmp_path), "--json"),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    groups, logins = json.loads(out)["kinds"]
    assert (groups["kind"], groups["deliveries"], groups["turns"]) == ("groups", 160, 2)
    assert (logins["kind"], logins["deliveries"], logins["turns"]) == ("logins", 64, 2)
    for kind in (groups, logins):
        assert kind["clear_ms"] > 0
        assert kind["sealed_ms"] > 0
        assert kind["cost_quartiles"][0] <= kind["cost"] <= kind["cost_quartiles"][1]
    assert process.returncode == (max(groups["cost"], logins["cost"]) > GOAL)

    sealed, clear = Home(tmp_path / "sealed"), Home(tmp_path / "clear")
    await open_sqlite(sealed.path, Sealed(sealed.root_key())).close()
    await open_sqlite(clear.path, Clear(clear.root_key())).close()
    with pytest.raises(StoreError):
        open_sqlite(clear.path, Sealed(clear.root_key()))


def test_the_cost_is_the_median_of_what_each_turn_says() -> None:
    turns = [{"clear": 0.90, "sealed": 1.0}, {"clear": 0.80, "sealed": 1.0}, {"clear": 4.40, "sealed": 4.0}]
    found = figures("texts", 100, turns)
    assert (found.deliveries, found.cost, found.good) == (300, 0.1, True)
    assert found.cost_quartiles == (0.0, 0.15)
    assert (found.clear_ms, found.sealed_ms) == (20.333, 20.0)
    assert found.cost_interval == (-0.1, 0.2)
    assert not figures("texts", 100, turns[1:2] * 3).good


async def test_what_is_lost_or_comes_twice_is_seen() -> None:
    books = Books()
    done = books.expect("mark", ["ada", "ben"])
    books.expunged("ada", "mark")
    assert not done.is_set()
    with pytest.raises(Missing, match="1 were lost and 0 came twice"):
        books.check()
    books.expunged("ben", "mark")
    assert done.is_set()
    books.check()
    books.expunged("ben", "mark")
    with pytest.raises(Missing, match="0 were lost and 1 came twice"):
        books.check()
