"""The bytes of one connection over TCP, in clear or in TLS, each way, without a buffer of its own.

Nothing is allocated while a connection idles, a read takes what the kernel has, and a write returns when the kernel has
it. That is all the back-pressure there is: no queue, so none that grows.

Refuses to know what the bytes mean, and how TLS begins and a connection ends (`transport`).

Invariants
* OpenSSL wants a write that could not be finished to be tried again with the same bytes: pieces of at most one TLS
  record (16 KiB), one at a time.
* Either direction of TLS may have to wait for the other one of the socket. Whoever waits crosswise is woken by the task
  that moves that direction.
* A read that is cancelled or times out takes nothing. A write that is cut short leaves the peer in the middle of
  something: nothing can be written after it, and the connection ends without a goodbye.
* OpenSSL may hold decrypted bytes the kernel knows nothing of: only a read that took less than it might have may be
  followed by one that waits before it tries. (OpenSSL reads record by record, so that nothing lies beyond that.)
"""

import asyncio
import contextlib
import select
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from angarium.reach.failure import failure
from angarium.reach.readiness import Readiness, Side, Waiter

__all__ = ["PIECE", "Flow"]

A = TypeVar("A")
T = TypeVar("T")

PIECE = 16_384
"""The most that is read or written at once, in bytes: one TLS record (RFC 8446, 5.1)."""
TURNS = 16
"""Pieces moved, after which other connections have their turn."""
ENDS = getattr(select, "POLLRDHUP", 0)
"""... beside errors, of which poll(2) tells unasked."""
WOULD_WAIT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Flow:
    """A connected socket. One task may read while another writes; writes queue up behind each other."""

    __slots__ = (
        *("_back", "_closing", "_cut", "_more", "_queued", "_ready", "_socket", "_turns", "_writing"),
        *("alpn", "secure"),
    )

    def __init__(self, connected: socket.socket, *, patient: bool = False) -> None:
        """Take over a socket; needs a running loop. `patient`: others have precedence, until `settle`."""
        connected.setblocking(False)
        if connected.family in {socket.AF_INET, socket.AF_INET6}:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._ready = Readiness(connected.fileno())
        self._ready.patient = patient
        self._writing: asyncio.Lock | None = None
        """Made by whoever first writes while another may."""
        self._back = b""
        self._more = True
        self._queued = 0
        self._turns = 0
        self._closing = False
        self._cut = False
        self.secure = False
        """Whether TLS is on."""
        self.alpn: str | None = None
        """The protocol agreed upon in the TLS handshake (RFC 7301), if any."""

    @property
    def closed(self) -> bool:
        """Whether it has ended on our side, and nothing of it is left."""
        return self._ready.stopped

    def settle(self) -> None:
        """No longer a newcomer: from here on it has precedence over those who are patient."""
        self._ready.settle()

    @property
    def going(self) -> bool:
        """Whether the peer has ended its side, or the connection failed, whatever of its words is still unread."""
        ends = select.poll()
        try:
            ends.register(self._socket, ENDS)
        except ValueError:  # it is closed
            return True
        return bool(ends.poll(0))

    async def read(self, limit: int = PIECE, *, timeout: float | None = None) -> bytes:
        """What the peer sent, at least one byte and at most `limit`; nothing: it has ended, politely or not.

        Raises:
            TimeoutError: nothing came for `timeout` seconds.
            ConnectionError: the network or TLS failed, or the connection was closed on our side.
        """
        if self._back:
            return self._again(limit)
        reading, deadline = self._ready.reading, self._ready.deadline(timeout)
        if self._more or timeout == 0 or self._closing:
            await self._take_turn()
        else:
            await reading.wait(deadline)
        while isinstance(got := self._try(reading, self._receive, limit), Side):
            await got.wait(deadline)
        self._more = len(got) == limit
        return got

    async def take(self, limit: int = PIECE) -> bytes | None:
        """Like `read`, for who does not want to wait: None where nothing is there now. Raises ConnectionError."""
        if not self._back:
            if not self._more and not self._closing:
                return None
            await self._take_turn()
        return self.at_hand(limit)

    def at_hand(self, limit: int = PIECE) -> bytes | None:
        """As `take`, for who is told by `tell`: he has had his turn."""
        if self._back:
            return self._again(limit)
        got = self._try(self._ready.reading, self._receive, limit)
        if isinstance(got, Side):
            self._more = False
            return None
        self._more = len(got) == limit
        return got

    def _again(self, limit: int) -> bytes:
        taken, self._back = self._back[:limit], self._back[limit:]
        return taken

    def readable(self, *, timeout: float | None = None) -> asyncio.Future[None]:
        """Done when the peer may have sent something, or ended, and on `rouse`; takes nothing. To be awaited at once.

        For use before TLS, or where `take` has just found nothing: what was read already is not seen here. A future
        and not a coroutine: this is where thousands wait, each for minutes.

        Raises:
            TimeoutError: nothing happened for `timeout` seconds.
            ConnectionAbortedError: the connection was closed on our side.
        """
        self._more = True
        return self._ready.reading.wait(self._ready.deadline(timeout))

    def tell(self, waiter: Waiter, *, until: float) -> None:
        """As `readable`, for somebody who is told in the turn of the loop in which it happens, or that it is `until` by
        the loop's clock. Raises as that does."""
        self._more = True
        self._ready.reading.tell(waiter, until)

    def rouse(self) -> None:
        """End the wait for `readable`; `take` finds nothing then. Does nothing where nobody waits."""
        if self._ready.reading.wake():
            self._more = False

    def glimpse(self, octets: int) -> bytes:
        """What the peer has sent so far, as `peek` sees it; nothing, too, where it has ended or failed."""
        try:
            return _peek(self._socket, octets)
        except OSError:
            return b""

    async def peek(self, octets: int, *, timeout: float, least: int = 1) -> bytes:
        """What the peer has sent, up to so many bytes, and take nothing; at least one, or nothing where it has ended.

        With `least` the kernel waits until so many are there, or it has ended, and then there may be fewer.
        For use before TLS, and before anything was given back. Raises as `read` does.
        """
        if least > 1:
            self._low_water(least)
            try:
                await self._ready.reading.wait(self._ready.deadline(timeout))
            finally:
                self._low_water(1)
        return await self._do(self._ready.reading, partial(_peek, self._socket), octets, timeout)

    def unread(self, data: bytes) -> None:
        """Give back bytes: the next reads return them first."""
        self._back = data + self._back

    async def write(self, data: bytes, *, timeout: float | None = None) -> None:
        """Send all of `data`; returns when the kernel has it.

        Raises:
            TimeoutError: the peer took nothing for `timeout` seconds.
            ConnectionError: the network or TLS failed, an earlier write was cut short, or the connection was closed.
        """
        if len(data) <= PIECE and not self._queued and not (self._writing and self._writing.locked()):
            sent = self._write_at_once(data)
            if sent == len(data):
                return
        else:
            sent = 0
        self._queued += 1
        try:
            async with self._lock():
                await self._write(memoryview(data)[sent:], timeout)
        finally:
            self._queued -= 1

    def put(self, data: bytes) -> bytes:
        """Send what the kernel has room for now, and return what is left for `write`, which must be next. For who is
        told by `tell`, where nobody writes. Raises ConnectionError as that does.
        """
        while data:
            sent = self._write_at_once(data[:PIECE])
            if not sent:
                break
            data = data[sent:]
        return data

    def _write_at_once(self, data: bytes) -> int:
        """Send what the kernel has room for now, which is nearly always all; return how much."""
        self._begin_writing()
        try:
            sent = self._socket.send(data)
        except WOULD_WAIT:
            sent = 0
        except OSError as error:
            raise failure(error) from None
        finally:
            self._ready.wrote()
        self._cut = False  # nobody else will have had a turn when the rest is sent
        return sent

    async def _write(self, rest: memoryview, timeout: float | None) -> None:
        self._begin_writing()
        while rest:
            await self._take_turn()
            sent = await self._do(self._ready.writing, self._socket.send, rest[:PIECE], timeout)
            rest = rest[sent:]
        self._cut = False

    def _lock(self) -> asyncio.Lock:
        if self._writing is None:
            self._writing = asyncio.Lock()
        return self._writing

    def _begin_writing(self) -> None:
        """From here on the peer is in the middle of something, until all is sent."""
        if self._cut or self._closing:
            raise ConnectionAbortedError("closed on our side")
        self._cut = True

    def _try(self, side: Side, step: Callable[[A], T], argument: A) -> T | Side:
        """Do a step that moves bytes in the direction of `side`, or return the side to wait for before trying again."""
        try:
            return step(argument)
        except ssl.SSLWantReadError:
            return self._ready.reading
        except ssl.SSLWantWriteError:
            return self._ready.writing
        except BlockingIOError:
            return side
        except OSError as error:
            raise failure(error) from None
        finally:
            side.wake()

    async def _do(
        self,
        side: Side,
        step: Callable[[A], T],
        argument: A,
        timeout: float | None = None,
        *,
        until: float | None = None,
    ) -> T:
        """Do a step as soon as the socket lets us. `timeout` is for each wait; `until`, by the clock, for all."""
        while isinstance(done := self._try(side, step, argument), Side):
            await done.wait(self._ready.deadline(timeout) if until is None else until)
            if self._ready.stopped:
                raise ConnectionAbortedError("closed on our side")
        return done

    async def _take_turn(self) -> None:
        """Let others run now and then: a peer that always has something for us must not have us to itself."""
        self._turns += 1
        if self._turns > TURNS:
            self._turns = 0
            await asyncio.sleep(0)

    def _receive(self, limit: int) -> bytes:
        if self._closing:
            raise ConnectionAbortedError("closed on our side")
        connected = self._socket
        return connected.read(limit) if isinstance(connected, ssl.SSLSocket) else connected.recv(limit)

    def _low_water(self, octets: int) -> None:
        """Be told of what comes once it is so much (socket(7), SO_RCVLOWAT)."""
        with contextlib.suppress(OSError):  # it was closed meanwhile, which whoever reads next is told
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, octets)


def _peek(connected: socket.socket, octets: int) -> bytes:
    return socket.socket.recv(connected, octets, socket.MSG_PEEK)  # of one that is prepared for TLS too
