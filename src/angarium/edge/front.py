"""A front: another machine's address, through which people reach a relay whose own address is blocked.

It hands bytes on, both ways, as they are. TLS begins at the app and ends at the relay, so a front sees neither
passwords nor names nor messages; it does see who connects, when, and how much passes, and the relay sees the front's
address in place of the person's. Nothing of that is kept: no log line, no count, no table names an address.

Refuses to know what is spoken, and whose relay it is: an address and some ports are all it is given.
"""

import contextlib
import re
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence

from angarium.edge.doors import Door, bind_port
from angarium.edge.listener import Listener
from angarium.edge.settings import Limits
from angarium.reach.connect import connect
from angarium.reach.descriptors import raise_limit
from angarium.reach.passage import passage
from angarium.reach.transport import Connection

__all__ = ["BadPorts", "read_ports", "serve_front"]

PORT = re.compile(r"(?P<here>\d{1,5})(:(?P<there>\d{1,5}))?", re.ASCII)
MOST_PORTS = 16
REACH_SECONDS = 30.0
"""Time to reach the relay."""


class BadPorts(ValueError):
    """A list of ports cannot be read. The text says how one looks."""


def read_ports(text: str) -> dict[int, int]:
    """Read `443,10993:993`: ports of the front, and where they lead at the relay; by the front's.

    Raises:
        BadPorts: see there.
    """
    found: dict[int, int] = {}
    for one in text.split(","):
        parts = PORT.fullmatch(one.strip())
        here, there = (int(parts["here"]), int(parts["there"] or parts["here"])) if parts else (0, 0)
        if not (0 < here < 65_536 and 0 < there < 65_536) or here in found:
            raise BadPorts(f"expected ports such as 443,993,465 or 10443:443, found {text!r}")
        found[here] = there
    if len(found) > MOST_PORTS:
        raise BadPorts(f"expected at most {MOST_PORTS} ports")
    return found


async def serve_front(
    relay: str,
    ports: Mapping[int, int],
    *,
    addresses: Sequence[str] = (),
    connections: int,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Hand on what comes in at `ports` to the relay's, until cancelled; `ready` is called once that is so.

    `relay` is an IP address or a name, which this machine's resolver is asked for at each connection; `addresses` are
    those to listen at, none: all. At most so many `connections` at once; who comes then is turned away.

    Raises:
        CannotListen: a port is not to be had. Nothing is listened on then.
    """
    room = max(raise_limit(2 * connections) // 2, 1)  # each connection is two

    async def through(door: Door, person: Connection) -> None:
        try:
            onward = await connect(relay, ports[door.port], timeout=REACH_SECONDS)
        except (OSError, TimeoutError):
            person.abort()
            return
        await passage(person, onward)

    listener = Listener(Limits(connections=min(room, connections)), through, _never)
    listener.adopt(_bound(ports, addresses))
    try:
        ready()
        await listener.run()
    finally:
        listener.close()


def _bound(ports: Mapping[int, int], addresses: Sequence[str]) -> list[tuple[Door, socket.socket]]:
    with contextlib.ExitStack() as undo:
        bound: list[tuple[Door, socket.socket]] = []
        for port in ports:
            for one in bind_port(port, addresses):
                undo.callback(one.close)
                bound.append((Door(str(port), one.getsockname()[0], port, tls=False), one))
        undo.pop_all()
        return bound


def _never(door: Door) -> ssl.SSLContext:
    raise AssertionError(f"{door.name}: a front has no TLS of its own")
