"""What a test has done in an enclosure: `python -m tests.lab.censor.inside WHAT` does it and prints JSON.

There is no relay and no core in it: a server that echoes and one that shakes hands stand for the relay, so that only
the censor's own work is looked at.
"""

import asyncio
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import trustme

from angarium.lab.censor import naive
from angarium.lab.censor.box import Box, box
from angarium.lab.censor.enclosure import RESOLVER, furnish
from angarium.lab.censor.gardens import TWINS, furnish_sites, gardens, settle
from angarium.lab.censor.judges.connections import ShortLife
from angarium.lab.censor.link import BAD
from angarium.lab.censor.names import answer
from angarium.lab.censor.probes import PROBES
from angarium.lab.censor.scenarios import DOMAIN, ECHO, RELAY, SCENARIOS, Scenario
from angarium.lab.censor.sighting import look
from angarium.lab.censor.sites import LIKES, STOCK
from angarium.lab.censor.topology import INSIDE, OUTSIDE, Ground, within

CLIENT = "198.51.100.9"
PATIENT, IMPATIENT = 10.0, 0.5
"""Seconds for a naive client."""


def listening(namespace: str, port: int, serve: Callable[[socket.socket], None]) -> None:
    """Serve each connection to a port of a namespace, in threads."""
    server = within(namespace, lambda: socket.create_server(("", port)))

    def accept() -> None:
        while True:
            sock, _ = server.accept()
            threading.Thread(target=serve, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def echo(sock: socket.socket) -> None:
    """Send everything back."""
    try:
        while data := sock.recv(1 << 16):
            sock.sendall(data)
    except OSError:
        pass
    sock.close()


def shake_hands(sock: socket.socket) -> None:
    """A TLS handshake, and no more."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["imap", "smtp", "http/1.1"])
    trustme.CA().issue_cert("relay.example").configure_cert(context)
    try:
        context.wrap_socket(sock, server_side=True).close()
    except OSError:
        sock.close()


def resolve(namespace: str) -> None:
    """Answer for the relay's name."""
    sock = within(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.bind((RESOLVER, 53))

    def serve() -> None:
        while True:
            query, asker = sock.recvfrom(4096)
            if (said := answer({DOMAIN: [RELAY]}, query)) is not None:
                sock.sendto(said, asker)

    threading.Thread(target=serve, daemon=True).start()


def ground() -> Ground:
    """A client, and a world with all that naive clients go to."""
    furnish()
    made = Ground()
    made.add("naive", "inside", [CLIENT])
    for name, host in (("relay", RELAY), ("echo", ECHO), ("names", RESOLVER)):
        made.add(name, "outside", [host])
    listening("relay", 443, shake_hands)
    listening("relay", 993, echo)
    for port in (443, 4444):
        listening("echo", port, echo)
    resolve("names")
    return made


def controls() -> dict[str, list[bool]]:
    """For each scenario whether its naive client got through: with the box open, with the censor, and open again.

    Where it has to get through it may take its time; where it must not, nobody waits for it.
    """
    made, seen = ground(), {}
    with box(INSIDE, OUTSIDE, seed=1) as passing:
        for scenario in SCENARIOS:
            if scenario.relays > 1 or scenario.probes:  # a plug is pulled; and the prober has controls of its own
                continue
            seen[scenario.name] = [tried(scenario, PATIENT)]
            passing.censor(scenario.judges(), scenario.line)
            seen[scenario.name].append(tried(scenario, IMPATIENT))
            passing.censor([])
            seen[scenario.name].append(tried(scenario, PATIENT))
        made.cut("relay")
        gone = next(scenario for scenario in SCENARIOS if scenario.relays > 1 and not scenario.probes)
        seen[gone.name] = [True, tried(gone, IMPATIENT), True]
    return seen


def tried(scenario: Scenario, patience: float) -> bool:
    """Whether its naive client gets through."""
    naive.PATIENCE = patience
    return within("naive", scenario.naive)


def frames() -> dict[str, object]:
    """What a large write becomes on the wire, what comes of it, and how fast."""
    ground()
    with box(INSIDE, OUTSIDE, seed=1) as passing:
        sizes: list[int] = []
        whole = passing._put

        def put(frame: bytes, *, outward: bool) -> None:
            sizes.append(len(frame))
            whole(frame, outward=outward)

        passing._put = put  # type: ignore[method-assign]
        data = bytes(range(256)) * 8_000
        begin = time.monotonic()
        back = within("naive", lambda: returned(data))
        return {
            "longest": max(sizes),
            "unchanged": back == data,
            "seconds": time.monotonic() - begin,
            "dropped": passing.dropped_by_kernel(),
        }


def returned(data: bytes) -> bytes:
    """What comes back from the echo."""
    back = bytearray()
    with socket.create_connection((ECHO, 4444), 5) as sock:
        threading.Thread(target=sock.sendall, args=(data,), daemon=True).start()
        while len(back) < len(data):
            back += sock.recv(1 << 16)
    return bytes(back)


def ends() -> dict[str, object]:
    """How a connection ends, for both sides, that is reset because it is old."""
    ground()
    ended: list[str] = []

    def serve(sock: socket.socket) -> None:
        ended.append(how_it_ends(sock))

    listening("echo", 5555, serve)
    with box(INSIDE, OUTSIDE, seed=1) as passing:
        passing.censor([ShortLife(0.5)])
        sock = within("naive", lambda: socket.create_connection((ECHO, 5555), 5))
        mine = how_it_ends(sock)
        time.sleep(0.2)
        return {"client": mine, "server": ended, "counted": passing.counts["ShortLife"]}


def how_it_ends(sock: socket.socket) -> str:
    """The error that ends a silent connection."""
    try:
        return f"said {sock.recv(1)!r}"
    except OSError as error:
        return type(error).__name__


def gone() -> dict[str, object]:
    """What who has just been there hears when he comes again, after the plug was pulled, and after how many seconds."""
    made = ground()
    with box(INSIDE, OUTSIDE, seed=1):
        before = within("naive", lambda: refusal(RELAY))
        made.cut("relay")
        begin = time.monotonic()
        return {"before": before, "after": within("naive", lambda: refusal(RELAY)), "seconds": time.monotonic() - begin}


def refusal(host: str) -> str:
    """Why there is no connection to a port of a host; nothing: there is."""
    try:
        socket.create_connection((host, 993), 30).close()
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def around() -> dict[str, object]:
    """Whether anything gets from one side to the other without a box; and how long it takes on the bad line."""
    ground()
    alone = within("naive", lambda: connects())
    with box(INSIDE, OUTSIDE, seed=1) as passing:
        timed(passing, line=False)  # by now they know each other's link addresses again
        before = timed(passing, line=False)
        return {"alone": alone, "good": before, "bad": timed(passing, line=True)}


def connects() -> bool:
    """Whether the echo's host answers."""
    try:
        socket.create_connection((ECHO, 4444), 1).close()
    except OSError:
        return False
    return True


def timed(passing: Box, *, line: bool) -> float:
    """Seconds to connect."""
    passing.censor([], BAD if line else None)
    begin = time.monotonic()
    within("naive", lambda: socket.create_connection((ECHO, 4444), 20).close())
    return time.monotonic() - begin


def sites() -> dict[str, list[str]]:
    """What four probes see of each of the twenty, each nginx like a relay, and each twin; and how long its chain is."""
    furnish()
    settle(Ground())
    furnish_sites()
    names = ("the page", "TLS 1.2", "the other port", "ALPN h2 and http/1.1")
    asked = [next(probe for probe in PROBES if probe.name == name) for name in names]

    def see(host: str) -> list[str]:
        found = [look(host, probe, patience=IMPATIENT) for probe in asked]
        said = [seen.kind.partition(" Server,")[0] for seen in found]
        certificates = json.loads(found[1].said["flight"])[1]
        return [said[0], found[1].said["cipher"], said[2], said[3], str(certificates)]

    async def ask() -> dict[str, list[str]]:
        hosts = dict.fromkeys((*(one.address for one in STOCK), *LIKES), "nginx")
        hosts |= {address: f"twin{number}" for number, address in enumerate(TWINS)}
        async with gardens(decoys=False):
            work = [asyncio.to_thread(within, namespace, partial(see, host)) for host, namespace in hosts.items()]
            return dict(zip(hosts, await asyncio.gather(*work), strict=True))

    return asyncio.run(ask())


if __name__ == "__main__":
    works = {one.__name__: one for one in (controls, frames, ends, around, gone, sites)}
    done = works[sys.argv[1]]()
    sys.stdout.write(json.dumps(done) + "\n")
