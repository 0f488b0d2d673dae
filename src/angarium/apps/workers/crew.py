"""The first process's side: starts the others, starts again who dies, and passes on what each has to hear.

The first process keeps all that there may be only one of: the queue for other relays, the doors they come in by, pages,
pushes, retention, the calendar, the certificate, the keeper's socket. Workers serve people: IMAP and submission.

What is promised:

* News of a commit reach every process, or everybody there looks anew. So too when a worker dies, who may have committed
  something that nobody was told of.
* An account that was deleted, or emptied by its duress password, is forgotten everywhere, and its sessions are being
  cut off, before `forget` returns: a worker that does not answer is killed, which makes it forget too.
* No worker outlives the first process, however that ends (`worker.die_with_parent`), and each holds the data directory
  with it: nobody else gets that before the last of them is gone.

A worker has its own sockets at the people's doors, which are kept open here. While it is not there, who comes to them
is let in here.
"""

import asyncio
import itertools
import logging
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from angarium.apps.harden import Hardened
from angarium.apps.workers.messages import (
    Answer,
    Attempted,
    Await,
    Begin,
    Committed,
    Connections,
    Count,
    Counted,
    Day,
    Delivered,
    Done,
    Forget,
    Kinds,
    Missed,
    Open,
    Post,
    Posted,
    Ready,
    Refused,
    Stop,
    Trouble,
    packed,
    unpacked,
)
from angarium.edge.link import Link, LinkLost
from angarium.edge.listener import Door, Listener
from angarium.mail.delivery import FIRST_SECONDS
from angarium.mail.federation.queue import Queue, QueueFull
from angarium.mail.verdict import Verdict
from angarium.store.interfaces import StoreError, StoreFull
from angarium.store.rows import News
from angarium.store.store import Store

__all__ = ["DOORS", "Crew", "Rooms"]

log = logging.getLogger("angarium.apps.workers")

