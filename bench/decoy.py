"""How long each step of a visit to the decoy takes beside Debian's nginx, with the same site and the same certificate.

    python -m bench.decoy [--visits 400] [--pause 0.003] [--source DIRECTORY] [--floor] [--json]

A relay as its keeper starts it with `--decoy` (that of another source tree, if one is named), and nginx in Debian's
configuration, both on loopback. One visitor goes to both in turns, in random order, and notes seconds:

  connect    to be connected (the kernel alone)
  hello      from the ClientHello to the first octet of the answer
  handshake  from the ClientHello to the last octet of the server's flight
  tickets    from the client's Finished to both tickets
  first      from the request to the first octet of the answer
  last       ... to the last one before the end
  end        ... to the end of the connection

by visits of five kinds: a page, a page compressed, an address where there is nothing, a page asked for in the same
breath as Finished, as a hasty client does (there `tickets` is no step of its own), and the port without TLS.

Printed are medians in microseconds with the quickest tenth and the slowest, and how often the lab's classifier
(`angarium.lab.censor.classifier`) is right about a single visit by that time alone: half is a coin. `cpu` is what a
visit costs the server's processor, which no stranger sees; it is the same however busy the machine is. No line is
between, so this is what a prober on the very machine could know, and no prober is that near.

With `--floor` the relay's place is taken by the least that a server in Python can do (`bench/barest.py`): what takes
longer there than with nginx takes longer with whatever is written in Python. It shows one page, by two kinds of visits.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import random
import re
import socket
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from angarium.apps.check.throwaway import OPTIONS, relay
from angarium.lab.censor.classifier import told_apart
from angarium.lab.censor.nginx import furnish_site, running, site
from angarium.lab.censor.sighting import Sighting
from angarium.lab.ports import free_ports

HOST, NAME = "127.0.0.1", "_relay.localhost"
STEPS = ("connect", "hello", "handshake", "tickets", "first", "last", "end", "cpu")
SEEN = STEPS[:-1]
"""... that a visitor sees."""
WARM = 10
"""Visits of each kind to each server that are not counted."""
PATIENCE = 10.0
SIDES = ("relay", "nginx")
APPLICATION_DATA = 23
TICKETS = 2
CHANGING = re.compile(rb"(Date: )[^\r]*|(//[^:/\r]*):[0-9]+")
"""What the two may say differently: when it is, and at which port they are."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of visit."""

    name: str
    target: str
    headers: str = ""
    hasty: bool = False
    tls: bool = True

    @property
    def request(self) -> bytes:
        """What is said."""
        return f"GET {self.target} HTTP/1.1\r\nHost: {NAME}\r\n{self.headers}Connection: close\r\n\r\n".encode()


KINDS = (
    Kind("a page", "/"),
    Kind("compressed", "/long.html", headers="Accept-Encoding: gzip\r\n"),
    Kind("not there", "/nothing"),
    Kind("hasty", "/", hasty=True),
    Kind("in clear", "/", tls=False),
)


FLOOR = (KINDS[0], KINDS[3])


@dataclass(frozen=True, slots=True)
class Step:
    """One time, of both, and how often the classifier is right by it: microseconds that a tenth of the visits, half and
    nine tenths did not exceed."""

    kind: str
    step: str
    relay: tuple[float, float, float]
    nginx: tuple[float, float, float]
    told: float

    @property
    def longer(self) -> tuple[float, float]:
        """By how much the relay's are longer: a tenth, and half. On a busy machine the first says more."""
        return self.relay[0] - self.nginx[0], self.relay[1] - self.nginx[1]


@dataclass(frozen=True, slots=True)
class Server:
    """One of the two."""

    https: int
    http: int
    process: int
    """The one that answers."""

    def spent(self) -> float:
        """Seconds that a processor has had for it (its first thread, in which its loop runs)."""
        return int(Path(f"/proc/{self.process}/schedstat").read_text().split()[0]) / 1e9


class Visit:
    """One visit, with the times it took."""

    def __init__(self, kind: Kind, port: int, context: ssl.SSLContext) -> None:
        self.took: dict[str, float] = {}
        self.heard = b""
        self._kind = kind
        begin = time.perf_counter()
        self._sock = socket.create_connection((HOST, port), PATIENCE)
        self.took["connect"] = time.perf_counter() - begin
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._sock:
            if kind.tls:
                self._over_tls(context)
            else:
                self.heard = self._ask(kind.request)

    def _over_tls(self, context: ssl.SSLContext) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing)
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        begin = self._say(outgoing.read())
        while True:
            incoming.write(self._hear())
            arrived = time.perf_counter() - begin
            self.took.setdefault("hello", arrived)
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                continue
        self.took["handshake"] = arrived
        finished = outgoing.read()
        if not self._kind.hasty:
            begin, raw = self._say(finished), b""
            while _records(raw).count(APPLICATION_DATA) < TICKETS:
                raw += self._hear()
            self.took["tickets"] = time.perf_counter() - begin
            incoming.write(raw)
            finished = b""
        tls.write(self._kind.request)
        incoming.write(self._ask(finished + outgoing.read()))
        try:
            while data := tls.read(1 << 16):
                self.heard += data
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass

    def _ask(self, said: bytes) -> bytes:
        begin, raw = self._say(said), b""
        while data := self._hear():
            self.took.setdefault("first", time.perf_counter() - begin)
            self.took["last"] = time.perf_counter() - begin
            raw += data
        self.took["end"] = time.perf_counter() - begin
        return raw

    def _say(self, said: bytes) -> float:
        begin = time.perf_counter()
        self._sock.sendall(said)
        return begin

    def _hear(self) -> bytes:
        return self._sock.recv(1 << 16)


