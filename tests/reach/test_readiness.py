"""Waiting for a socket: what is watched, how often the kernel is asked, and what no wait may outlast."""

import asyncio
import select
import socket
from collections.abc import Iterator

import pytest

from angarium.reach import watch
from angarium.reach.readiness import Readiness

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def sockets() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture(params=["epoll", "of the loop"])
def ready(request: pytest.FixtureRequest, sockets: Pair, monkeypatch: pytest.MonkeyPatch) -> "Ready":
    if request.param == "of the loop":
        monkeypatch.delattr("select.epoll")
    return Ready(sockets[0].fileno())


class Ready:
    """A readiness that is made where a loop runs, and counts what is asked of its watch."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.asked: list[int] = []

    def begin(self) -> Readiness:
        made = Readiness(self._fd)
        watching = made._watch

        class Counting:
            def change(_, fd: int, before: int, now: int, told: watch.Told) -> None:  # noqa: N805
                self.asked.append(now)
                watching.change(fd, before, now, told)

        made._watch = Counting()
        return made


async def test_one_wait_after_the_other_asks_the_kernel_once(ready: Ready, sockets: Pair) -> None:
    ours, theirs = sockets
    begun = ready.begin()
    for _ in range(20):
        theirs.send(b"x")
        async with asyncio.timeout(5):
            await begun.reading.wait(None)
        assert ours.recv(10) == b"x"
    if hasattr(select, "epoll"):
        assert ready.asked == [watch.READABLE]
        begun.stop()
        assert ready.asked == [watch.READABLE, 0]
    begun.stop()


async def test_what_nobody_waits_for_is_told_once_and_not_lost(ready: Ready, sockets: Pair) -> None:
    _, theirs = sockets
    begun = ready.begin()
    theirs.send(b"x")
    await begun.reading.wait(None)
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert ready.asked == [watch.READABLE, 0], "the loop rests, although a byte lies there"
    async with asyncio.timeout(5):
        await begun.reading.wait(None)
    begun.stop()


async def test_there_is_nearly_always_room_and_the_loop_rests(ready: Ready) -> None:
    begun = ready.begin()
    async with asyncio.timeout(5):
        await begun.writing.wait(None)
    assert ready.asked == [watch.WRITABLE, 0]
    begun.stop()


async def test_each_of_several_who_wait_has_a_deadline_of_its_own(ready: Ready, sockets: Pair) -> None:
    begun = ready.begin()
    now = begun.loop.time
    began = now()
    results = await asyncio.gather(
        *(begun.reading.wait(began + seconds) for seconds in (0.3, 0.05, 0.15)), return_exceptions=True
    )
    assert all(isinstance(result, TimeoutError) for result in results)
    assert 0.29 < now() - began < 2

    long = asyncio.ensure_future(begun.reading.wait(now() + 60))
    with pytest.raises(TimeoutError):
        await begun.reading.wait(now() + 0.05)
    assert not long.done()
    sockets[1].send(b"x")
    async with asyncio.timeout(5):
        await long
    begun.stop()


async def test_a_timer_that_is_left_running_hurts_nobody_who_waits_later(ready: Ready, sockets: Pair) -> None:
    begun = ready.begin()
    now = begun.loop.time
    sockets[1].send(b"x")
    await begun.reading.wait(now() + 0.05)
    sockets[0].recv(1)
    began = now()

    async def wait() -> None:
        while True:  # it may be woken in vain
            await begun.reading.wait(began + 0.2)

    with pytest.raises(TimeoutError):
        await wait()
    assert now() - began >= 0.199, "it rang at the deadline of the one before"
    begun.stop()


async def test_who_waits_when_it_stops_looks_again_and_nobody_waits_afterwards(ready: Ready) -> None:
    begun = ready.begin()
    waiting = asyncio.ensure_future(begun.reading.wait(None))
    begun.stop()
    begun.stop()
    async with asyncio.timeout(5):
        await waiting
    with pytest.raises(ConnectionAbortedError):
        begun.reading.wait(None)


async def test_an_end_is_told_to_both_directions_and_does_not_keep_the_loop_busy(ready: Ready, sockets: Pair) -> None:
    begun = ready.begin()
    sockets[1].close()
    async with asyncio.timeout(5):
        await begun.reading.wait(None)
    assert sockets[0].recv(1) == b""
    before = len(ready.asked)
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert len(ready.asked) <= before + 1
    begun.stop()


async def test_a_number_that_is_used_again_is_the_next_ones(sockets: Pair) -> None:
    """The kernel gives the next socket the number of the last one that was closed."""
    begun = Readiness(sockets[0].fileno())
    waiting = asyncio.ensure_future(begun.reading.wait(None))
    begun.stop()
    await waiting
    number = sockets[0].fileno()
    sockets[0].close()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert ours.fileno() == number
        again = Readiness(number)
        theirs.send(b"x")
        async with asyncio.timeout(5):
            await again.reading.wait(None)
        begun.stop()
        assert ours.recv(1) == b"x"
        again.stop()


class Told:
    """Waits as something else than a future."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def done(self) -> bool:
        return False

    def set_result(self, result: None, /) -> None:
        self.heard.append("look")

    def set_exception(self, error: TimeoutError, /) -> None:
        self.heard.append(type(error).__name__)


