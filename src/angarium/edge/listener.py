"""Accepts connections and gives each to a session, in a task of its own that is owned here.

Every session is a child of `run`: none outlives it, and one that breaks takes nothing with it. A connection has one
task after the other, for its session and, where that left it open, for its end, and one before if its first words or
its turn have to be waited for: nothing is held of what is over, for thousands wait in their sessions. Refuses to know
what is spoken, and who speaks: no address is read from a socket, and what is logged names neither side.

Admission, in this order: as many connections at once as the settings and the kernel allow, the next ones are ended at
once; a peer that is to begin TLS must say something before it costs more than its socket (and no task), and by that it
may turn out to come by another door; then handshakes take turns. Whoever says at once what most say is answered in the
turn of the loop in which the kernel tells of it. Where strangers compare how long that takes, what it needs is ready
before they come, and is gone through while their words are on the way.
Whoever is inside has precedence over newcomers until their sessions say that they have settled.
When the process runs out of file descriptors, accepting pauses and the kernel keeps the newcomers for us.

Where a relay is several processes, the first binds the sockets of all of them, and hands each its own. It keeps them
open: who comes while such a process is not there is let in by the first.
"""

import asyncio
import contextlib
import contextvars
import logging
import socket
import ssl
import traceback
from asyncio import Task
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from angarium.edge.doors import CannotListen, Door, bind_doors, bind_within, share_doors
from angarium.edge.seats import Seats
from angarium.edge.settings import Limits, Listen
from angarium.edge.threshold import Admit, Begins, Everybody, Newcomer, knocks
from angarium.edge.turnstile import Turnstile
from angarium.reach.descriptors import raise_limit
from angarium.reach.transport import Connection

__all__ = ["CannotListen", "Door", "Listener"]

log = logging.getLogger("angarium.edge.listener")

STOP_SECONDS = 3.0
"""Time for all sessions to say goodbye when the relay stops."""
PAUSE_SECONDS = 0.5
"""How long accepting rests when descriptors or memory have run out."""
QUIET_SECONDS = 60.0
"""How long the same complaint is not repeated."""
FEW = 64
"""Newcomers up to whom each gets more than his socket's worth of attention before he has said a word."""
REHEARSED_SECONDS = 0.002
"""How long before somebody's next words can be here it is gone through what is done about them: a loop's timer is late
by a millisecond, and what lies idle for longer than a few is forgotten by the processor."""
HOLD_SECONDS = 2.0
"""How long one handshake keeps its place before the next is let in beside it."""
SESSION = "session"
"""A task's name, or asyncio makes one for each."""

Handler = Callable[[Door, Connection], Coroutine[Any, Any, None]]