DOORS = ("imaps", "imap", "submissions", "submission")
"""Those that workers listen at."""
START_SECONDS = 30.0
"""What workers have to be ready before the relay says that it is up; they may be later."""
PAUSE_SECONDS, LONGEST_SECONDS = 1.0, 32.0
"""Before a worker that died is started again; where it dies again at once, twice as long each time, up to this."""
QUIET_SECONDS = 60.0
"""How long none may die until it is worth another complaint."""
FORGET_SECONDS = 2.0
"""What a worker has to forget an account, before it is killed."""
WATCH_SECONDS = 10.0
"""Between two looks whether a worker still answers,"""
HANG_SECONDS = 15.0
"""and what it has for it, twice: when a machine was paused, time has gone by for which it cannot be blamed."""
COUNT_SECONDS = 1.0
"""What a worker has to say how many connections it has."""
STOP_SECONDS = 5.0
"""What a worker has to say goodbye to everybody, before it is killed."""
DAY_SECONDS = 5.0
"""Between two looks whether it is another day."""
COMMAND = (sys.executable, "-P", "-m", "angarium.apps.workers.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What the first process has, and workers ask for."""

    begin: Callable[[list[tuple[str, str, int, bool, int]]], Begin]
    """What a worker has to know, given its doors."""
    store: Store
    queue: Queue
    listener: Listener
    forget: Callable[[str], None]
    """Has this process forget a login."""
    counted: Callable[[bytes], None]
    """Somebody's message was counted elsewhere."""
    delivered: Callable[[Sequence[str]], None]
    trouble: Callable[[str], None]
    days: Callable[[], tuple[int, int]]
    """Today, and the day to delete by."""


@dataclass(slots=True, eq=False)
class _Worker:
    """One of them: its sockets, and its process of the moment."""

    sockets: list[tuple[Door, socket.socket]]
    process: subprocess.Popen[bytes] | None = None
    link: Link | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    hardened: Hardened | None = None
    hearings: dict[int, asyncio.Task[Verdict]] = field(default_factory=dict)


class Crew:
    """See the file's head."""

    def __init__(self, rooms: Rooms, descriptor: int, count: int) -> None:
        """`descriptor`: of the file that holds the directory. `count`: how many workers there are beside this process.

        Raises:
            CannotListen: this system cannot share ports.
        """
        self._rooms = rooms
        self._descriptor = descriptor
        self._workers: list[_Worker] = []
        self._numbers = itertools.count(1)
        self._complained = -QUIET_SECONDS
        self._running: asyncio.TaskGroup | None = None
        try:
            for _ in range(count):
                self._workers.append(_Worker(rooms.listener.share(DOORS)))
        except BaseException:
            self.close()
            raise
        rooms.store.hub.elsewhere = self._publish

    async def run(self) -> None:
        """Keep workers running until cancelled; then let them say goodbye, and have ended on return."""
        try:
            async with asyncio.TaskGroup() as running:
                self._running = running
                for worker in self._workers:
                    running.create_task(self._keep(worker))
                    running.create_task(self._watch(worker))
                running.create_task(self._watch_days())
        finally:
            self._running = None
            self._rooms.store.hub.elsewhere = None
            self.close()

    def close(self) -> None:
        """Let go of the workers' sockets."""
        for worker in self._workers:
            for _, listening in worker.sockets:
                listening.close()

    async def ready(self) -> None:
        """Return when all workers have begun, or have had the time for it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                for worker in self._workers:
                    await worker.ready.wait()

    # What the rooms of the first process ask

    async def forget(self, name: str) -> None:
        """Have all workers forget the logins to an account. Returns when that is so."""
        await self._forget(name, self._workers)

    def counted(self, account: bytes) -> None:
        """A message of this account was counted here."""
        self._mention(Counted(account), self._workers)

    async def connections(self) -> int:
        """How many connections all processes hold; those of a worker that does not answer are not among them."""
        counts = await asyncio.gather(*map(self._count, self._workers))
        return self._rooms.listener.connections + sum(counts)

    def hardened(self, first: Hardened) -> Hardened:
        """What holds for the first process, and for all workers."""
        others = [worker.hardened for worker in self._workers if worker.hardened is not None]
        return Hardened(*(all(getattr(each, name) for each in (first, *others)) for name in Hardened.__struct_fields__))

    # A worker's life

    async def _keep(self, worker: _Worker) -> None:
        clock, pause = asyncio.get_running_loop().time, 0.0
        while True:
            standing_in = asyncio.create_task(self._rooms.listener.stand_in(worker.sockets))
            try:
                await asyncio.sleep(pause)
                began = clock()
                await self._live(worker, standing_in)
            except OSError as error:
                log.error("no worker can be started: %s", error.strerror)
            finally:
                standing_in.cancel()
            self._complain()
            await self._look_anew(self._workers)
            pause = (
                PAUSE_SECONDS if clock() - began > QUIET_SECONDS else min(2 * pause, LONGEST_SECONDS) or PAUSE_SECONDS
            )

    async def _watch(self, worker: _Worker) -> None:
        """Kill it if it hangs: it may have the right to write, which all others wait for."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            link, process = worker.link, worker.process
            if link is None or process is None or not worker.ready.is_set():
                continue
            asked = asyncio.create_task(link.ask(Count()))
            for _ in range(2):
                await asyncio.wait((asked,), timeout=HANG_SECONDS)
            if not asked.cancel():
                with suppress(LinkLost):
                    asked.result()
            else:
                await self._kill(link, process)

    async def _kill(self, link: Link, process: "subprocess.Popen[bytes]") -> None:
        log.error("a worker did not answer, and is killed")
        process.kill()
        await link.lost()

    def _complain(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._complained >= QUIET_SECONDS:
            log.error("a worker has ended, and is started again")
        self._complained = now

    async def _live(self, worker: _Worker, standing_in: asyncio.Task[None]) -> None:
        """One process, from its start to its end."""
        mine, theirs = socket.socketpair()
        try:
            with theirs:
                worker.process = self._started(worker, theirs)
        except OSError:
            mine.close()
            raise
        try:
            worker.link = link = await Link.open(
                mine,
                Kinds,
                hear=lambda message: self._hear(worker, message),
                answer=lambda message: self._answer(worker, standing_in, message),
                missed=Missed(),
            )
            link.insist(
                self._rooms.begin(
                    [(door.name, door.address, door.port, door.tls, one.fileno()) for door, one in worker.sockets]
                )
            )
            try:
                await link.lost()
            except asyncio.CancelledError:
                link.insist(Stop())
                with suppress(TimeoutError):
                    async with asyncio.timeout(STOP_SECONDS):
                        await link.lost()
                raise
            finally:
                worker.link = None
                await link.close()
        finally:
            worker.ready.clear()
            worker.hardened = None
            worker.process.kill()
            await asyncio.to_thread(worker.process.wait)
            for hearing in worker.hearings.values():
                hearing.cancel()
            worker.hearings.clear()

    def _started(self, worker: _Worker, end: socket.socket) -> "subprocess.Popen[bytes]":
        inherited = (end.fileno(), self._descriptor, *(one.fileno() for _, one in worker.sockets))
        return subprocess.Popen(  # noqa: S603 (ours)
            (*COMMAND, str(end.fileno())), pass_fds=inherited, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    # What workers say

    def _hear(self, worker: _Worker, message: object) -> None:
        others = [each for each in self._workers if each is not worker]
        match message:
            case Committed(news):
                self._pass_on(message, others)
                self._rooms.store.hub.hear(unpacked(news))
            case Counted(account):
                self._mention(message, others)
                self._rooms.counted(account)
            case Delivered(names):
                self._rooms.delivered(names)
            case Trouble(text):
                self._rooms.trouble(text)
            case Missed():
                if self._running is not None:
                    self._running.create_task(self._look_anew(others))

    async def _answer(self, worker: _Worker, standing_in: asyncio.Task[None], message: object) -> Answer | Open:
        match message:
            case Ready(hardened):
                worker.hardened = hardened
                worker.ready.set()
                standing_in.cancel()
                return Open(*self._rooms.days())
            case Forget(name):
                self._rooms.forget(name)
                await self._forget(name, [each for each in self._workers if each is not worker])
                return Done()
            case Post():
                return await self._post(worker, message)
            case Await(number):
                return Attempted(await worker.hearings.pop(number))
            case _:
                raise ValueError("no such question")

    async def _post(self, worker: _Worker, post: Post) -> Posted | Refused:
        try:
            hearing = await self._rooms.queue.add(post.dispatch, post.letters, hear=post.hear)
        except QueueFull:
            return Refused("queue", "")
        except StoreFull as error:
            return Refused("full", str(error))
        except StoreError as error:
            return Refused("store", str(error))
        if hearing is None:
            return Posted(0)
        number = next(self._numbers)
        worker.hearings[number] = heard = asyncio.create_task(hearing.verdict(FIRST_SECONDS))
        heard.add_done_callback(lambda _: hearing.end())
        return Posted(number)

    # What all hear

    def _publish(self, news: News) -> None:
        self._pass_on(Committed(packed(news)), self._workers)

    def _pass_on(self, news: Committed, workers: Iterable[_Worker]) -> None:
        for worker in workers:
            if worker.link is not None:
                (worker.link.insist if news.of_an_end else worker.link.tell)(news)

    def _mention(self, message: object, workers: Iterable[_Worker]) -> None:
        for worker in workers:
            if worker.link is not None:
                worker.link.mention(message)

    async def _look_anew(self, workers: Iterable[_Worker]) -> None:
        for worker in workers:
            if worker.link is not None:
                worker.link.insist(Missed())
        with suppress(StoreError):  # the disk fails, and says so elsewhere
            await self._rooms.store.changes.missed()

    async def _forget(self, name: str, workers: Iterable[_Worker]) -> None:
        await asyncio.gather(*(self._forget_at(worker, name) for worker in workers))

    async def _forget_at(self, worker: _Worker, name: str) -> None:
        link, process = worker.link, worker.process
        if link is None or process is None or not worker.ready.is_set():  # nobody has logged in there
            return
        try:
            async with asyncio.timeout(FORGET_SECONDS):
                await link.ask(Forget(name))
        except TimeoutError:
            await self._kill(link, process)
        except LinkLost:
            pass

    async def _count(self, worker: _Worker) -> int:
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                answer = await worker.link.ask(Count()) if worker.link is not None and worker.ready.is_set() else None
        except (TimeoutError, LinkLost):
            return 0
        return answer.count if isinstance(answer, Connections) else 0

    async def _watch_days(self) -> None:
        told = self._rooms.days()
        while True:
            await asyncio.sleep(DAY_SECONDS)
            if (days := self._rooms.days()) != told:
                told = days
                for worker in self._workers:
                    if worker.link is not None:
                        worker.link.insist(Day(*days))
