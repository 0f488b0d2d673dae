"""A name server for tests: a zone given as a dictionary, real packets over UDP and TCP on the loopback interface.

It can be told to fail, to keep silent, or to answer over TCP only, and it counts what it is asked.
"""

import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

__all__ = ["NameServer", "dns_server", "name_server"]

Zone = Mapping[str, Mapping[str, Sequence[str]]]

SOA = "ns.invalid. keeper.invalid. 1 7200 900 1209600 {ttl}"


@dataclass
class NameServer:
    """A server that is up. Change `zone` at any time; texts of TXT records may be of any length."""

    address: str = "127.0.0.1"
    port: int = 0
    zone: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """Name (without a dot at the end) → type → records as a zone file has them. A name without types exists."""
    ttl: int = 300
    negative_ttl: int = 60
    """Seconds; 0: answers that there is none do not say for how long."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Every question, name and type, in order."""
    failing: set[str] = field(default_factory=set)
    """Names for which there is SERVFAIL."""
    silent: set[str] = field(default_factory=set)
    """Names for which there is no answer; "*" stands for all."""

    @property
    def server(self) -> str:
        """As the settings name it."""
        return f"{self.address}:{self.port}"

    def set(self, name: str, kind: str, *records: str) -> None:
        """Put records in the place of what was there."""
        self.zone.setdefault(name.lower(), {})[kind] = list(records)

    def answer(self, question: bytes, *, room: int | None = None) -> bytes | None:
        """The answer to a packet; None: silence. `room`: what fits into a datagram unless the asker says otherwise."""
        query = dns.message.from_wire(question)
        (asked,) = query.question
        name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind))
        if {"*", name} & self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if {"*", name} & self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
        else:
            self._fill(response, name, kind)
        limit = max(room, query.payload) if room and query.edns >= 0 else room
        try:
            return response.to_wire(max_size=limit or 65_535)
        except dns.exception.TooBig:
            response = dns.message.make_response(query)
            response.flags |= dns.flags.TC
            return response.to_wire()

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        seen = set()
        while "CNAME" in self.zone.get(name, {}) and name not in seen:
            seen.add(name)
            (target,) = self.zone[name]["CNAME"]
            response.answer.append(self._rrset(name, "CNAME", [target]))
            name = target.rstrip(".").lower()
        if found := self.zone.get(name, {}).get(kind):
            response.answer.append(self._rrset(name, kind, found))
            return
        if name not in self.zone:
            response.set_rcode(dns.rcode.NXDOMAIN)
        if self.negative_ttl:
            soa = self._rrset(name, "SOA", [SOA.format(ttl=self.negative_ttl)])
            soa.ttl = self.negative_ttl
            response.authority.append(soa)

    def _rrset(self, name: str, kind: str, records: Sequence[str]) -> dns.rrset.RRset:
        rrset = dns.rrset.RRset(dns.name.from_text(name), dns.rdataclass.IN, dns.rdatatype.from_text(kind))
        for record in records:
            text = quoted(record) if kind == "TXT" and not record.startswith('"') else record
            rrset.add(dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text), self.ttl)
        return rrset


def quoted(text: str) -> str:
    """A text in strings of 255 octets, as a zone file has it."""
    escaped = [text[at : at + 255].replace("\\", "\\\\").replace('"', '\\"') for at in range(0, len(text) or 1, 255)]
    return " ".join(f'"{part}"' for part in escaped)


@contextmanager
def name_server(zone: Zone | None = None, *, address: str = "127.0.0.1", port: int = 0) -> Iterator[NameServer]:
    """Run a server, on a port of its own unless one is given."""
    known = NameServer(
        address=address,
        zone={
            name.lower(): {kind: list(all_of) for kind, all_of in types.items()} for name, types in (zone or {}).items()
        },
    )

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            question, sock = self.request
            if (answer := known.answer(question, room=512)) is not None:
                sock.sendto(answer, self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while len(head := self.rfile.read(2)) == 2:
                answer = known.answer(self.rfile.read(*struct.unpack("!H", head)))
                if answer is None:
                    return
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

    class Udp(socketserver.ThreadingUDPServer):
        daemon_threads = True
        max_packet_size = 65_535

    class Tcp(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with ExitStack() as running:
        while True:
            tcp = Tcp((known.address, port), Stream)
            try:
                udp = Udp(tcp.server_address, Datagram)
            except OSError:  # somebody has that number for UDP
                tcp.server_close()
                if port:
                    raise
                continue
            break
        known.port = udp.server_address[1]
        for server in (tcp, udp):
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            running.callback(server.server_close)
            running.callback(server.shutdown)
            thread.start()
        yield known


@pytest.fixture
def dns_server() -> Iterator[NameServer]:
    """An empty zone: fill it with `set`."""
    with name_server() as running:
        yield running
