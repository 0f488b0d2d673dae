"""Connections made ready before anybody has come: whoever connects takes a seat, and TLS is begun already.

To make one takes longer than everything else that is done until a hello is answered, and strangers compare how long
that takes. There are a few, made while nobody waits for them; who finds none has his own made.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

from angarium.reach.transport import Connection

__all__ = ["Seats"]

MOST = 8
"""Connections that are ready; each is a descriptor and some kilobytes."""
REST_SECONDS = 0.005
"""After somebody has come, before another is made: he is not done with by then, but is answered."""


class Seats:
    """Those of one door."""

    def __init__(self, context: Callable[[], ssl.SSLContext]) -> None:
        """`context` gives the one for TLS, of the moment."""
        self._context = context
        self._ready: list[tuple[ssl.SSLContext, Connection]] = []
        self._making: asyncio.TimerHandle | None = None
        self._closed = False

    def seat(self, accepted: socket.socket) -> Connection | None:
        """The connection in which somebody is from here on, whose socket is closed; None: there is none ready."""
        self._make_later()
        context = self._context()
        while self._ready:
            among, connection = self._ready.pop()
            if among is context:
                try:
                    connection.seat(accepted)
                except OSError:
                    connection.abort()
                    return None
                return connection
            connection.abort()  # there is another certificate by now
        return None

    def make(self) -> None:
        """Make ready as many as there are to be. Where the system has none left, there are fewer."""
        self._making = None
        try:
            while len(self._ready) < MOST and not self._closed:
                context = self._context()
                self._ready.append((context, Connection.vacant(context)))
        except OSError:
            pass

    def close(self) -> None:
        """Give up those that are ready."""
        self._closed = True
        while self._ready:
            self._ready.pop()[1].abort()

    def _make_later(self) -> None:
        if self._making is None:
            self._making = asyncio.get_running_loop().call_later(REST_SECONDS, self.make)
