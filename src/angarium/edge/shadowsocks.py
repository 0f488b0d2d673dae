"""The door of Shadowsocks. **Experimental**, and off unless the keeper opens it: the first packet of a connection is
random from its first octet, which is by itself what the Great Firewall blocks ("How the Great Firewall of China Detects
and Blocks Fully Encrypted Traffic", USENIX Security 2023). It is for networks whose censor does not do that.

One port serves all passes: a connection is opened with the key of each pass in turn, the latest used first, and it is
the one by whose key it opens. That is some 10 µs a pass (docs/decisions/one-port.md); others have their turn
in between.

Whoever knocks without a key learns nothing by it: whatever he sends, is heard out in silence until a moment that was
drawn when he came, and ends in order; so does a recording of somebody's connection, as long as its salt is remembered,
and what somebody on the way has changed ("How China Detects and Blocks Shadowsocks", IMC 2020). Salts are remembered in
memory: the latest `Salts.MOST` or more, also our own, since both directions have one key. Invariant: nothing is sent
before there is an answer from inside the tunnel.

Passes and goals are those of `edge/tunnel`.
"""

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field

from angarium.edge.tunnel import Onward, Tunnels
from angarium.reach.passes import Passes
from angarium.reach.transport import Connection
from angarium.wire.shadowsocks import Cipher, Damaged, Opener, Sealer, master
from angarium.wire.socks import BadGoal, read_goal

__all__ = ["Keys", "Salts", "Shadowsocks", "serve_shadowsocks"]

AT_ONCE = 32
"""Keys tried before others have their turn."""
PATIENCE = 60
"""Seconds that somebody is listened to at least who has not shown a key; at most twice as long."""


class Salts:
    """Salts that were seen: the latest `MOST`, and up to as many before them."""

    MOST = 50_000

    def __init__(self) -> None:
        self._latest: set[int] = set()
        self._before: set[int] = set()

    def new(self, salt: bytes) -> bool:
        """Remember a salt; False: it was here already."""
        mark = int.from_bytes(salt[:8])
        if mark in self._latest or mark in self._before:
            return False
        if len(self._latest) >= self.MOST:
            self._before, self._latest = self._latest, set()
        self._latest.add(mark)
        return True


class Keys:
    """The keys of all passes, the latest used last. A pass that was taken back has none from that moment on."""

    def __init__(self, cipher: Cipher, passes: Passes) -> None:
        self._cipher = cipher
        self._passes = passes
        self._keys: dict[str, bytes] = {}

    async def open(self, said: bytes) -> tuple[str, bytes, Opener] | None:
        """Whose connection begins so, the key, and what opens it; None: nobody's."""
        self._refresh()
        for number, (user, key) in enumerate(reversed(list(self._keys.items())), 1):
            opener = Opener.begin(self._cipher, key, said)
            if opener is not None and self._passes.has(user):
                self._keys.pop(user, None)
                self._keys[user] = key
                return user, key, opener
            if not number % AT_ONCE:
                await asyncio.sleep(0)
        return None

    def _refresh(self) -> None:
        users = self._passes.users()
        if users != self._keys.keys():
            kept = {user: key for user, key in self._keys.items() if user in users}
            made = {user: master(self._cipher, self._passes.shared(user)) for user in users - kept.keys()}
            self._keys = made | kept


@dataclass(frozen=True, slots=True)
class Shadowsocks:
    """What the sessions of one door share."""

    cipher: Cipher
    tunnels: Tunnels
    salts: Salts = field(default_factory=Salts)
    keys: Keys = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", Keys(self.cipher, self.tunnels.passes))


async def serve_shadowsocks(connection: Connection, site: Shadowsocks) -> None:
    """Serve one connection to its end. Raises nothing but CancelledError."""
    connection.settle()  # there is no login to wait for
    patience = PATIENCE * (1 + secrets.randbelow(1000) / 1000)
    onward: Onward | None = None
    try:
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(patience):
                found = await _entered(connection, site)
                if found is None:
                    await _hear_out(connection)
                    return
                user, inside = found
                onward = await _led(inside, user, site.tunnels)
            if onward is not None:
                await onward(inside, b"")
    finally:
        await connection.close()


async def _entered(connection: Connection, site: Shadowsocks) -> "tuple[str, _Inside] | None":
    """Wait until somebody has shown a key; None: that was a stranger, or a recording."""
    said = b""
    while len(said) < site.cipher.begins:
        if not (data := await connection.read()):
            return None
        said += data
    found = await site.keys.open(said)
    if found is None or not site.salts.new(said[: site.cipher.octets]):
        return None
    user, key, opener = found
    connection.unread(said[site.cipher.begins :])
    ours = secrets.token_bytes(site.cipher.octets)
    site.salts.new(ours)
    return user, _Inside(connection, opener, Sealer(site.cipher, key, ours))


async def _led(inside: "_Inside", user: str, tunnels: Tunnels) -> Onward | None:
    """Where somebody who has shown a key is led; None: not where he wants to."""
    head = b""
    try:
        while (goal := read_goal(head)) is None:
            if not (data := await inside.read()):
                return None
            head += data
    except BadGoal:
        return None
    authority, octets = goal
    inside.unread(head[octets:])
    return await tunnels.lead(user, authority)


async def _hear_out(connection: Connection) -> None:
    """Take whatever comes, and say nothing, until the other side has ended."""
    while await connection.read():
        pass


class _Inside:
    """What is spoken inside: an end for `splice`."""

    def __init__(self, outside: Connection, opener: Opener, sealer: Sealer) -> None:
        self._outside = outside
        self._opener = opener
        self._sealer = sealer
        self._back = b""

    async def read(self) -> bytes:
        """As a connection's. What was changed on the way is heard out, as from a stranger."""
        while not self._back:
            if not (data := await self._outside.read()):
                return b""
            with contextlib.suppress(Damaged):
                self._back = self._opener.receive(data)
        taken, self._back = self._back, b""
        return taken

    def unread(self, data: bytes) -> None:
        """Give back what was read last."""
        self._back = data

    async def write(self, data: bytes, *, timeout: float) -> None:
        """As a connection's."""
        await self._outside.write(self._sealer.seal(data), timeout=timeout)

    def abort(self) -> None:
        """As a connection's."""
        self._outside.abort()

    async def close(self) -> None:
        """As a connection's."""
        await self._outside.close()
