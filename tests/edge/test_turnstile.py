"""So many at once, in turn, and nobody who dawdles keeps the others out."""

import asyncio
from collections.abc import Callable
from time import thread_time

from angarium.edge.turnstile import AT_ONCE, Turnstile


async def test_no_more_than_so_many_are_inside_and_all_get_their_turn() -> None:
    turnstile = Turnstile(3, 60)
    inside = most = done = 0

    async def come() -> None:
        nonlocal inside, most, done
        async with turnstile.place():
            inside += 1
            most = max(most, inside)
            for _ in range(3):
                await asyncio.sleep(0)
            inside -= 1
        done += 1

    await asyncio.gather(*(come() for _ in range(50)))
    assert (most, done) == (3, 50)


async def test_the_place_of_one_who_dawdles_is_given_away_once() -> None:
    turnstile = Turnstile(1, 0.02)
    going = asyncio.Event()

    async def dawdle() -> None:
        async with turnstile.place():
            await going.wait()

    dawdling = asyncio.ensure_future(dawdle())
    await asyncio.sleep(0)
    async with asyncio.timeout(5), turnstile.place():
        going.set()
        await dawdling  # leaves without giving back a place a second time
        next_one = asyncio.ensure_future(turnstile.place().__aenter__())
        await asyncio.sleep(0)
        assert not next_one.done()
    await asyncio.wait_for(next_one, 5)


async def test_one_who_is_cancelled_leaves_the_place_to_others() -> None:
    turnstile = Turnstile(1, 60)
    holding, waiting = (asyncio.ensure_future(hold(turnstile)) for _ in range(2))
    await asyncio.sleep(0)
    waiting.cancel()
    holding.cancel()
    await asyncio.wait([holding, waiting])
    async with asyncio.timeout(5), turnstile.place():
        pass


async def hold(turnstile: Turnstile) -> None:
    async with turnstile.place():
        await asyncio.Event().wait()


async def test_few_begin_in_each_turn_of_the_loop_and_in_their_order() -> None:
    turnstile = Turnstile(1000, 60)
    turnstile._window.places = 1000
    begun: list[int] = []

    async def come(number: int) -> None:
        async with turnstile.place():
            begun.append(number)

    coming = [asyncio.ensure_future(come(number)) for number in range(30)]
    coming[AT_ONCE + 1].cancel()  # before it began
    await asyncio.sleep(0)
    coming[AT_ONCE + 2].cancel()  # while it waits
    many = []
    while not all(one.done() for one in coming):
        before = len(begun)
        await asyncio.sleep(0)
        many.append(len(begun) - before)
    assert max(many) == AT_ONCE
    assert begun == [number for number in range(30) if number not in {AT_ONCE + 1, AT_ONCE + 2}]
    async with asyncio.timeout(5), turnstile.place():
        pass


async def test_while_the_loop_is_late_fewer_are_let_in_and_more_when_it_is_not() -> None:
    turnstile = Turnstile(1000, 60)
    leaving = asyncio.Event()
    places: list[int] = []

    async def come() -> None:
        async with turnstile.place():
            await leaving.wait()

    coming = [asyncio.ensure_future(come()) for _ in range(200)]

    async def until(true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():
                await asyncio.sleep(0.001)

    await until(lambda: turnstile._window.places > 100)
    places.append(turnstile._window.places)
    async with asyncio.timeout(10):
        while turnstile._window.places >= places[0]:
            began = thread_time()
            while thread_time() - began < 0.03:
                pass
            await asyncio.sleep(0)
    leaving.set()
    async with asyncio.timeout(10):
        await asyncio.gather(*coming)
    await until(lambda: not turnstile._measuring)  # nobody waits, and nothing is measured


async def test_who_does_not_want_to_wait_takes_a_place_only_where_one_is_free() -> None:
    turnstile = Turnstile(1, 60)
    place = turnstile.take()
    assert place is not None
    assert turnstile.take() is None
    waiting = asyncio.ensure_future(hold(turnstile))
    await asyncio.sleep(0)
    place.leave()
    assert turnstile.take() is None, "somebody was there before"
    waiting.cancel()
    await asyncio.wait([waiting])
    assert turnstile.take() is not None


async def test_a_place_taken_is_given_away_after_its_time_and_once() -> None:
    turnstile = Turnstile(1, 0.02)
    place = turnstile.take()
    assert place is not None
    place.hold()
    async with asyncio.timeout(5), turnstile.place():
        place.leave()
        assert turnstile.take() is None


async def test_no_more_than_so_many_take_a_place_in_one_turn() -> None:
    turnstile = Turnstile(100, 60)
    taken = [turnstile.take() for _ in range(AT_ONCE + 1)]
    assert [place is not None for place in taken] == [True] * AT_ONCE + [False]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert turnstile.take() is not None
