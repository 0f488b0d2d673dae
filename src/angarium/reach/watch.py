"""Asks the kernel about many sockets at once, and stays asked: beginning to wait for one that is watched costs nothing.

An event loop's own watching is made to begin and to end with each wait, which is a system call or two each time, and
some objects; a connection that is in use waits ten times for every message. So there is one epoll for all sockets of a
loop, which the loop watches as if it were a single one. Where there is no epoll, the loop's own watching has to do.

Refuses to know who waits, and for what. It never says too little (epoll reports by level); it may say too much.
"""

import asyncio
import select
from typing import Protocol
from weakref import WeakKeyDictionary

__all__ = ["ENDED", "READABLE", "WRITABLE", "Watch", "watch_of"]

READABLE, WRITABLE, ENDED = 1, 4, 8 | 16
"""EPOLLIN, EPOLLOUT, and EPOLLERR with EPOLLHUP, which are told of unasked."""
AT_ONCE = 512


class Told(Protocol):
    """Who is told. An object and not a call: a bound method for each of thousands is memory."""

    def tell(self, events: int) -> None:
        """What happened, as one or more of the above."""


class Watch(Protocol):
    """Watches sockets."""

    def change(self, fd: int, before: int, now: int, told: Told) -> None:
        """Watch for other things than before; 0: for nothing, and forget it."""


class _Epoll:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._epoll = select.epoll()
        self._told: list[Told | None] = []
        """By descriptor: the kernel gives the smallest numbers there are."""
        loop.add_reader(self._epoll.fileno(), self._look)

    def change(self, fd: int, before: int, now: int, told: Told) -> None:
        """See `Watch`."""
        if not now:
            self._told[fd] = None
            self._epoll.unregister(fd)
        elif before:
            self._epoll.modify(fd, now)
        else:
            self._epoll.register(fd, now)
            if fd >= len(self._told):
                self._told += [None] * (fd + 1 - len(self._told))
            self._told[fd] = told

    def _look(self) -> None:
        watching = self._told
        for fd, events in self._epoll.poll(0, AT_ONCE):
            if (told := watching[fd]) is not None:  # not forgotten by one of those told before it
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
