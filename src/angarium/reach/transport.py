"""One connection over TCP, in clear or in TLS, read and written without a buffer of its own.

asyncio's TLS keeps some 276 KiB for every connection, and uvloop's 43; a relay holds thousands that say nothing for
minutes. Here the socket is OpenSSL's own: nothing is allocated while a connection idles, a read takes what the kernel
has, and a write returns when the kernel has it. That is all the back-pressure there is: no queue, so none that grows.

Refuses to know what the bytes mean, and who the peer is: nothing here can be asked for an address.

Invariants
* OpenSSL wants a write that could not be finished to be tried again with the same bytes: pieces of at most one TLS
  record (16 KiB), one at a time.
* Either direction of TLS may have to wait for the other one of the socket. Whoever waits crosswise is woken by the task
  that moves that direction.
* A read that is cancelled or times out takes nothing. A write that is cut short leaves the peer in the middle of
  something: nothing can be written after it, and the connection ends without a goodbye.
* OpenSSL may hold decrypted bytes the kernel knows nothing of: only a read that took less than it might have may be
  followed by one that waits before it tries. (OpenSSL reads record by record, so that nothing lies beyond that.)
* Only `close`, `leave` and `linger` end a connection in TLS in order. However else it ends, with the process killed
  too, the peer gets a reset: the app takes an orderly end in the middle of a message for the end of the answer, and
  never asks again (docs/quirks.md).

RFC 8446, 6.1 (close_notify); RFC 3207, 4.2 and RFC 3501, 6.2.1 (STARTTLS).
"""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from angarium.reach.openssl import connection_of, library
from angarium.reach.readiness import Readiness, Side
from angarium.reach.tcp_info import bytes_sent

__all__ = ["PIECE", "Connection", "NoRoute", "connect"]

A = TypeVar("A")
T = TypeVar("T")

PIECE = 16_384
"""The most that is read or written at once, in bytes: one TLS record (RFC 8446, 5.1)."""
TURNS = 16
"""Pieces moved, after which other connections have their turn."""
GOODBYE_SECONDS = 1.0
"""Time for a polite end, both sides together."""
LEFT_BEHIND = 16_709
"""Bytes taken out of the kernel before a connection is closed: as many as OpenSSL's own buffer has room for."""
GOODBYE_PIECES = 64
"""How much is read and thrown away meanwhile. What lies unread when a socket is closed makes the kernel send a reset,
and a reset may overtake our last words."""
NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
WOULD_WAIT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
NO_RESET = struct.pack("ii", 0, 0)


class NoRoute(ConnectionError):
    """This machine knows no way to that address."""


