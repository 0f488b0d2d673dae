"""One connection over TCP, in clear or in TLS: how TLS begins in it, and how it ends.

asyncio's TLS keeps some 276 KiB for every connection, and uvloop's 43; a relay holds thousands that say nothing for
minutes. Here the socket is OpenSSL's own, and its bytes move as `flow` says.

Refuses to know what the bytes mean, and who the peer is: nothing here can be asked for an address.

Invariants (those of moving bytes stand in `flow`)
* Only `close`, `leave` and `linger` end a connection in TLS in order. However else it ends, with the process killed
  too, the peer gets a reset: the app takes an orderly end in the middle of a message for the end of the answer, and
  never asks again (docs/quirks.md).

RFC 8446, 6.1 (close_notify); RFC 3207, 4.2 and RFC 3501, 6.2.1 (STARTTLS).
"""

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import Callable
from functools import partial
from typing import Self

from angarium.reach.failure import failure
from angarium.reach.flow import PIECE, Flow
from angarium.reach.openssl import connection_of, library
from angarium.reach.readiness import Side, Waiter
from angarium.reach.tcp_info import bytes_sent, round_trip

__all__ = ["PIECE", "Connection"]

GOODBYE_SECONDS = 1.0
"""Time for a polite end, both sides together."""
LEFT_BEHIND = 16_709
"""Bytes taken out of the kernel before a connection is closed: as many as OpenSSL's own buffer has room for."""
GOODBYE_PIECES = 64
"""How much is read and thrown away meanwhile. What lies unread when a socket is closed makes the kernel send a reset,
and a reset may overtake our last words."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
NO_RESET = struct.pack("ii", 0, 0)


class Connection(Flow):
    """A connected socket, from its first byte to its end."""

    __slots__ = ()

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

    @property
    def round_trip(self) -> float:
        """Seconds to the peer and back, as `reach.tcp_info` has it. Raises OSError as that does."""
        return round_trip(self._socket)

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
                raise failure(error) from None
            self._cut = False

    @classmethod
    def vacant(cls, context: ssl.SSLContext) -> Self:
        """One for whoever comes next: TLS has begun in it as by `begin_tls`, and nobody is there until `seat`."""
        end, other = socket.socketpair()
        other.close()
        connection = cls(end, patient=True)
        connection.begin_tls(context)
        return connection

    def seat(self, accepted: socket.socket) -> None:
        """Let a socket take the place that was vacant (dup2(2)). Raises OSError where that fails."""
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        os.dup2(accepted.fileno(), self._socket.fileno(), inheritable=False)
        accepted.close()

    async def start_tls(self, context: ssl.SSLContext, *, timeout: float) -> None:
        """Begin TLS as the server, at once or behind STARTTLS. No other task may be using the connection.

        What was given back by `unread` came in clear, from the peer or from somebody in between who hopes to have it
        taken for the peer's: it ends the connection. What lies in the kernel goes to TLS and fails there.

        Raises:
            TimeoutError: the handshake took longer than `timeout` seconds; the connection is closed.
            ConnectionError: the handshake failed; the connection is closed.
        """
        self.begin_tls(context)
        await self._handshake(timeout)

    def begin_tls(self, context: ssl.SSLContext) -> None:
        """The first half of `start_tls`, for who goes on with `shake`; as a server does that makes ready while nothing
        has been said, until `in_clear`. Raises ConnectionError as that does.
        """
        self._wrap(partial(context.wrap_socket, server_side=True))

    def in_clear(self) -> None:
        """Take `begin_tls` back, of whose handshake nothing has been said: it is not to be TLS, or later."""
        tls = self._socket
        if isinstance(tls, ssl.SSLSocket):
            self._socket = socket.socket(fileno=tls.detach())
            self._socket.setblocking(False)

    def shake(self, waiter: Waiter, *, until: float) -> bool:
        """The other half, in steps that wait for nobody: go on with the handshake, and return whether it is over.

        If it is not, `waiter` is told when to do it again, or that it is `until`, by the loop's clock.

        Raises:
            ConnectionError: the handshake failed; the connection is closed.
        """
        tls = self._socket
        assert isinstance(tls, ssl.SSLSocket)
        try:
            side = self._try(self._ready.reading, tls.do_handshake, False)
        except ConnectionError:
            self._give_up()
            raise
        if isinstance(side, Side):
            side.tell(waiter, until)
            return False
        self._shaken(tls)
        return True

    async def start_tls_client(
        self,
        context: ssl.SSLContext,
        server_name: str | None,
        *,
        timeout: float,
        session: ssl.SSLSession | None = None,
    ) -> None:
        """Begin TLS as the client, with the name to be sent and checked. Raises as `start_tls` does."""
        self._wrap(partial(context.wrap_socket, server_hostname=server_name, session=session))
        await self._handshake(timeout)

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
        if self._begin_to_end():
            self._swallow()
            self._depart(silent=silent)

    async def linger(self, *, silence: float, most: float, more: bool = True) -> None:
        """Say goodbye, and throw away what comes until the peer ends too, for so many seconds at most. Idempotent.

        Without `more` that is done only where the peer has said more than was read; else nothing is waited for. In the
        midst of a write it ends as by `abort`.
        """
        if (not more and self.part()) or not self._begin_to_end():
            return
        clock = self._ready.loop.time
        last = clock() + most
        with contextlib.suppress(OSError):  # TimeoutError and ConnectionError too
            await self._say_goodbye(last)
            while (left := last - clock()) > 0:
                if not await self._do(self._ready.reading, self._socket.recv, PIECE, min(silence, left)):
                    break
                await self._take_turn()
        if self._cut:
            self.abort()
        self._release()

    def part(self) -> bool:
        """Say goodbye and be gone, where the peer has said nothing that was not read. False: he has; `linger`."""
        if not self._closing and self._unread():
            return False
        if self._begin_to_end():
            self._depart()
        return True

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

    def abort(self) -> None:
        """End now: the kernel throws away what it has not sent. Whoever waits is told. Idempotent."""
        if self._socket.fileno() >= 0:
            with contextlib.suppress(OSError):  # the peer was first
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._release()

    def _begin_to_end(self) -> bool:
        """Nothing is read or written from here on, and who reads is told; False: it had begun before."""
        if self._closing:
            return False
        self._closing = True
        self._ready.reading.wake()
        return True

    def _depart(self, *, silent: bool = False) -> None:
        """Say goodbye, and be gone; nothing of the peer's lies unread."""
        try:
            if self._cut:
                raise ConnectionAbortedError("in the middle of something")
            if isinstance(self._socket, ssl.SSLSocket) and not silent:
                with contextlib.suppress(ssl.SSLWantWriteError):
                    _close_notify(self._socket)
            self._socket.shutdown(socket.SHUT_WR)  # the peer hears of it before it is all done
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_RESET)
        except OSError:
            self.abort()
        self._release()

    def _release(self) -> None:
        self._closing = True
        self._back = b""
        self._ready.stop()
        self._socket.close()

    def _wrap(self, wrap: Callable[..., ssl.SSLSocket]) -> None:
        try:
            if self._back:
                raise ConnectionAbortedError("bytes in clear where TLS should begin")
            self._socket = wrap(self._socket, do_handshake_on_connect=False)
        except BaseException as error:
            self._give_up()
            if isinstance(error, OSError):
                raise failure(error) from None
            raise

    async def _handshake(self, timeout: float) -> None:
        tls = self._socket
        assert isinstance(tls, ssl.SSLSocket)
        until = self._ready.deadline(timeout)
        try:
            await self._do(self._ready.reading, tls.do_handshake, False, until=until)
        except BaseException:
            self._give_up()
            raise
        self._shaken(tls)

    def _shaken(self, tls: ssl.SSLSocket) -> None:
        tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.secure = True
        self.alpn = tls.selected_alpn_protocol()

    def _give_up(self) -> None:
        self._swallow()
        self._release()

    def _swallow(self) -> None:
        """Take out of the kernel what was not read, or it would send a reset in place of our last words."""
        with contextlib.suppress(OSError):
            socket.socket.recv(self._socket, LEFT_BEHIND)

    def _unread(self) -> bool:
        """Whether the peer has said more than was read."""
        if self._back or (self._more and isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()):
            return True
        try:
            return bool(socket.socket.recv(self._socket, 1, socket.MSG_PEEK))
        except OSError:
            return False

    async def _say_goodbye(self, until: float | None = None) -> None:
        """`until`, by the loop's clock, there is waited for room to say it."""
        if self._cut:
            raise ConnectionAbortedError("in the middle of something")
        self._cut = True
        if isinstance(self._socket, ssl.SSLSocket):
            await self._do(self._ready.writing, _close_notify, self._socket, until=until)
        self._socket.shutdown(socket.SHUT_WR)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_RESET)
        self._cut = False

    async def _hear_goodbye(self) -> None:
        for _ in range(GOODBYE_PIECES):
            # shutdown() has taken TLS off, so this reads what is on the wire, which is all we want to know of it
            if not await self._do(self._ready.reading, self._socket.recv, PIECE):
                return


def _close_notify(tls: ssl.SSLSocket) -> None:
    try:
        tls.unwrap()
    except ssl.SSLWantWriteError:
        raise
    except ssl.SSLError:
        pass  # ours is out; theirs may never come, or what they said before it was not read
