"""A worker: a process of the relay that serves people, and nothing else. Started by `crew`, by nobody else.

    python -P -m angarium.apps.workers.worker DESCRIPTOR

What it needs comes through the socket of that number; then it opens the store, says that it is ready, and accepts at
sockets that it has inherited. It ends when it is told to, and at once when the first process does. A signal that is for
the whole relay (Ctrl-C, or a service manager's SIGTERM to all processes) is the first process's to answer.
"""

import asyncio
import ctypes
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from angarium.apps.harden import Hardened, harden
from angarium.apps.home import Home, HomeError
from angarium.apps.last_error import LastError
from angarium.apps.people import People
from angarium.apps.signing import signing_keys
from angarium.apps.workers.messages import (
    Answer,
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
    Ready,
    Stop,
    Trouble,
    packed,
    unpacked,
)
from angarium.apps.workers.stand_ins import Days, Postbox
from angarium.edge.imap.breath import Breath
from angarium.edge.link import FULL, Link
from angarium.edge.listener import Door, Listener
from angarium.mail.accounts import Gate
from angarium.mail.delivery import Delivery
from angarium.mail.notices import Notices
from angarium.mail.signer import Signer
from angarium.reach.certificate import CertificateError, Certificates
from angarium.reach.names import Names, literal
from angarium.reach.transport import Connection
from angarium.store.directory import Hold
from angarium.store.interfaces import StoreError
from angarium.store.rows import News
from angarium.store.sealed import Sealed
from angarium.store.store import open_sqlite

__all__ = ["main"]

log = logging.getLogger("angarium.apps.workers")

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Be a worker until the end of the process."""
    die_with_parent()
    hardened = harden()  # before a key comes in
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    serving = _serve(socket.socket(fileno=int(sys.argv[1])), hardened)
    try:
        import uvloop
    except ImportError:
        asyncio.run(serving)
    else:
        uvloop.run(serving)


def die_with_parent() -> None:
    """Have the kernel kill this process when the first one ends, however that happens (prctl(2), PR_SET_PDEATHSIG).

    If it has ended already, the socket to it is closed, which is noticed a moment later.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


async def _serve(end: socket.socket, hardened: Hardened) -> None:
    line = _Line()
    link = await Link.open(end, Kinds, hear=line.hear, answer=line.answer, missed=Missed())
    ending = asyncio.create_task(_end_with(link))
    serving = asyncio.create_task(_begun(line, link, hardened))
    line.stop = serving.cancel
    await asyncio.wait((serving,))
    ending.cancel()
    await link.close()
    if not serving.cancelled():
        serving.result()


async def _end_with(link: Link) -> None:
    """End this process when the first one has ended."""
    await link.lost()
    os._exit(1)


async def _begun(line: "_Line", link: Link, hardened: Hardened) -> None:
    begin = await line.begin
    try:
        await _Worker(begin, line, link).run(hardened)
    except (CertificateError, HomeError, StoreError) as error:
        log.error("a worker cannot begin: %s", error)


class _Line:
    """What is said by the first process, and to whom it is passed."""

    def __init__(self) -> None:
        self.begin: asyncio.Future[Begin] = asyncio.get_running_loop().create_future()
        self.stop: Callable[[], object] = lambda: None
        self.worker: _Worker | None = None

    def hear(self, message: object) -> None:
        """Take what is told."""
        if isinstance(message, Begin):
            self.begin.set_result(message)
        elif isinstance(message, Stop):
            self.stop()
        elif self.worker is not None:  # before that nobody is here whom it could concern
            self.worker.hear(message)

    async def answer(self, message: object) -> Answer:
        """Answer a question."""
        match message:
            case Forget(name):
                if self.worker is not None:
                    self.worker.gate.forget(name)
                return Done()
            case Count():
                return Connections(self.worker.listener.connections if self.worker is not None else 0)
            case _:
                raise ValueError("no such question")


