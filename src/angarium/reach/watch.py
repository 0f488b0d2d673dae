"""Asks the kernel about many sockets at once, and stays asked: beginning to wait for one that is watched costs nothing.

An event loop's own watching is made to begin and to end with each wait, which is a system call or two each time, and
some objects; a connection that is in use waits ten times for every message. So there is one epoll for all sockets of a
loop, which the loop watches as if it were a single one. Where there is no epoll, the loop's own watching has to do.

Some have precedence. Whoever is patient, and every connection that the peer has ended, is asked about in a second
epoll, and only a few of those are told in each turn of the loop; who is left out is told in the next. So when thousands
go, or come, in the same moment, the others are not behind all of them.

Refuses to know who waits, and for what. It never says too little (epoll reports by level); it may say too much.
"""

import asyncio
import select
from typing import Protocol
from weakref import WeakKeyDictionary

__all__ = ["ENDED", "READABLE", "WRITABLE", "Watch", "watch_of"]

READABLE, WRITABLE, ENDED = 1, 4, 8 | 16
"""EPOLLIN, EPOLLOUT, and EPOLLERR with EPOLLHUP, which are told of unasked."""
GOING = ENDED | getattr(select, "EPOLLRDHUP", 0)
AT_ONCE = 512
PATIENT = 2
"""Patient ones told in a turn in which others were told too."""
PATIENT_ALONE = 8
"""... in which there was nobody else. Not all that are ready: somebody else may be before the next turn."""


class Told(Protocol):
    """Who is told. An object and not a call: a bound method for each of thousands is memory."""

    patient: bool
    """Whether others have precedence. Does not change while anything is watched."""

    def defer(self) -> None:
        """Become patient."""

    def tell(self, events: int) -> None:
        """What happened, as one or more of the above."""


class Watch(Protocol):
    """Watches sockets."""

    def change(self, fd: int, before: int, now: int, told: Told) -> None:
        """Watch for other things than before; 0: for nothing, and forget it."""


class _Epoll:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._first, self._patient = select.epoll(), select.epoll()
        self._told: list[Told | None] = []
        """By descriptor: the kernel gives the smallest numbers there are."""
        self._busy = False
        """Whether anybody of the first was told since the patient were."""
        loop.add_reader(self._first.fileno(), self._look)
        loop.add_reader(self._patient.fileno(), self._look_at_patient)

    def change(self, fd: int, before: int, now: int, told: Told) -> None:
        """See `Watch`."""
        epoll = self._patient if told.patient else self._first
        if not now:
            self._told[fd] = None
            epoll.unregister(fd)
            return
        wanted = now | GOING if now & READABLE else now
        if before:
            epoll.modify(fd, wanted)
            return
        epoll.register(fd, wanted)
        if fd >= len(self._told):
            self._told += [None] * (fd + 1 - len(self._told))
        self._told[fd] = told

    def _look(self) -> None:
        for fd, events in self._first.poll(0, AT_ONCE):
            if (told := self._told[fd]) is None:
                continue  # forgotten by one of those told before it
            if events & GOING:
                told.defer()
            else:
                self._busy = True
                told.tell(events)

    def _look_at_patient(self) -> None:
        most = PATIENT if self._busy else PATIENT_ALONE
        self._busy = False
        for fd, events in self._patient.poll(0, most):
            if (told := self._told[fd]) is not None:
                told.tell(events)


class _OfLoop:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def change(self, fd: int, before: int, now: int, told: Told) -> None:
        """See `Watch`. A loop does not say that a socket ended, and may watch it no more: each time may be the last."""
        loop = self._loop
        if now & ~before & READABLE:
            loop.add_reader(fd, told.tell, READABLE | ENDED)
        elif before & ~now & READABLE:
            loop.remove_reader(fd)
        if now & ~before & WRITABLE:
            loop.add_writer(fd, told.tell, WRITABLE | ENDED)
        elif before & ~now & WRITABLE:
            loop.remove_writer(fd)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()


def watch_of(loop: asyncio.AbstractEventLoop) -> Watch:
    """The one watch of a loop."""
    found = _watches.get(loop)
    if found is None:
        found = _watches[loop] = _Epoll(loop) if hasattr(select, "epoll") else _OfLoop(loop)
    return found