async def test_whoever_is_no_future_is_told_too_once_for_each_wait(ready: Ready, sockets: Pair) -> None:
    ours, theirs = sockets
    begun, told = ready.begin(), Told()
    for heard in (["look"], ["look", "look"]):
        begun.reading.tell(told, None)
        theirs.send(b"x")
        async with asyncio.timeout(5):
            while told.heard != heard:
                await asyncio.sleep(0.005)
        assert ours.recv(10) == b"x"
    begun.reading.tell(told, asyncio.get_running_loop().time() + 0.05)
    async with asyncio.timeout(5):
        while told.heard[2:] != ["TimeoutError"]:
            await asyncio.sleep(0.005)
    begun.stop()
    with pytest.raises(ConnectionAbortedError):
        begun.reading.tell(told, None)


async def test_who_waited_goes_on_in_the_turn_in_which_the_kernel_tells(
    ready: Ready, sockets: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = sockets
    went_on: list[bytes] = []
    by_then: list[bytes] = []
    tell = Readiness.tell

    def told(one: Readiness, events: int) -> None:
        tell(one, events)
        by_then.extend(went_on[len(by_then) :])

    async def wait() -> None:
        begun = ready.begin()
        while True:
            await begun.reading.wait(None)
            went_on.append(ours.recv(10))

    monkeypatch.setattr(Readiness, "tell", told)
    waiting = asyncio.create_task(wait())
    for word in (b"one", b"two", b"three"):
        theirs.send(word)
        async with asyncio.timeout(5):
            while went_on[-1:] != [word]:
                await asyncio.sleep(0)
        assert by_then[-1:] == [word]
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()


async def test_where_a_task_is_at_work_who_waited_goes_on_in_the_next_turn(ready: Ready, sockets: Pair) -> None:
    begun = ready.begin()
    done: list[bool] = []

    async def wait() -> None:
        await begun.reading.wait(None)
        done.append(True)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    begun.tell(watch.READABLE)
    assert not done
    async with asyncio.timeout(5):
        await waiting


async def test_who_is_cancelled_before_the_news_is_cancelled(ready: Ready, sockets: Pair) -> None:
    begun = ready.begin()

    async def wait() -> None:
        await begun.reading.wait(None)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    asyncio.get_running_loop().call_soon(begun.tell, watch.READABLE)
    await asyncio.wait([waiting])
    assert waiting.cancelled()


async def test_all_who_await_one_wait_go_on(ready: Ready, sockets: Pair) -> None:
    begun = ready.begin()
    wait = begun.reading.wait(None)

    async def one() -> None:
        await wait

    waiting = [asyncio.create_task(one()) for _ in range(3)]
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(begun.tell, watch.READABLE)
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)
