"""The proxy that the app speaks to: tunnels to this relay's own services, for who has a pass.

As a rule it is an HTTPS proxy (`https://user:password@host:443`). To who watches the line that is HTTPS to a web site;
the app says nothing of mail until it is inside. Who has no pass is answered as to any request for what is not there:
this file says None, and so there is no telling a proxy from none. What else may lead here (`edge/socks`,
`edge/shadowsocks`) has its own way to say who asks, and leads to the same goals by `lead`.

What may be reached: this relay under any of its names, by the ports it tells apps, the standard ones, and their high
ones (accounts outlive settings); and, word for word, what the keeper has listed. The relay's own services are not
dialled: the tunnel's other end is handed to the listener as if it had been accepted at a door. A host in the list that
DNS leads into a local network is not dialled.

Only services where the client speaks first are reached: the app takes what comes with our 200 for a part of it.

RFC 9110, 9.3.6 (CONNECT).
"""

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from angarium.edge.doors import HIGH
from angarium.edge.pages.exchange import Request
from angarium.edge.ragged import Ragged
from angarium.reach.dialer import Addresses, dial
from angarium.reach.names import canonical
from angarium.reach.passes import Passes
from angarium.reach.resolver import NoSuchName, Unanswered
from angarium.reach.splice import End, splice
from angarium.reach.transport import Connection
from angarium.wire.connect import credentials, target

__all__ = ["STANDARD", "Onward", "Tunnels"]

STANDARD = {993: "imaps", 465: "submissions", 443: "within"}
"""What the relay's own ports mean inside, as do their high ones (10993), wherever it listens outside. `within` is the
https door as those see it who are in already: pages, and IMAP and submission by ALPN."""
FRAMING = {"content-length", "transfer-encoding"}
DIAL_SECONDS = 20.0
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
"""To who has a pass: without a body, or the app waits for more."""
BUFFER = 65_536
"""What the kernel holds of a tunnel between us and ourselves, each way, in bytes."""

Onward = Callable[[End, bytes], Awaitable[None]]
"""Takes a connection over, says these bytes, and passes everything on until it is over."""


@dataclass(frozen=True, slots=True)
class Tunnels:
    """All tunnels through this relay."""

    passes: Passes
    local: Callable[[str], bool]
    """Whether a name is this relay's own."""
    ports: Callable[[], Mapping[str, int]]
    """Where it listens, by door."""
    receive: Callable[[str, socket.socket], None]
    """Takes a connected socket as if it had come to the door of that name."""
    addresses: Addresses
    allow: Sequence[str]
    """Other hosts that may be reached, as HOST:PORT."""
    write_seconds: float
    """How long a side may leave our bytes unread."""
    _open: dict[str, set[End]] = field(default_factory=dict)

    async def __call__(self, request: Request) -> Onward | None:
        """Where a request leads; None: it is from somebody without a pass."""
        user = self._user(request)
        if user is None:
            return None
        exact = request.headers.get("host") == request.path and not request.query
        return (await self.lead(user, request.path) if exact else None) or self._refuse

    async def lead(self, user: str, authority: str) -> Onward | None:
        """Where a user leads who asks for HOST:PORT; None: that is not to be reached."""
        goal = target(authority)
        if goal is None:
            return None
        if (door := self._door(*goal)) is not None:
            return partial(self._inward, user, door)
        if (listed := self._listed(*goal)) is None:
            return None
        try:
            return partial(self._onward, user, await dial(self._outside, *listed, timeout=DIAL_SECONDS))
        except (OSError, NoSuchName, Unanswered):
            return None

    def known(self, request: Request) -> bool:
        """Whether this is from somebody who has a pass."""
        return self._user(request) is not None

    def cut(self, user: str) -> None:
        """End all tunnels of a user, at once."""
        for connection in self._open.get(user, ()):
            connection.abort()

    def _user(self, request: Request) -> str | None:
        """Who asks for a tunnel; None: somebody without a pass, or in no way that the app would."""
        lines = request.every("proxy-authorization")
        if request.method != "CONNECT" or FRAMING & set(request.headers) or len(lines) != 1:
            return None
        given = credentials(lines[0])
        return given[0] if given is not None and self.passes.admits(*given) else None

    def _door(self, host: str, port: int) -> str | None:
        if not self.local(host):
            return None
        listening = {number: name for name, number in self.ports().items()}
        name = listening.get(port)
        if name in STANDARD.values():
            return name
        return "within" if name == "https" else STANDARD.get(port) or STANDARD.get(port - HIGH)

    def _listed(self, host: str, port: int) -> tuple[str, int] | None:
        """What the keeper wrote; what was asked for is never dialled itself."""
        asked = canonical(host)
        for line in self.allow if asked else ():
            listed = target(line)
            if listed and listed[1] == port and canonical(listed[0]) == asked:
                return listed
        return None

    async def _outside(self, host: str) -> Sequence[str]:
        """The addresses of a host in the list, and of a name those only that lie outside."""
        found = await self.addresses(host)
        if canonical(host) in found:  # the keeper has listed the address itself
            return found
        outside = [address for address in found if ipaddress.ip_address(address).is_global]
        if not outside:
            raise NoSuchName("no address outside")
        return outside

    async def _refuse(self, near: End, greeting: bytes) -> None:
        await near.write(REFUSAL, timeout=self.write_seconds)

    async def _inward(self, user: str, door: str, near: End, greeting: bytes) -> None:
        try:
            ours, theirs = socket.socketpair()
        except OSError:
            raise ConnectionAbortedError("no file descriptors left") from None
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.receive(door, theirs)
        await self._onward(user, Connection(ours), near, greeting)

    async def _onward(self, user: str, far: Connection, near: End, greeting: bytes) -> None:
        mine = self._open.setdefault(user, set())
        mine.add(near)
        try:
            if self.passes.has(user):  # it may have been taken back while we were dialling
                if greeting:
                    await near.write(greeting, timeout=self.write_seconds)
                await splice(Ragged(near), far, timeout=self.write_seconds)
        finally:
            mine.discard(near)
            if not mine:
                self._open.pop(user, None)
            await far.close()
