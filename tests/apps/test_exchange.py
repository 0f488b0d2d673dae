"""What keeps mail that is fetched from being lost where the store fails at the start."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

from angarium.apps import exchange as module
from angarium.apps.config import Config
from angarium.apps.exchange import Days, Exchange
from angarium.apps.home import Home
from angarium.reach.resolver import Resolver
from angarium.reach.trust import Trust
from angarium.store.interfaces import StoreError
from angarium.store.seal import Clear
from angarium.store.store import open_memory
from angarium.wire.card import Agreement, Box, Card


async def test_nothing_is_fetched_before_the_cards_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "relay")
    home.make({})
    store = open_memory(Clear(bytes(32)))
    days = Days(lambda: 20_000, lambda: 20_000)
    one = Exchange(Config(), home, store, Resolver([]), Trust(store.keys), days)
    await one.cards.add(Card("far.example", bytes(range(32))))
    await one.collectors.add(Agreement("near.example", Box("127.0.0.1", 1, bytes(16), bytes(32)), bytes(32)))
    again = Exchange(Config(), home, store, Resolver([]), Trust(store.keys), days)
    nothing: Any = None
    fails = True
    everything = store.papers.all

    async def papers(kind: str) -> dict[str, bytes]:
        if fails and kind == "card":
            raise StoreError("the disk fails")
        return await everything(kind)

    monkeypatch.setattr(store.papers, "all", papers)
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    running = asyncio.create_task(again.run(nothing, nothing, nothing, lambda: "near.example"))
    await asyncio.sleep(0.1)
    assert again.collectors.all() == {}
    fails = False
    async with asyncio.timeout(10):
        while not again.collectors.problem("127.0.0.1:1"):
            await asyncio.sleep(0.01)
    assert again.cards.of("far.example") is not None
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await store.close()
