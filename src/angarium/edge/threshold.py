"""Who stands before a door, and who has come in and is not yet known: without a task, told of in the turn of the loop
in which the kernel says so.

A task for each costs some kilobytes, and two turns of the loop before anybody is answered. Thousands may stand here,
and strangers compare how long it takes. Refuses to know what is said.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Coroutine
from enum import Enum
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

from angarium.edge.doors import Door
from angarium.reach.transport import Connection
from angarium.reach.watch import READABLE, watch_of

if TYPE_CHECKING:
    from angarium.edge.turnstile import Place

__all__ = ["Admit", "Begins", "Everybody", "Newcomer", "knocks"]

AT_ONCE = 8
"""Connections accepted from one door before the others have their turn."""
EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Begins(Enum):
    """What somebody may begin with who has said his first words, of which nothing was taken, at a door with TLS."""

    TLS = "TLS"
    GREETED = "what `greet` answers in clear"
    UNCLEAR = "it takes a closer look, or more words"


class Admit(Protocol):
    """Looks at the first words of those who come, before TLS and in it, and answers what can be answered at once."""

    def waits(self, door: Door) -> bool:
        """Whether it is always the peer who speaks first at this door."""

    def begins(self, door: Door, connection: Connection) -> Begins:
        """With what, by what was said so far, of which nothing is taken. UNCLEAR: `come` tells."""

    async def come(self, door: Door, connection: Connection) -> Door:
        """Wait for the first words, and say by which door it goes on: the same, or one without TLS.

        Or end the connection, and raise ConnectionError or TimeoutError.
        """

    def patience(self, door: Door, connection: Connection) -> float:
        """Seconds in which somebody is to say something, for `greet`, who is in TLS, or at a door without it; 0: his
        session begins at once."""

    def compared(self, door: Door) -> bool:
        """Whether strangers compare how long they wait at this door with how long they wait elsewhere."""

    def rehearse(self, door: Door, *, soon: bool) -> None:
        """Go through what will be needed to `greet` somebody whose next words are on their way: a processor takes ten
        times as long for what it has not done lately. `soon`: there is little time."""

    def greet(self, door: Door, connection: Connection) -> Coroutine[Any, Any, None] | None:
        """Answer it, and return what is left to be done then, for a task; None: nothing is, since he has said nothing
        yet, or the connection is over."""


class Everybody:
    """Whoever speaks begins TLS."""

    def waits(self, door: Door) -> bool:
        return True

    def begins(self, door: Door, connection: Connection) -> Begins:
        return Begins.TLS

    async def come(self, door: Door, connection: Connection) -> Door:
        return door

    def patience(self, door: Door, connection: Connection) -> float:
        return 0

    def compared(self, door: Door) -> bool:
        return False

    def rehearse(self, door: Door, *, soon: bool) -> None:
        raise AssertionError("nobody is")

    def greet(self, door: Door, connection: Connection) -> Coroutine[Any, Any, None] | None:
        raise AssertionError("nobody is")


class Newcomer:
    """Somebody who has connected, until there is a task for him: told as a `reach.readiness.Waiter` when there is
    something to do."""

    __slots__ = ("_late", "_on", "connection", "door", "inside", "place", "ready", "until")

    def __init__(
        self, door: Door, connection: Connection, on: Callable[["Newcomer"], None], late: Callable[["Newcomer"], None]
    ) -> None:
        """`on` is called when he has said something, or his connection was closed, `late` when nothing came in time."""
        self.door = door
        self.connection = connection
        self._on = on
        self._late = late
        self.place: Place | None = None
        """What he holds since he spoke, until TLS is on."""
        self.until = inf
        """When TLS has to be on, or his first words said in it, by the loop's clock."""
        self.ready = False
        """Whether TLS is made ready for him."""
        self.inside = False
        """Whether it is on, or there is to be none."""

    def stay(self) -> None:
        """Keep the place for longer than this turn of the loop. Idempotent."""
        if self.place is not None:
            self.place.hold()

    def leave(self) -> None:
        """Give back the place. Idempotent."""
        if self.place is not None:
            self.place.leave()

    def done(self) -> bool:
        """He waits until he is told."""
        return False

    def set_result(self, result: None, /) -> None:
        """Of a wait: over."""
        self._on(self)

    def set_exception(self, error: TimeoutError, /) -> None:
        """Of a wait: for too long."""
        self._late(self)


async def knocks(listening: socket.socket, let_in: Callable[[socket.socket], None]) -> None:
    """Have whoever connects let in, until cancelled. Raises OSError where the system has nothing left to do it with."""
    loop = asyncio.get_running_loop()
    watch, fd = watch_of(loop), listening.fileno()
    door = _Knocking(listening, let_in, loop.create_future())
    watch.change(fd, 0, READABLE, door)
    try:
        await door.exhausted
    finally:
        watch.change(fd, READABLE, 0, door)


class _Knocking:
    """Accepts one, and only where he was not alone two in the next turn, and so on: to look for a second who is not
    there would keep the first one waiting."""

    patient = True

    def __init__(
        self, listening: socket.socket, let_in: Callable[[socket.socket], None], exhausted: asyncio.Future[None]
    ) -> None:
        self._listening = listening
        self._let_in = let_in
        self.exhausted = exhausted
        self._most = 1

    def defer(self) -> None:
        """Others have precedence as it is."""

    def tell(self, events: int) -> None:
        """Somebody is there."""
        try:
            for _ in range(self._most):
                self._accept()
        except BlockingIOError:
            self._most = 1
        except OSError as error:
            if not self.exhausted.done():
                self.exhausted.set_exception(error)
        else:
            self._most = min(2 * self._most, AT_ONCE)

    def _accept(self) -> None:
        try:
            accepted, _ = self._listening.accept()
        except BlockingIOError:
            raise
        except OSError as error:
            if error.errno in EXHAUSTED:
                raise
            return  # that one has gone already
        self._let_in(accepted)
