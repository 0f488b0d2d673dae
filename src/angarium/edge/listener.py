"""Accepts connections and gives each to a session, in a task of its own that is owned here.

Every session is a child of `run`: none outlives it, and one that breaks takes nothing with it. Refuses to know what is
spoken, and who speaks: no address is read from a socket, and what is logged names neither side.

Admission, in this order: as many connections at once as the settings and the kernel allow, the next ones are ended at
once; a peer that is to begin TLS must say something before it costs more than its socket; then handshakes take turns.
When the process runs out of file descriptors, accepting pauses and the kernel keeps the newcomers for us.
"""

import asyncio
import errno
import logging
import socket
import ssl
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence

from angarium.edge.descriptors import raise_limit
from angarium.edge.doors import CannotListen, Door, bind_doors
from angarium.edge.settings import Limits, Listen
from angarium.edge.turnstile import Turnstile
from angarium.reach.readiness import Readiness
from angarium.reach.transport import Connection

__all__ = ["CannotListen", "Door", "Listener"]

log = logging.getLogger("angarium.edge.listener")

STOP_SECONDS = 3.0
"""Time for all sessions to say goodbye when the relay stops."""
AT_ONCE = 16
"""Connections accepted from one door before the others have their turn."""
PAUSE_SECONDS = 0.5
"""How long accepting rests when descriptors or memory have run out."""
QUIET_SECONDS = 60.0
"""How long the same complaint is not repeated."""
HOLD_SECONDS = 2.0
"""How long one handshake keeps its place before the next is let in beside it."""
EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

Handler = Callable[[Door, Connection], Awaitable[None]]


class Listener:
    """All doors of one relay."""

    def __init__(self, limits: Limits, handle: Handler, tls: Callable[[Door], ssl.SSLContext]) -> None:
        """`handle` is the session, called after the handshake; `tls` gives the context of the moment for a door."""
        self._limits = limits
        self._handle = handle
        self._tls = tls
        self._turnstile = Turnstile(limits.handshakes, HOLD_SECONDS)
        self._room = limits.connections
        self._bound: list[tuple[Door, socket.socket]] = []
        self._sessions: dict[Connection, asyncio.Task[None]] = {}
        self._complained = -QUIET_SECONDS

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._sessions)

    async def bind(self, listen: Listen, remembered: Mapping[str, int] | None = None) -> list[Door]:
        """Begin to listen; the kernel keeps who connects until `run`. `remembered`: the ports of last time, by name.

        Raises:
            CannotListen: see there.
        """
        self._room = raise_limit(self._limits.connections)
        if self._room < self._limits.connections:
            log.warning("the system allows %d connections at once (limits.connections says more)", self._room)
        self.adopt(bind_doors(listen, remembered or {}))
        return [door for door, _ in self._bound]

    def adopt(self, bound: Sequence[tuple[Door, socket.socket]]) -> None:
        """Take over sockets that somebody else bound, to be served by `run`, and closed."""
        self._bound = list(bound)

    async def run(self) -> None:
        """Serve until cancelled; then stop listening, and let every session say goodbye, for 3 seconds at most."""
        timer: asyncio.TimerHandle | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for door, listening in self._bound:
                    group.create_task(self._accept(group, door, listening))
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    timer = asyncio.get_running_loop().call_later(STOP_SECONDS, self._end_all)
        finally:
            if timer:
                timer.cancel()
            for connection in self._sessions:  # accepted, and cancelled before their sessions began
                connection.abort()
            self._sessions.clear()
            self.close()

    def close(self) -> None:
        """Stop listening."""
        for _, listening in self._bound:
            listening.close()
        self._bound.clear()

    async def _accept(self, group: asyncio.TaskGroup, door: Door, listening: socket.socket) -> None:
        ready = Readiness(listening.fileno())
        try:
            while True:
                await ready.reading.wait(None)
                try:
                    self._accept_some(group, door, listening)
                except OSError:
                    self._complain("no more file descriptors: newcomers wait until others have gone")
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            ready.stop()
            listening.close()

    def _accept_some(self, group: asyncio.TaskGroup, door: Door, listening: socket.socket) -> None:
        """Accept who is there. Raises OSError where the system has nothing left to do it with."""
        for _ in range(AT_ONCE):
            try:
                accepted, _ = listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in EXHAUSTED:
                    raise
                continue  # that one has gone already
            if len(self._sessions) >= self._room:
                self._complain("as many connections as limits.connections allows: newcomers are turned away")
                accepted.close()
                continue
            self._begin(group, door, accepted)

    def _begin(self, group: asyncio.TaskGroup, door: Door, accepted: socket.socket) -> None:
        try:
            connection = Connection(accepted)
        except OSError:  # gone already
            accepted.close()
            return
        self._sessions[connection] = group.create_task(self._serve(door, connection))

    async def _serve(self, door: Door, connection: Connection) -> None:
        try:
            if door.tls:
                await self._handshake(door, connection)
            await self._handle(door, connection)
        except (ConnectionError, TimeoutError):
            pass  # what peers do
        except Exception as error:
            # where it failed, without the error's own text, which might hold a name
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("a session of %s failed with %s:\n%s", door.name, type(error).__name__, where)
        finally:
            try:
                await connection.close()
            finally:
                del self._sessions[connection]

    async def _handshake(self, door: Door, connection: Connection) -> None:
        await connection.readable(timeout=self._limits.handshake_seconds)
        async with self._turnstile.place():
            await connection.start_tls(self._tls(door), timeout=self._limits.handshake_seconds)

    def _end_all(self) -> None:
        for connection, task in self._sessions.items():
            connection.abort()
            task.cancel()

    def _complain(self, what: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._complained >= QUIET_SECONDS:
            self._complained = now
            log.warning("%s", what)
