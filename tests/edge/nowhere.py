"""A relay that is nothing but tunnels to nowhere, for every door that leads there; and goals that nobody may reach."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from angarium.edge.tunnel import Tunnels
from angarium.reach.names import canonical
from angarium.reach.passes import Passes
from angarium.reach.transport import Connection

__all__ = ["ALLOWED", "HOSTS", "OWN", "PORTS", "PORTS_ASKED", "STRANGE", "Nowhere"]

OWN = {"relay.example", "192.0.2.7", "2001:db8::7"}
PORTS = {"imaps": 10_993, "submissions": 465, "https": 10_443, "imap": 143, "submission": 587, "smtp": 25, "http": 80}
ALLOWED = ["nine.example:993", "[2001:db8::9]:465"]


@dataclass
class Nowhere:
    """Tunnels to nowhere: notes what would have been reached."""

    passes: Passes
    user: str = ""
    password: str = ""
    received: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    inside: list[Connection] = field(default_factory=list)
    found: tuple[str, ...] = ("9.9.9.9",)
    allow: Sequence[str] = tuple(ALLOWED)

    def receive(self, door: str, connected: socket.socket) -> None:
        self.received.append(door)
        self.inside.append(Connection(connected))

    async def addresses(self, host: str) -> Sequence[str]:
        return (host,) if ":" in host else self.found

    def tunnels(self) -> Tunnels:
        def local(name: str) -> bool:
            return canonical(name) in OWN

        return Tunnels(self.passes, local, lambda: PORTS, self.receive, self.addresses, self.allow, 5.0)


HOSTS = [
    *("evil.example", "EVIL.example.", "nine.example.evil.example", "nine.example@evil.example", "x:y@nine.example"),
    *("evil.example#@nine.example", "evil.example/nine.example", "nine.example%2eevil.example", "nine.example%00.evil"),
    *(
        "nine.example\\.evil.example",
        "nine.example,evil.example",
        "nine.example;evil",
        "nine..example",
        ".nine.example",
    ),
    *(
        "*.example",
        "nine",
        "nine.example..",
        "ｎｉｎｅ.example",
        "nine。example",
        "xn--nine.example",
        "relay.example@evil",
    ),
    *("relay.example.evil.example", "evil.relay.example", "relay.example%23", "relay.example%20", "relay.example\t"),
    *(
        "localhost",
        "LOCALHOST.",
        "localhost.localdomain",
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "2130706433",
    ),
    *("0x7f000001", "0x7f.0.0.1", "017700000001", "0177.0.0.1", "127.0.0.1.", "127.000.000.001", "١٢٧.0.0.1", "[::1]"),
    *("[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::7f00:1]", "[0:0:0:0:0:0:0:1]", "[::1%25lo]", "[fe80::1]"),
    *(
        "[::ffff:192.0.2.7]",
        "[64:ff9b::7f00:1]",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "[fd00::1]",
    ),
    *(
        "192.0.2.8",
        "3221225991",
        "0xc0000207",
        "192.0.519",
        "[2001:db8::8]",
        "metadata.google.internal",
        "[nine.example]",
    ),
]
STRANGE = [
    "0",
    "65536",
    "99999999999",
    "+993",
    "0993",
    "993.",
    "993x",
    "0x3e1",
    "٩٩٣",
    "",
    "-1",
    "9_93",
    "993:993",
    "993/",
]
PORTS_ASKED = ["22", "25", "53", "80", "143", "443", "465", "587", "993", "6379", "10993"]
