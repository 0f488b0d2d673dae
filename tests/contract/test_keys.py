"""Remembered keys of other relays: the first counts until it is replaced."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from angarium.reach.trust import Known, Trust

if TYPE_CHECKING:
    from angarium.store.outbound import Keys
    from tests.contract.conftest import World

Durable = tuple["World", Callable[[], Awaitable[None]]]

ONE, OTHER = b"\1" * 32, b"\2" * 32


async def test_the_first_key_counts(world: "World") -> None:
    keys: Keys = world.store.keys
    assert await keys.get("192.0.2.7") is None
    assert await keys.all() == {}
    await keys.put("192.0.2.7", ONE)
    await keys.put("192.0.2.7", OTHER)
    await keys.put("_relay.example", OTHER)
    assert await keys.get("192.0.2.7") == ONE
    assert await keys.all() == {"192.0.2.7": ONE, "_relay.example": OTHER}


async def test_of_two_at_once_the_first_counts(world: "World") -> None:
    keys = world.store.keys
    await asyncio.gather(*(keys.put("192.0.2.7", bytes([at]) * 32) for at in range(10)))
    assert await keys.get("192.0.2.7") == bytes(32)


async def test_another_key_is_accepted_or_none(world: "World") -> None:
    keys = world.store.keys
    await keys.put("192.0.2.7", ONE)
    await keys.replace("192.0.2.7", OTHER)
    await keys.replace("_new.example", ONE)
    assert await keys.all() == {"192.0.2.7": OTHER, "_new.example": ONE}
    await keys.replace("192.0.2.7", None)
    await keys.replace("192.0.2.7", None)
    assert await keys.get("192.0.2.7") is None
    await keys.put("192.0.2.7", ONE)
    assert await keys.get("192.0.2.7") == ONE


async def test_a_destination_as_long_as_can_be(world: "World") -> None:
    long = ".".join(["x" * 63] * 4)[:253]
    await world.store.keys.put(long, ONE)
    assert await world.store.keys.all() == {long: ONE}


async def test_they_last_across_restarts(durable: Durable) -> None:
    world, reopen = durable
    await world.store.keys.put("192.0.2.7", ONE)
    await reopen()
    assert await world.store.keys.all() == {"192.0.2.7": ONE}


async def test_they_are_what_trust_asks_for(world: "World") -> None:
    known: Known = world.store.keys
    assert Trust(known)._known is known
