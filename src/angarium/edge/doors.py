"""The ports a relay listens on: which of them may be had, and the sockets bound to them.

A port that is set to a number is bound or it is an error. One that is left open is first sought where it was last time,
because invitations carry it; then at its standard number, then at a high one that needs no privilege (10993 for 993),
then anywhere. All addresses of a door have the same port.

Refuses to know what is spoken there.
"""

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from angarium.edge.settings import Listen

__all__ = ["HIGH", "CannotListen", "Door", "bind_doors", "bind_port", "bind_within", "share_doors"]

STANDARD = {
    "imaps": (993, True),
    "submissions": (465, True),
    "https": (443, True),
    "imap": (143, False),
    "submission": (587, False),
    "http": (80, False),
    "smtp": (25, False),
    "socks": (1080, False),
    "shadowsocks": (8388, False),
}
"""The doors: their standard ports, and whether TLS begins with the first byte."""
HIGH = 10_000
"""What is added to a standard port for its high one."""
TRIES = 20
"""How often a port is sought that is free on all addresses."""
BACKLOG = 4096
"""Connections the kernel keeps for us until we accept them; it may keep fewer."""
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - a relay is there for others
WITHIN = "127.0.0.1"
NO_SUCH_FAMILY = {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.EADDRNOTAVAIL}
NOT_TO_BE_HAD = {errno.EADDRINUSE, errno.EACCES, errno.EPERM}


@dataclass(frozen=True, slots=True)
class Door:
    """One address and port the relay listens on. `name` is what the settings call it."""

    name: str
    address: str
    port: int
    tls: bool


class CannotListen(Exception):
    """A door is not to be had. The text says which, why, and what to do."""


def bind_doors(listen: Listen, remembered: Mapping[str, int]) -> list[tuple[Door, socket.socket]]:
    """Listen at every door that is not off; `remembered` are the ports of last time, by name.

    Raises:
        CannotListen: see there. Nothing is listened on then.
    """
    with contextlib.ExitStack() as undo:
        bound = []
        for name, (standard, tls) in STANDARD.items():
            wanted: int = getattr(listen, name)
            if wanted < 0:
                continue
            ports = [wanted] if wanted else [*_candidates(listen.ports, standard, remembered.get(name, 0))]
            for port in (ports, *([more] for more in listen.more if name == "https")):
                for one in _bind_first(name, listen.addresses, port):
                    undo.callback(one.close)
                    address, number = one.getsockname()[:2]
                    bound.append((Door(name, address, number, tls), one))
        undo.pop_all()
        return bound


def bind_port(port: int, addresses: Sequence[str]) -> list[socket.socket]:
    """Listen at one port of these addresses; none: of all of this machine.

    Raises:
        CannotListen: see there. Nothing is listened on then.
    """
    try:
        return _bind_all(addresses, port)
    except socket.gaierror:
        raise CannotListen("expected IP addresses of this machine to listen at") from None
    except OSError as error:
        raise CannotListen(f"cannot listen on port {port}: {os.strerror(error.errno or 0)}") from None


def bind_within(names: Collection[str]) -> list[tuple[Door, socket.socket]]:
    """Listen at more doors, at free ports of loopback: for who comes by way of this machine, such as by its tor.

    Raises:
        CannotListen: see there. Nothing is listened on then.
    """
    with contextlib.ExitStack() as undo:
        bound = []
        for name in names:
            (one,) = bind_port(0, [WITHIN])
            undo.callback(one.close)
            bound.append((Door(name, WITHIN, one.getsockname()[1], STANDARD[name][1]), one))
        undo.pop_all()
        return bound


def share_doors(
    bound: Sequence[tuple[Door, socket.socket]], names: Collection[str]
) -> list[tuple[Door, socket.socket]]:
    """More sockets, one at each door of these names, for another process: connections are spread over all there are.

    The kernel chooses by a hash of the addresses (socket(7), SO_REUSEPORT), so each socket has a queue of its own. Only
    sockets of this user can share a port, and only with one whose owner lets them: that is said after it was bound, so
    a port at which another relay listens is found taken, whatever that one does.

    Raises:
        CannotListen: this system cannot do that.
    """
    if not sys.platform.startswith("linux"):
        raise CannotListen("more than one worker needs Linux, which shares ports evenly: set limits.workers to 1")
    with contextlib.ExitStack() as undo:
        more = []
        for door, first in bound:
            if door.name not in names:
                continue
            first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            try:
                one = _bind(door.address, door.port, shared=True)
            except OSError as error:
                raise CannotListen(
                    f"{door.name}: cannot share port {door.port}: {os.strerror(error.errno or 0)}"
                ) from None
            undo.callback(one.close)
            more.append((door, one))
        undo.pop_all()
        return more


def _candidates(ports: str, standard: int, remembered: int) -> Iterator[int]:
    """The ports to try, in turn; 0 is any."""
    if 0 < remembered < 65_536:
        yield remembered
    if ports == "standard":
        yield standard
    if ports != "any":
        yield HIGH + standard
    yield from [0] * TRIES


def _bind_first(name: str, addresses: Sequence[str], ports: Sequence[int]) -> list[socket.socket]:
    """Sockets for all addresses at the first of the ports that all of them let us have."""
    for port in ports:
        try:
            return _bind_all(addresses, port)
        except socket.gaierror:
            raise CannotListen("listen.addresses holds something that is not an IP address") from None
        except OSError as error:
            failure = error
            if error.errno not in NOT_TO_BE_HAD:
                break
    what = f"{name}: cannot listen on port {ports[-1]}" if ports[-1] else f"{name}: cannot listen"
    raise CannotListen(f"{what}: {os.strerror(failure.errno or 0)}. {_advice(failure.errno, name)}")


def _bind_all(addresses: Sequence[str], port: int) -> list[socket.socket]:
    with contextlib.ExitStack() as undo:
        bound = []
        for address in addresses or EVERYWHERE:
            try:
                one = _bind(address, port)
            except OSError as error:
                if not addresses and error.errno in NO_SUCH_FAMILY:
                    continue  # a machine without IPv6, or without IPv4
                raise
            undo.callback(one.close)
            bound.append(one)
            port = one.getsockname()[1]
        if not bound:
            raise OSError(errno.EAFNOSUPPORT, "")
        undo.pop_all()
        return bound


def _bind(address: str, port: int, *, shared: bool = False) -> socket.socket:
    numeric = socket.AI_NUMERICHOST | socket.AI_PASSIVE
    family, _, _, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=numeric)[0]
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(where)
        one.listen(BACKLOG)  # only now does the kernel say whether somebody else listens there
    except BaseException:
        one.close()
        raise
    return one


def _advice(number: int | None, name: str) -> str:
    if number in {errno.EACCES, errno.EPERM}:
        return f"Ports below 1024 need privilege: start as root, or set listen.{name} to a higher port or 0."
    if number == errno.EADDRINUSE:
        return f"Stop the program that listens there, or set listen.{name} to another port or 0."
    return "Correct listen.addresses: each has to be an address of this machine."
