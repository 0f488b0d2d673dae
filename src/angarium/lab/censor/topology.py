"""The lab's ground: people on one side, the world on the other, and between them nothing but the censor's box.

    people ── bridge inside ── in1=in0 [box] out0=out1 ── bridge outside ── relays, names, fronts

Each has a network namespace of its own with one interface and one or more IPv4 addresses, all on the link: nobody
routes. Made in the namespaces of an enclosure (`enclosure`), so that all of it goes when its last process goes. The box
lives where the bridges are; its two interfaces do not speak ARP, so that its own kernel answers nobody.

Offloading is off (SIOCETHTOOL), so that packets have the size and the checksums they have on a wire.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

__all__ = ["INSIDE", "OUTSIDE", "Ground", "through", "within"]

INSIDE, OUTSIDE = "in0", "out0"
"""The interfaces of the box."""
NAMESPACES = Path("/run/netns")
SIOCETHTOOL = 0x8946
OFF = (0x17, 0x1F, 0x24, 0x2C, 0x19)
"""ETHTOOL_STXCSUM, STSO, SGSO, SGRO, SSG (linux/ethtool.h)."""
CLONE_NEWNET = 0x40000000

T = TypeVar("T")


class Ground:
    """The namespaces made so far."""

    def __init__(self) -> None:
        _ip("link set lo up")
        for side, mine, other in (("inside", INSIDE, "in1"), ("outside", OUTSIDE, "out1")):
            Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
            _ip(f"link add {side} type bridge", f"link add {mine} type veth peer name {other}")
            _plain(mine, other)
            _ip(f"link set {mine} arp off up", f"link set {other} master {side} up", f"link set {side} up")
        self._ports: dict[str, str] = {}

    def add(self, name: str, side: str, addresses: Sequence[str]) -> None:
        """Make a namespace on one side, "inside" or "outside", with these addresses."""
        port, end = f"{side[:2]}p{len(self._ports)}", f"end{len(self._ports)}"
        self._ports[port] = name
        _ip(f"netns add {name}", f"link add {port} type veth peer name {end}")
        _plain(port, end)
        _ip(f"link set {port} master {side} up", f"link set {end} netns {name}")
        _ip(
            "link set lo up",
            *(f"addr add {address}/32 dev {end}" for address in addresses),
            f"link set {end} up",
            f"route add default dev {end} src {addresses[0]}",
            namespace=name,
        )
        within(name, lambda: Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("0"))

    def cut(self, name: str) -> None:
        """Pull the plug of a namespace: nobody reaches it any more, and who tries is told so after three seconds.

        That is how long a host asks on its link for an address that it does not know (ARP), as the last router would.
        What is known from before is forgotten by all, or each would go on sending there for up to forty seconds.
        """
        (port,) = (port for port, there in self._ports.items() if there == name)
        _ip(f"link set {port} down")
        for there in self._ports.values():
            _ip("neigh flush all", namespace=there)


def through(name: str) -> tuple[str, ...]:
    """The command that runs a program in a namespace."""
    return "nsenter", f"--net={NAMESPACES / name}", "--"


def within(name: str, work: Callable[[], T]) -> T:
    """Do some work in a namespace: a socket made there stays there. In a thread, since a namespace is a thread's."""
    done: list[T] = []
    failed: list[BaseException] = []

    def enter() -> None:
        try:
            with (NAMESPACES / name).open() as namespace:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(namespace.fileno(), CLONE_NEWNET):
                    raise OSError(number := ctypes.get_errno(), os.strerror(number))
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


def _ip(*lines: str, namespace: str | None = None) -> None:
    command = ["ip", *(["-n", namespace] if namespace else []), "-batch", "-"]
    said = "\n".join(lines) + "\n"
    done = subprocess.run(command, input=said, capture_output=True, text=True, check=False)  # noqa: S603 (ours)
    if done.returncode:
        raise OSError(f"ip: {done.stderr.strip()}")


def _plain(*interfaces: str) -> None:
    """Have the kernel hand over packets as they would be on a wire."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for interface in interfaces:
            for command in OFF:
                value = ctypes.create_string_buffer(struct.pack("II", command, 0))
                request = struct.pack("16sP8x", interface.encode(), ctypes.addressof(value))
                fcntl.ioctl(sock, SIOCETHTOOL, request)