class Connection:
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

    @property
    def resumed(self) -> bool:
        """Whether the TLS session is one from an earlier connection."""
        return isinstance(self._socket, ssl.SSLSocket) and bool(self._socket.session_reused)

    @property
    def session(self) -> ssl.SSLSession | None:
        """What lets a client resume this TLS session in another connection. Complete once something was read."""
        return self._socket.session if isinstance(self._socket, ssl.SSLSocket) else None

    @property
    def peer_certificate(self) -> bytes | None:
        """The certificate that the peer showed in TLS, in DER, whether or not anybody vouches for it."""
        return self._socket.getpeercert(binary_form=True) if isinstance(self._socket, ssl.SSLSocket) else None

    @property
    def sent(self) -> int:
        """Bytes sent on the wire, as `reach.tcp_info` counts them. Raises OSError as `bytes_sent` does."""
        return bytes_sent(self._socket)

    def settle(self) -> None:
        """No longer a newcomer: from here on it has precedence over those who are patient."""
        self._ready.settle()

    async def read(self, limit: int = PIECE, *, timeout: float | None = None) -> bytes:
        """What the peer sent, at least one byte and at most `limit`; nothing: it has ended, politely or not.

        Raises:
            TimeoutError: nothing came for `timeout` seconds.
            ConnectionError: the network or TLS failed, or the connection was closed on our side.
        """
        if self._back:
            taken, self._back = self._back[:limit], self._back[limit:]
            return taken
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
        if self._back:
            return await self.read(limit)
        if not self._more and not self._closing:
            return None
        await self._take_turn()
        got = self._try(self._ready.reading, self._receive, limit)
        if isinstance(got, Side):
            self._more = False
            return None
        self._more = len(got) == limit
        return got

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

    def rouse(self) -> None:
        """End the wait for `readable`; `take` finds nothing then. Does nothing where nobody waits."""
        if self._ready.reading.wake():
            self._more = False

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

    async def finish(self) -> None:
        """Say that nothing follows from our side, and go on hearing the other. In clear only.

        Raises:
            ConnectionError: the network failed, an earlier write was cut short, or the connection was closed.
        """
        assert not self.secure
        async with self._lock():
            self._begin_writing()
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError as error:
                raise _failure(error) from None
            self._cut = False

    async def start_tls(self, context: ssl.SSLContext, *, timeout: float) -> None:
        """Begin TLS as the server, at once or behind STARTTLS. No other task may be using the connection.

        What was given back by `unread` came in clear, from the peer or from somebody in between who hopes to have it
        taken for the peer's: it ends the connection. What lies in the kernel goes to TLS and fails there.

        Raises:
            TimeoutError: the handshake took longer than `timeout` seconds; the connection is closed.
            ConnectionError: the handshake failed; the connection is closed.
        """
        await self._handshake(partial(context.wrap_socket, server_side=True), timeout)

    async def start_tls_client(
        self,
        context: ssl.SSLContext,
        server_name: str | None,
        *,
        timeout: float,
        session: ssl.SSLSession | None = None,
    ) -> None:
        """Begin TLS as the client, with the name to be sent and checked. Raises as `start_tls` does."""
        await self._handshake(partial(context.wrap_socket, server_hostname=server_name, session=session), timeout)

    async def close(self) -> None:
        """Finish what is being written, say goodbye (close_notify, FIN), wait a second for the peer's. Idempotent."""
        if not self._begin_to_end():
            return
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                async with self._lock():
                    await self._say_goodbye()
                await self._hear_goodbye()
        except OSError:
            pass  # TimeoutError and ConnectionError too: it ends now in any case
        finally:
            if self._cut:
                self.abort()
            self._release()

    def leave(self, *, silent: bool = False) -> None:
        """Say goodbye (close_notify, unless `silent`; FIN), and do not wait for the peer's. Idempotent."""
        if not self._begin_to_end():
            return
        try:
            if self._cut:
                raise ConnectionAbortedError("in the middle of something")
            self._swallow()
            if isinstance(self._socket, ssl.SSLSocket) and not silent:
                with contextlib.suppress(ssl.SSLWantWriteError):
                    _close_notify(self._socket)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_RESET)
        except OSError:
            self.abort()
        self._release()

    async def linger(self, *, silence: float, most: float) -> None:
        """Say goodbye, and throw away what comes until the peer ends too, for so many seconds at most. Idempotent."""
        if not self._begin_to_end():
            return
        with contextlib.suppress(OSError):  # TimeoutError and ConnectionError too
            async with asyncio.timeout(most):
                async with self._lock():
                    await self._say_goodbye()
                while await self._do(self._ready.reading, self._socket.recv, PIECE, silence):
                    await self._take_turn()
        if self._cut:
            self.abort()
        self._release()

    def fill(self, octets: int) -> bool:
        """Fill up what is written from here on, record by record, to so many octets or a multiple of that, the octet of
        its kind included (RFC 8446, 5.4); 0: leave it as it is. False: that cannot be done here, or before TLS 1.3.
        """
        if not isinstance(self._socket, ssl.SSLSocket) or self._socket.version() != "TLSv1.3":
            return False
        found = connection_of(self._socket)
        if found is not None:
            library().SSL_set_block_padding(found[0], octets)
        return found is not None

    @property
    def waiting(self) -> bool:
        """Whether the peer has said more than was read."""
        if self._back:
            return True
        try:
            if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
                return True
            return bool(socket.socket.recv(self._socket, 1, socket.MSG_PEEK))
        except (OSError, ValueError):
            return False

    def abort(self) -> None:
        """End now: the kernel throws away what it has not sent. Whoever waits is told. Idempotent."""
        if self._socket.fileno() >= 0:
            with contextlib.suppress(OSError):  # the peer was first
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._release()

    def _write_at_once(self, data: bytes) -> int:
        """Send what the kernel has room for now, which is nearly always all; return how much."""
        self._begin_writing()
        try:
            sent = self._socket.send(data)
        except WOULD_WAIT:
            sent = 0
        except OSError as error:
            raise _failure(error) from None
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

    def _begin_to_end(self) -> bool:
        """Nothing is read or written from here on, and who reads is told; False: it had begun before."""
        if self._closing:
            return False
        self._closing = True
        self._ready.reading.wake()
        return True

    def _release(self) -> None:
        self._closing = True
        self._back = b""
        self._ready.stop()
        self._socket.close()

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
            raise _failure(error) from None
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

    async def _handshake(self, wrap: Callable[[socket.socket], ssl.SSLSocket], timeout: float) -> None:
        try:
            if self._back:
                raise ConnectionAbortedError("bytes in clear where TLS should begin")
            until = self._ready.deadline(timeout)
            async with self._lock():
                tls = self._wrap(wrap)
                await self._do(self._ready.reading, tls.do_handshake, False, until=until)
        except BaseException:
            self._swallow()
            self._release()
            raise
        tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._writing = None  # nobody else was to use it
        self.secure = True
        self.alpn = tls.selected_alpn_protocol()

    def _wrap(self, wrap: Callable[..., ssl.SSLSocket]) -> ssl.SSLSocket:
        try:
            tls = wrap(self._socket, do_handshake_on_connect=False)
        except OSError as error:
            raise _failure(error) from None
        self._socket = tls
        return tls

    def _low_water(self, octets: int) -> None:
        """Be told of what comes once it is so much (socket(7), SO_RCVLOWAT)."""
        with contextlib.suppress(OSError):  # it was closed meanwhile, which whoever reads next is told
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, octets)

    def _swallow(self) -> None:
        """Take out of the kernel what was not read, or it would send a reset in place of our last words."""
        with contextlib.suppress(OSError):
            socket.socket.recv(self._socket, LEFT_BEHIND)

    async def _say_goodbye(self) -> None:
        if self._cut:
            raise ConnectionAbortedError("in the middle of something")
        self._cut = True
        if isinstance(self._socket, ssl.SSLSocket):
            await self._do(self._ready.writing, _close_notify, self._socket)
        self._socket.shutdown(socket.SHUT_WR)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_RESET)
        self._cut = False

    async def _hear_goodbye(self) -> None:
        for _ in range(GOODBYE_PIECES):
            # shutdown() has taken TLS off, so this reads what is on the wire, which is all we want to know of it
            if not await self._do(self._ready.reading, self._socket.recv, PIECE):
                return