class _Worker:
    """The rooms of a worker."""

    def __init__(self, begin: Begin, line: _Line, link: Link) -> None:
        self._line = line
        self._link = link
        config = begin.config
        link.bound(FULL + 4 * config.messages.max_size)  # messages for other relays go through it too
        self._days = Days()
        self._missed = asyncio.Event()
        names, home = Names(config.names, config.listen.addresses), Home(Path(begin.directory))
        self._certificates = Certificates(Path(begin.certificate), Path(begin.key))
        signer = Signer(signing_keys(home) if names.certifiable else ())
        seal = Sealed(begin.root)
        self._store = store = open_sqlite(home.path, seal, shared=Hold(home.path, begin.descriptor))
        store.hub.elsewhere = self._publish
        self.gate = Gate(
            config.accounts,
            store.accounts,
            store.invitations,
            names.local,
            self._days.today,
            due=self._days.due,
            forget_elsewhere=self._forget,
        )
        self._delivery = Delivery(
            config.messages,
            config.retention,
            store.mailboxes,
            names.local,
            Notices(lambda: names.primary, self._days.today, signer.sign),
            self._days.today,
            asyncio.get_running_loop().time,
            self._delivered if config.push.url else None,
            queue=Postbox(config.federation, link),
            whole_list=config.messages.max_recipients,
        )
        self._delivery.rate.elsewhere = lambda account: link.mention(Counted(account))
        people = People(
            config=config,
            store=store,
            hostname=literal(names.primary),
            contexts=self._certificates.context,
            gate=self.gate,
            delivery=self._delivery,
            today=self._days.today,
            push=bool(config.push.url),
            breath=Breath(config.limits.breath_bytes),
        )
        self._sessions = people.sessions()
        self.listener = Listener(config.limits, self._session, people.context)
        self.listener.adopt(
            [
                (Door(name, address, port, tls), _inherited(descriptor))
                for name, address, port, tls, descriptor in begin.doors
            ]
        )

    async def run(self, hardened: Hardened) -> None:
        """Serve until cancelled; then everybody is said goodbye to."""
        errors = _Errors(self._link, asyncio.get_running_loop())
        logging.getLogger("angarium").addHandler(errors)
        self._line.worker = self
        try:
            match await self._link.ask(Ready(hardened)):
                case Open(today, due):
                    self._days.at = today, due
                case _:
                    raise TypeError("not an answer to that")
            gc.collect()
            gc.freeze()
            async with asyncio.TaskGroup() as running:
                running.create_task(self.listener.run())
                running.create_task(self._certificates.run())
                running.create_task(self._look_anew())
        finally:
            await self._store.close()

    def hear(self, message: object) -> None:
        """Take what the first process tells."""
        match message:
            case Committed(news):
                self._store.hub.hear(unpacked(news))
            case Missed():
                self._missed.set()
            case Counted(account):
                self._delivery.rate.counted(account)
            case Day(today, due):
                self._days.at = today, due

    def _session(self, door: Door, connection: Connection) -> Coroutine[Any, Any, None]:
        return self._sessions[door.name](connection)

    def _publish(self, news: News) -> None:
        committed = Committed(packed(news))
        (self._link.insist if committed.of_an_end else self._link.tell)(committed)

    def _delivered(self, names: Sequence[str]) -> None:
        self._link.tell(Delivered(list(names)))

    async def _forget(self, name: str) -> None:
        await self._link.ask(Forget(name))

    async def _look_anew(self) -> None:
        while True:
            await self._missed.wait()
            self._missed.clear()
            with suppress(StoreError):  # the disk fails, and says so elsewhere
                await self._store.changes.missed()


class _Errors(LastError):
    """Tells the first process what the keeper should see."""

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._link = link
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        """Of any thread."""
        super().emit(record)
        self._loop.call_soon_threadsafe(self._link.tell, Trouble(self.text))


def _inherited(descriptor: int) -> socket.socket:
    one = socket.socket(fileno=descriptor)
    one.setblocking(False)
    return one


if __name__ == "__main__":
    main()
