"""Listening: ports bound, connections accepted, TLS begun, each handed to its session in a task of its own.

Refuses to know what a session says. One peer's failure is no other's: a session that breaks is logged (its type and
place, never its words) and forgotten.

How many may come in is bounded in two ways. All connections together: whoever comes above that is turned away at once.
Handshakes under way: above that nobody is accepted until some are done; if nothing moves, those that have had
`PRESSED_SECONDS` without finishing give way, so that peers who say nothing cannot shut the door for others. A storm of
returning phones moves all the time, and is let in as fast as handshakes can be done.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from angarium.edge.settings import Limits
from angarium.reach.transport import Connection

__all__ = ["CannotListen", "Door", "Listener", "Service"]

log = logging.getLogger("angarium.edge.listener")

BACKLOG = 1024
AT_ONCE = 16
"""Connections accepted before the others have their turn."""
PAUSE_SECONDS = 0.5
"""Between two looks at whether the door can be opened again."""
PRESSED_SECONDS = 5.0
"""Time for a handshake while others wait at the door."""
ANY_PORT_TRIES = 16
EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class CannotListen(Exception):
    """No port could be had for a service. The text names the ports that were tried, and why not."""


@dataclass(frozen=True, slots=True)
class Service:
    """Something to be reached at a port."""

    name: str
    ports: tuple[int, ...]
    """Ports to try, in order; 0: any free one."""
    serve: Callable[[Connection], Awaitable[None]]
    """Serves one connection to its end."""
    tls: Callable[[], ssl.SSLContext] | None
    """The context for TLS from the first byte, as it is at that moment; None: the connection begins in clear."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a service is reached."""

    name: str
    address: str
    port: int
    tls: bool


class Listener:
    """Everything the relay listens on.

    Args:
        limits: how many peers at once, and how patiently.
        addresses: IP addresses to listen on; empty: all of this machine, IPv4 and IPv6.
    """

    def __init__(self, limits: Limits, addresses: Sequence[str] = ()) -> None:
        self._limits = limits
        self._everywhere = not addresses
        self._addresses = list(addresses) or ["0.0.0.0", "::"]  # noqa: S104
        self._sockets: list[tuple[socket.socket, Service]] = []
        self._sessions: asyncio.TaskGroup | None = None
        self._shaking: dict[Connection, float] = {}
        self._paused: asyncio.Event | None = None
        self._exhausted = False
        self.connections = 0
        """Connections there are now."""

    def bind(self, services: Sequence[Service]) -> list[Door]:
        """Take a port for each service. Peers may connect from now on, and wait until `run`.

        Raises:
            CannotListen: see there; nothing is bound.
        """
        doors: list[Door] = []
        try:
            for service in services:
                for address, bound in self._take(service):
                    self._sockets.append((bound, service))
                    doors.append(Door(service.name, address, bound.getsockname()[1], service.tls is not None))
        except BaseException:
            self.close()
            raise
        return doors

    async def run(self) -> None:
        """Serve until cancelled; then close the doors and let the sessions say goodbye, which takes a second or two."""
        loop = asyncio.get_running_loop()
        self._paused = asyncio.Event()
        async with asyncio.TaskGroup() as self._sessions:
            try:
                self._watch(loop)
                while True:
                    await self._paused.wait()
                    await asyncio.sleep(PAUSE_SECONDS)
                    self._press(loop.time())
                    if len(self._shaking) < self._limits.handshakes:
                        self._paused.clear()
                        self._watch(loop)
            finally:
                self._unwatch(loop)
                self.close()

    def close(self) -> None:
        """Give the ports back."""
        for bound, _ in self._sockets:
            bound.close()
        self._sockets.clear()

    # Ports

    def _take(self, service: Service) -> list[tuple[str, socket.socket]]:
        refused: list[str] = []
        for port in service.ports:
            for _ in range(1 if port else ANY_PORT_TRIES):
                try:
                    return self._take_port(port)
                except OSError as error:
                    reason = f"{port or 'any'}: {error.strerror}"
            refused.append(reason)
        raise CannotListen(f"no port for {service.name} ({'; '.join(refused)})")

    def _take_port(self, port: int) -> list[tuple[str, socket.socket]]:
        """One port, the same on all addresses. Raises OSError."""
        taken: list[tuple[str, socket.socket]] = []
        with contextlib.ExitStack() as undo:
            for address in self._addresses:
                try:
                    bound = _listen(address, port)
                except OSError as error:
                    if self._everywhere and taken and error.errno in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
                        continue  # a machine without IPv6
                    raise
                undo.callback(bound.close)
                taken.append((address, bound))
                port = bound.getsockname()[1]
            undo.pop_all()
        return taken

    # Accepting

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        for bound, service in self._sockets:
            loop.add_reader(bound, self._accept, loop, bound, service)

    def _unwatch(self, loop: asyncio.AbstractEventLoop) -> None:
        for bound, _ in self._sockets:
            loop.remove_reader(bound)

    def _pause(self, loop: asyncio.AbstractEventLoop) -> None:
        self._unwatch(loop)
        assert self._paused is not None
        self._paused.set()

    def _accept(self, loop: asyncio.AbstractEventLoop, bound: socket.socket, service: Service) -> None:
        for _ in range(AT_ONCE):
            if len(self._shaking) >= self._limits.handshakes:
                self._pause(loop)
                return
            try:
                accepted, _ = bound.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in EXHAUSTED:
                    self._complain(error)
                    self._pause(loop)
                    return
                continue  # the peer was gone before we looked
            self._exhausted = False
            if self.connections >= self._limits.connections:
                accepted.close()
                continue
            assert self._sessions is not None
            self._sessions.create_task(self._serve(Connection(accepted), service))

    def _complain(self, error: OSError) -> None:
        """Tell the keeper, once, until somebody can be accepted again."""
        if not self._exhausted:
            log.error("no more connections can be accepted: %s; raise the limit of open files", error.strerror)
        self._exhausted = True

    def _press(self, now: float) -> None:
        """While others wait at the door, end handshakes that do not move."""
        if len(self._shaking) < self._limits.handshakes:
            return
        for connection, since in list(self._shaking.items()):
            if since > now - PRESSED_SECONDS:
                break
            connection.abort()

    async def _serve(self, connection: Connection, service: Service) -> None:
        self.connections += 1
        try:
            if service.tls is None or await self._shake(connection, service.tls()):
                await service.serve(connection)
        except Exception as fault:
            place = "".join(traceback.format_tb(fault.__traceback__, -1)).strip()
            log.error("a session of %s broke: %s at %s", service.name, type(fault).__name__, place)
        finally:
            connection.abort()
            self.connections -= 1

    async def _shake(self, connection: Connection, context: ssl.SSLContext) -> bool:
        self._shaking[connection] = asyncio.get_running_loop().time()
        try:
            await connection.start_tls(context, timeout=self._limits.handshake_seconds)
        except (ConnectionError, TimeoutError):
            return False
        finally:
            del self._shaking[connection]
        return True


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
        bound.listen(BACKLOG)
        bound.setblocking(False)
    except BaseException:
        bound.close()
        raise
    return bound