async def connect(
    host: str,
    port: int,
    context: ssl.SSLContext | None = None,
    alpn: Sequence[str] = (),
    timeout: float = 30.0,
    *,
    server_name: str | None = None,
    session: ssl.SSLSession | None = None,
) -> Connection:
    """Connect to a server, and begin TLS if a `context` is given. Its ALPN list is set to `alpn` where that names any.

    The certificate is checked against `server_name`, or else `host`, if the context says so.

    Raises:
        TimeoutError: not done within `timeout` seconds.
        ConnectionError: no address, nobody listens there, or the handshake failed.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout
    async with asyncio.timeout_at(deadline):
        connection = Connection(await _dial(host, port))
    if context is not None:
        if alpn:
            context.set_alpn_protocols(list(alpn))
        await connection.start_tls_client(context, server_name or host, timeout=deadline - clock(), session=session)
    return connection


async def _dial(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    failure: OSError = ConnectionError("the name has no address")
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConnectionError(f"the name cannot be looked up: {error.strerror}") from None
    for family, kind, protocol, _, address in found:
        dialed = socket.socket(family, kind, protocol)
        try:
            dialed.setblocking(False)
            await loop.sock_connect(dialed, address)
        except OSError as error:
            dialed.close()
            failure = error
        except BaseException:
            dialed.close()
            raise
        else:
            return dialed
    raise _failure(failure) from None


def _peek(connected: socket.socket, octets: int) -> bytes:
    return connected.recv(octets, socket.MSG_PEEK)


def _close_notify(tls: ssl.SSLSocket) -> None:
    try:
        tls.unwrap()
    except ssl.SSLWantWriteError:
        raise
    except ssl.SSLError:
        pass  # ours is out; theirs may never come, or what they said before it was not read


def _failure(error: OSError) -> ConnectionError:
    """The same failure as a ConnectionError, without the place in OpenSSL's source, and never with an address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectionError(f"TLS: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return ConnectionError(f"TLS: {(error.reason or 'failed').lower().replace('_', ' ')}")
    if isinstance(error, ConnectionError):
        return error
    kind = NoRoute if error.errno in NO_ROUTE else ConnectionError
    return kind(os.strerror(error.errno) if error.errno else "failed")
