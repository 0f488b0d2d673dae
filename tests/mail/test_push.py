"""Push, against a notification service on loopback."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from angarium.mail import push as module
from angarium.mail import settings
from angarium.mail.push import Push
from angarium.store.interfaces import Owner
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory


class Service:
    """Answers each token with its next status, then with 200; lets tests wait for what arrives."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.answers: dict[str, list[int]] = {}
        self.url = ""
        self._arrived = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        token = (await reader.readexactly(length)).decode()
        answers = self.answers.get(token)
        status = answers.pop(0) if answers else 200
        if status:
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
        writer.close()
        async with self._arrived:
            self.tokens.append(token)
            self._arrived.notify_all()

    async def heard(self, count: int) -> Counter[str]:
        """Wait until so many requests have come, and say what they were."""
        async with asyncio.timeout(20), self._arrived:
            await self._arrived.wait_for(lambda: len(self.tokens) >= count)
        return Counter(self.tokens)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/notify"
    async with server:
        yield service


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = open_memory(Clear(bytes(32)))
    yield store
    await store.close()


@pytest.fixture
async def alice(store: Store) -> Owner:
    alice = await store.accounts.create("alice", "password", day=1)
    await store.tokens.add(alice, "phone")
    await store.tokens.add(alice, "tablet")
    return alice


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 0.02)


@pytest.fixture
async def started() -> AsyncIterator[Callable[[Push], None]]:
    running: list[asyncio.Task[None]] = []
    yield lambda push: running.append(asyncio.create_task(push.run()))
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


Start = Callable[[Push], None]


async def test_every_phone_of_a_name_is_notified(service: Service, store: Store, alice: Owner, started: Start) -> None:
    push = Push(settings.Push(url=service.url), store.tokens)
    started(push)
    push.notify(["nobody", "alice"])
    assert await service.heard(2) == {"phone": 1, "tablet": 1}
    push.notify(["alice"])
    assert await service.heard(4) == {"phone": 2, "tablet": 2}


async def test_what_arrives_before_it_runs_waits_once(
    service: Service, store: Store, alice: Owner, started: Start
) -> None:
    push = Push(settings.Push(url=service.url), store.tokens)
    for _ in range(5):
        push.notify(["alice", "alice"])
    started(push)
    assert await service.heard(2) == {"phone": 1, "tablet": 1}


async def test_a_token_that_is_gone_is_dropped(
    service: Service, store: Store, alice: Owner, started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = asyncio.Event()
    drop = store.tokens.drop

    async def noted(name: str, token: str) -> None:
        await drop(name, token)
        dropped.set()

    monkeypatch.setattr(store.tokens, "drop", noted)
    service.answers["phone"] = [410]
    push = Push(settings.Push(url=service.url), store.tokens)
    started(push)
    push.notify(["alice"])
    async with asyncio.timeout(20):
        await dropped.wait()
    assert await store.tokens.of("alice") == ["tablet"]


@pytest.mark.usefixtures("quick")
async def test_a_service_that_fails_is_tried_again(
    service: Service, store: Store, alice: Owner, started: Start
) -> None:
    service.answers = {"phone": [500, 0, 429], "tablet": [503]}
    push = Push(settings.Push(url=service.url), store.tokens)
    started(push)
    push.notify(["alice"])
    assert await service.heard(6) == {"phone": 4, "tablet": 2}
    assert await store.tokens.of("alice") == ["phone", "tablet"]


@pytest.mark.usefixtures("quick")
async def test_a_refused_token_is_not_tried_again(
    service: Service, store: Store, alice: Owner, started: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service.answers = {"phone": [400], "tablet": [500]}
    push = Push(settings.Push(url=service.url), store.tokens)
    started(push)
    push.notify(["alice"])
    assert await service.heard(3) == {"phone": 1, "tablet": 2}
    push.notify(["alice"])
    assert await service.heard(5) == {"phone": 2, "tablet": 3}
    assert not any(word in caplog.text for word in ("alice", "phone", "tablet"))


async def test_after_a_time_it_is_given_up(store: Store, alice: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five hours in no time: a loop clock that the pauses push forward."""
    tries: list[float] = []
    clock = [0.0]
    monkeypatch.setattr(module, "_now", lambda: clock[0])

    async def unreachable(url: str, body: bytes) -> int:
        tries.append(clock[0])
        raise ConnectionError

    push = Push(settings.Push(url="https://push.example/"), store.tokens, send=unreachable)
    await store.tokens.drop("alice", "tablet")
    push.notify(["alice"])
    await push._look_up()
    while push._wakes:
        wake = push._wakes.pop()
        clock[0] = wake.due
        await push._try(wake)
    pauses = [later - sooner for sooner, later in pairwise(tries)]
    assert 2.5 <= pauses[0] <= 7.5
    assert 4 * 3600 < tries[-1] <= 5 * 3600
    assert max(pauses) <= 1.5 * module.LONGEST_PAUSE_SECONDS
    assert len(tries) < 100
    assert push._pending == set()


async def test_what_waits_is_bounded(store: Store, alice: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 3)
    push = Push(settings.Push(url="https://push.example/"), store.tokens)
    push.notify(["a", "b", "alice", "c", "d"])
    assert list(push._names) == ["a", "b", "alice"]
    for at in range(5):
        await store.tokens.add(alice, f"more{at}")
    await push._look_up()
    assert len(push._wakes) == 3


async def test_without_a_service_nothing_happens(store: Store, alice: Owner) -> None:
    push = Push(settings.Push(), store.tokens)
    assert not push.enabled
    push.notify(["alice"])
    assert push._names == {}
    await push.run()
