"""Whether everybody refuses a message while its submitter waits."""

import asyncio

from angarium.mail.federation.hearing import Hearing
from angarium.mail.verdict import ACCEPTED, Verdict
from tests.mail.federation.fast import World, fast, now

NO, NEITHER = Verdict.reject(550, "5.1.1", "no"), Verdict.reject(550, "5.7.1", "neither")


@fast
async def test_all_refuse(world: World) -> None:
    hearing = Hearing(2)
    first = asyncio.create_task(hearing.refuse(NO))
    asking = asyncio.create_task(hearing.verdict(2))
    await asyncio.sleep(1)
    assert not first.done()
    assert await hearing.refuse(NEITHER)
    assert await first
    assert await asking is NO
    hearing.end()
    assert await hearing.verdict(2) is NO


@fast
async def test_one_does_not(world: World) -> None:
    hearing = Hearing(2)
    refusal = asyncio.create_task(hearing.refuse(NO))
    asking = asyncio.create_task(hearing.verdict(2))
    await asyncio.sleep(1)
    hearing.end()
    assert await asking is ACCEPTED
    assert not await refusal
    assert now() == 1


@fast
async def test_time_runs_out(world: World) -> None:
    hearing = Hearing(1)
    assert await hearing.verdict(2) is ACCEPTED
    assert now() == 2
    assert not await hearing.refuse(NO), "it is the queue's, and comes back as a bounce"
    assert await hearing.verdict(2) is ACCEPTED


@fast
async def test_whoever_asked_has_gone(world: World) -> None:
    hearing = Hearing(1)
    asking = asyncio.create_task(hearing.verdict(2))
    await asyncio.sleep(1)
    asking.cancel()
    await asyncio.wait([asking])
    assert not await hearing.refuse(NO)
