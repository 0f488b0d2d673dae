"""One timer for all: nobody is told too early or much too late, and nobody who does not want to be told."""

import asyncio

import pytest

from angarium.reach.deadlines import FINE, NEAR_SECONDS, Deadlines, deadlines_of


class Waiting:
    """Remembers when it was told."""

    def __init__(self) -> None:
        self.told: list[float] = []

    def ring(self) -> None:
        self.told.append(asyncio.get_running_loop().time())


async def test_everybody_is_told_once_and_not_before_the_time() -> None:
    loop = asyncio.get_running_loop()
    deadlines = deadlines_of(loop)
    assert deadlines_of(loop) is deadlines
    now = loop.time()
    waiting = {now + seconds / 1000: Waiting() for seconds in (150, 5, 60, 61, 0, 100)}
    for when, one in waiting.items():
        assert when <= deadlines.add(when, one) < when + 1.01 / FINE
    async with asyncio.timeout(10):
        while not all(one.told for one in waiting.values()):
            await asyncio.sleep(0.01)
    for when, one in waiting.items():
        (told,) = one.told
        assert told >= when


async def test_who_does_not_want_to_be_told_any_more_is_not() -> None:
    loop = asyncio.get_running_loop()
    deadlines = deadlines_of(loop)
    stays, goes = Waiting(), Waiting()
    when = loop.time() + 0.03
    moment = deadlines.add(when, goes)
    assert deadlines.add(when, stays) == moment
    deadlines.remove(moment, goes)
    deadlines.remove(moment, goes)
    async with asyncio.timeout(10):
        while not stays.told:
            await asyncio.sleep(0.01)
    assert not goes.told
    deadlines.remove(moment, stays)  # long over


async def test_far_deadlines_share_a_second_and_one_timer() -> None:
    loop = asyncio.get_running_loop()
    deadlines = deadlines_of(loop)
    when = loop.time() + 10 * NEAR_SECONDS
    many = [Waiting() for _ in range(1000)]
    moments = {deadlines.add(when + number / 1000, one): one for number, one in enumerate(many)}
    assert len(moments) <= 3
    assert all(moment == int(moment) for moment in moments)
    soon = Waiting()
    deadlines.add(loop.time() + 0.01, soon)
    async with asyncio.timeout(10):
        while not soon.told:
            await asyncio.sleep(0.01)
    assert not any(one.told for one in many)


async def test_who_is_told_may_ask_again() -> None:
    loop = asyncio.get_running_loop()
    deadlines = deadlines_of(loop)

    class Again(Waiting):
        def ring(self) -> None:
            super().ring()
            if len(self.told) < 3:
                deadlines.add(loop.time() + 0.02, self)

    again = Again()
    deadlines.add(loop.time() + 0.02, again)
    async with asyncio.timeout(10):
        while len(again.told) < 3:
            await asyncio.sleep(0.01)


def test_the_loop_is_not_kept_busy_until_the_moment_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvloop rings some tenths of a millisecond early: to ask it again at once was thousands of turns a second."""
    rung = 0
    ring = Deadlines._ring

    def counted(deadlines: Deadlines) -> None:
        nonlocal rung
        rung += 1
        ring(deadlines)

    monkeypatch.setattr(Deadlines, "_ring", counted)

    async def wait() -> None:
        loop = asyncio.get_running_loop()
        one = Waiting()
        for number in range(1, 11):
            deadlines_of(loop).add(loop.time() + number / FINE, one)
        async with asyncio.timeout(10):
            while len(one.told) < 10:
                await asyncio.sleep(0.01)

    pytest.importorskip("uvloop").run(wait())
    assert rung <= 20