class Listener:
    """All doors of one relay."""

    def __init__(
        self, limits: Limits, handle: Handler, tls: Callable[[Door], ssl.SSLContext], admit: Admit | None = None
    ) -> None:
        """`handle` is the session, called after the handshake; `tls` gives the context of the moment for a door."""
        self._admit = admit or Everybody()
        self._limits = limits
        self._handle = handle
        self._tls = tls
        self._turnstile = Turnstile(limits.handshakes, HOLD_SECONDS)
        self._room = limits.connections
        self._bound: list[tuple[Door, socket.socket]] = []
        self._tasks: dict[Task[Any], Connection] = {}
        self._newcomers: set[Newcomer] = set()
        self._seats: dict[Door, Seats] = {}
        self._context = contextvars.copy_context()
        """One for all tasks: nothing is kept in it."""
        self._ended = self._over
        self._when_on, self._when_late = self._go_on, self._end
        """Bound once for all."""
        self._running = False
        self._complained = -QUIET_SECONDS
        self._rehearsed = -REHEARSED_SECONDS

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._tasks) + len(self._newcomers)

    async def bind(self, listen: Listen, remembered: Mapping[str, int] | None = None) -> list[Door]:
        """Begin to listen; the kernel keeps who connects until `run`. `remembered`: the ports of last time, by name.

        Raises:
            CannotListen: see there.
        """
        self.adopt(bind_doors(listen, remembered or {}))
        return [door for door, _ in self._bound]

    def bind_within(self, names: Collection[str]) -> list[Door]:
        """Listen also at doors of these names that this machine alone reaches. Raises CannotListen."""
        bound = bind_within(names)
        self._bound += bound
        return [door for door, _ in bound]

    def adopt(self, bound: Sequence[tuple[Door, socket.socket]]) -> None:
        """Listen at doors that are bound already; their sockets are served by `run`, and closed."""
        self._room = raise_limit(self._limits.connections)
        if self._room < self._limits.connections:
            log.warning("the system allows %d connections at once (limits.connections says more)", self._room)
        self._bound = list(bound)

    def share(self, names: Collection[str]) -> list[tuple[Door, socket.socket]]:
        """Sockets for another process, which is to listen at the doors of these names too. Raises CannotListen."""
        return share_doors(self._bound, names)

    async def stand_in(self, bound: Sequence[tuple[Door, socket.socket]]) -> None:
        """Accept also at these, which are another process's, while this runs: until cancelled."""
        async with asyncio.TaskGroup() as accepting:
            for door, listening in bound:
                accepting.create_task(self._accept(door, listening))

    async def run(self) -> None:
        """Serve until cancelled; then stop listening, and let every session say goodbye, for 3 seconds at most."""
        self._running = True
        try:
            async with asyncio.TaskGroup() as group:
                for door, listening in self._bound:
                    group.create_task(self._accept_until_closed(door, listening))
                await asyncio.get_running_loop().create_future()
        finally:
            await self._stop()
            self.close()

    def receive(self, door: Door, connected: socket.socket) -> None:
        """Serve a connection that came by another way as if it had come by this door; closed where there is no room."""
        if not self._running or self.connections >= self._room:
            connected.close()
        else:
            self._begin(door, connected)

    def close(self) -> None:
        """Stop listening."""
        for _, listening in self._bound:
            listening.close()
        self._bound.clear()

    async def _accept_until_closed(self, door: Door, listening: socket.socket) -> None:
        if door.tls and self._admit.waits(door) and self._admit.compared(door):
            self._seats[door] = Seats(partial(self._tls, door))
            self._seats[door].make()
        try:
            await self._accept(door, listening)
        finally:
            listening.close()
            if (seats := self._seats.pop(door, None)) is not None:
                seats.close()

    async def _accept(self, door: Door, listening: socket.socket) -> None:
        while True:
            try:
                await knocks(listening, partial(self._let_in, door))
            except OSError:
                self._complain("no more file descriptors: newcomers wait until others have gone")
                await asyncio.sleep(PAUSE_SECONDS)

    def _let_in(self, door: Door, accepted: socket.socket) -> None:
        if self.connections >= self._room:
            self._complain("as many connections as limits.connections allows: newcomers are turned away")
            accepted.close()
        else:
            self._begin(door, accepted)

    def _begin(self, door: Door, accepted: socket.socket) -> None:
        seats = self._seats.get(door)
        seated = seats.seat(accepted) if seats is not None else None
        try:
            connection = seated or Connection(accepted, patient=True)
        except OSError:  # gone already
            accepted.close()
            return
        patience = self._limits.handshake_seconds if door.tls else self._admit.patience(door, connection)
        if not patience:
            self._own(self._handle(door, connection), connection)
        elif door.tls and not self._admit.waits(door):
            self._own(self._enter(door, connection), connection)
        else:
            newcomer = Newcomer(door, connection, self._when_on, self._when_late)
            newcomer.ready = seated is not None
            newcomer.inside = not door.tls
            newcomer.until = asyncio.get_running_loop().time() + patience
            self._newcomers.add(newcomer)
            if len(self._newcomers) <= FEW and connection.glimpse(1):
                self._go_on(newcomer)
            else:
                connection.tell(newcomer, until=newcomer.until)

    def _go_on(self, newcomer: Newcomer) -> None:
        """Answer a hello, or the first words, in this turn of the loop, or leave the connection to a task that looks
        closer, or waits."""
        connection = newcomer.connection
        work: Coroutine[Any, Any, None] | None = None
        try:
            if not connection.closed and newcomer in self._newcomers:
                work = self._answer(newcomer)
        except ConnectionError:
            connection.abort()
        except BaseException:
            self._forget(newcomer)
            connection.abort()
            raise
        if work is not None or connection.closed:
            self._forget(newcomer)
            if work is not None:
                self._own(work, connection)

    def _answer(self, newcomer: Newcomer) -> Coroutine[Any, Any, None] | None:
        """Go on as far as nothing has to be waited for, and return what a task is to do then. None: he is told when
        there is more, or the connection is over. Raises ConnectionError where it failed.
        """
        door, connection = newcomer.door, newcomer.connection
        if not newcomer.inside:
            begins = self._begins(newcomer)
            if begins is Begins.UNCLEAR:
                return self._enter(door, connection)
            if begins is Begins.TLS:
                if not self._shaken(newcomer):
                    return None
                if not (patience := self._admit.patience(door, connection)):
                    return self._handle(door, connection)
                newcomer.until = asyncio.get_running_loop().time() + patience
            newcomer.inside = True
        work = self._admit.greet(door, connection)
        if work is None and not connection.closed:
            connection.tell(newcomer, until=newcomer.until)
            newcomer.leave()
        return work

    def _shaken(self, newcomer: Newcomer) -> bool:
        """Go on with the handshake, for which there is a place; whether it is over."""
        if newcomer.place is not None:
            return newcomer.connection.shake(newcomer, until=newcomer.until)
        newcomer.until = asyncio.get_running_loop().time() + self._limits.handshake_seconds
        over = newcomer.connection.shake(newcomer, until=newcomer.until)
        newcomer.place = self._turnstile.take()  # in the same turn: nobody else has taken it, and he waits for less
        newcomer.stay()
        self._rehearse_for(newcomer)
        return over

    def _rehearse_for(self, newcomer: Newcomer) -> None:
        """Have what comes next gone through shortly before it comes, which is a round trip from now."""
        if len(self._newcomers) <= FEW and self._admit.compared(newcomer.door):
            with contextlib.suppress(OSError):  # gone
                wait = newcomer.connection.round_trip - REHEARSED_SECONDS
                if wait > 0:
                    asyncio.get_running_loop().call_later(wait, self._rehearse, newcomer.door, context=self._context)
                else:
                    self._rehearse(newcomer.door, soon=True)

    def _rehearse(self, door: Door, *, soon: bool = False) -> None:
        now = asyncio.get_running_loop().time()
        if self._running and now - self._rehearsed >= REHEARSED_SECONDS:
            self._rehearsed = now
            self._admit.rehearse(door, soon=soon)

    def _begins(self, newcomer: Newcomer) -> Begins:
        """With what; TLS if it has begun before, or if it begins now, as there is a place in the turnstile."""
        if newcomer.place is not None:
            return Begins.TLS
        door, connection = newcomer.door, newcomer.connection
        begins = self._admit.begins(door, connection)
        if begins is Begins.TLS:
            if not self._turnstile.free:
                begins = Begins.UNCLEAR
            elif not newcomer.ready:
                connection.begin_tls(self._tls(door))
        if begins is not Begins.TLS:
            connection.in_clear()
        return begins

    def _end(self, newcomer: Newcomer) -> None:
        self._forget(newcomer)
        newcomer.connection.leave(silent=not newcomer.inside)

    def _forget(self, newcomer: Newcomer) -> None:
        self._newcomers.discard(newcomer)
        newcomer.leave()

    async def _enter(self, door: Door, connection: Connection) -> None:
        try:
            door = await self._admit.come(door, connection)
            if door.tls:
                async with self._turnstile.place():
                    await connection.start_tls(self._tls(door), timeout=self._limits.handshake_seconds)
        except asyncio.CancelledError:  # the relay stops
            connection.abort()
            raise
        task = asyncio.current_task()
        assert task is not None
        del self._tasks[task]  # from here on it is its session's, which begins in the next turn of the loop
        self._own(self._handle(door, connection), connection)

    # One task after the other

    def _own(self, work: Coroutine[Any, Any, None], connection: Connection) -> None:
        task = asyncio.get_running_loop().create_task(work, name=SESSION, context=self._context)
        self._tasks[task] = connection
        task.add_done_callback(self._ended, context=self._context)

    def _over(self, task: Task[None]) -> None:
        _log_failure(task)
        connection = self._tasks.pop(task, None)
        if connection is not None and not connection.closed:
            self._own(connection.close(), connection)

    async def _stop(self) -> None:
        self._running = False
        for newcomer in tuple(self._newcomers):
            self._forget(newcomer)
            if newcomer.inside:
                newcomer.connection.leave()
            else:
                newcomer.connection.abort()
        for task in self._tasks:
            task.cancel()
        timer = asyncio.get_running_loop().call_later(STOP_SECONDS, self._abort_all)
        while self._tasks:
            with contextlib.suppress(asyncio.CancelledError):  # it is being done
                await asyncio.wait(tuple(self._tasks))
        timer.cancel()

    def _abort_all(self) -> None:
        for task, connection in self._tasks.items():
            connection.abort()
            task.cancel()

    def _complain(self, what: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._complained >= QUIET_SECONDS:
            self._complained = now
            log.warning("%s", what)


def _log_failure(task: Task[None]) -> None:
    """Log what is nobody's fault but ours."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, ConnectionError | TimeoutError):  # those are what peers do
        # where it failed, without the error's own text, which might hold a name
        log.error(
            "a session failed with %s:\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
        )