def _records(raw: bytes) -> list[int]:
    """The types of the whole records of TLS."""
    found, at = [], 0
    while len(raw) - at >= 5 and len(raw) - at >= 5 + (length := int.from_bytes(raw[at + 3 : at + 5])):
        found.append(raw[at])
        at += 5 + length
    return found


def visits(
    servers: Mapping[str, Server], count: int, pause: float, kinds: Sequence[Kind] = KINDS
) -> dict[str, list[Sighting]]:
    """Visit both, so often by each kind; what was heard must be the same."""
    context = _context()
    dice = random.Random(1)
    seen: dict[str, list[Sighting]] = {side: [] for side in SIDES}
    gc.disable()
    for turn in range(-WARM, count):
        for kind in dice.sample(kinds, len(kinds)):
            heard = {}
            for side in dice.sample(SIDES, len(SIDES)):
                time.sleep(pause)
                server = servers[side]
                before = server.spent()
                visit = Visit(kind, server.https if kind.tls else server.http, context)
                visit.took["cpu"] = server.spent() - before
                heard[side] = CHANGING.sub(rb"\1\2", visit.heard)
                if turn >= 0:
                    seen[side].append(Sighting(kind.name, took=visit.took))
            if heard["relay"] != heard["nginx"]:
                raise SystemExit(f"{kind.name}: the relay says {heard['relay']!r}, nginx {heard['nginx']!r}")
    gc.enable()
    return seen


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def steps(seen: Mapping[str, Sequence[Sighting]]) -> list[Step]:
    """All times of all kinds."""
    found = []
    for kind in KINDS:
        ours, theirs = ([one for one in seen[side] if one.probe == kind.name] for side in SIDES)
        for step in STEPS:
            if ours and step in ours[0].took:
                told = told_apart(ours, theirs, words=False, times=(step,)).share
                found.append(Step(kind.name, step, _tenths(ours, step), _tenths(theirs, step), round(told, 3)))
    return found


def _tenths(seen: Sequence[Sighting], step: str) -> tuple[float, float, float]:
    tenths = statistics.quantiles([1e6 * one.took[step] for one in seen], n=10, method="inclusive")
    return round(tenths[0]), round(tenths[4]), round(tenths[8])


async def measure(count: int, pause: float, source: str = "") -> dict[str, list[Sighting]]:
    """Start both, and visit them."""
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        garden, pair = here / "site", here / "pair"
        furnish_site(garden, pair, "relay.localhost")
        https, http = free_ports(HOST, 2)
        options = ("--decoy", str(garden), "--tls-cert", str(pair / "cert"), "--tls-key", str(pair / "key"))
        environment = {"PYTHONPATH": source} if source else {}
        async with (
            relay(here / "data", (*OPTIONS, "--domain", NAME, "--acme", "", *options), environment) as up,
            running(here / "nginx", site(HOST, NAME, garden, pair, https=https, http=http)) as worker,
        ):
            servers = {
                "relay": Server(up.port("https"), up.port("http"), up.process.pid),
                "nginx": Server(https, http, worker),
            }
            return await asyncio.to_thread(visits, servers, count, pause)


async def measure_floor(count: int, pause: float) -> dict[str, list[Sighting]]:
    """Start the barest server in the relay's place, and nginx, and visit them."""
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        garden, pair, answer = here / "site", here / "pair", here / "answer"
        furnish_site(garden, pair, "relay.localhost")
        https, http, barest = free_ports(HOST, 3)
        text = site(HOST, NAME, garden, pair, https=https, http=http)
        async with running(here / "nginx", text) as worker:
            page = await asyncio.to_thread(Visit, FLOOR[0], https, _context())
            answer.write_bytes(page.heard)
            words = (
                sys.executable,
                "-m",
                "bench.barest",
                str(barest),
                *map(str, (pair / "cert", pair / "key", answer)),
            )
            process = await asyncio.create_subprocess_exec(*words)
            try:
                await asyncio.to_thread(_until_there, barest)
                servers = {"relay": Server(barest, 0, process.pid), "nginx": Server(https, http, worker)}
                return await asyncio.to_thread(visits, servers, count, pause, FLOOR)
            finally:
                process.terminate()
                await process.wait()


def _until_there(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection((HOST, port), PATIENCE).close()
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def shown(found: Sequence[Step], whole: float) -> Table:
    """As a table."""
    table = Table(box=None, header_style="bold", pad_edge=False, caption=f"by all times together: {whole:.1%}")
    for title in ("", "Step", "Relay, µs", "nginx, µs", "Longer by", "Told"):
        table.add_column(title, justify="left" if title in ("", "Step") else "right")
    last = ""
    for step in found:
        ours, theirs = (f"{middle:g} ({low:g}–{high:g})" for low, middle, high in (step.relay, step.nginx))
        kind = step.kind if step.kind != last else ""
        table.add_row(kind, step.step, ours, theirs, f"{step.longer[0]:g}, {step.longer[1]:g}", f"{step.told:.1%}")
        last = step.kind
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=400, help="of each kind, to each")
    parser.add_argument("--pause", type=float, default=0.003, help="seconds before each visit")
    parser.add_argument("--source", default="", help="where the relay's package lies, if not here")
    parser.add_argument("--floor", action="store_true", help="in place of the relay, the least in Python")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.floor:
        seen = asyncio.run(measure_floor(options.visits, options.pause))
    else:
        seen = asyncio.run(measure(options.visits, options.pause, options.source))
    found = steps(seen)
    whole = told_apart(seen["relay"], seen["nginx"], words=False, times=SEEN).share
    if options.json:
        json.dump({"together": round(whole, 3), "steps": [asdict(step) for step in found]}, sys.stdout)
    else:
        Console(highlight=False).print(shown(found, whole))


if __name__ == "__main__":
    main()
