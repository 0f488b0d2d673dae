"""The lab's own DNS: one server that knows the lab's names, and knows that there are no others (RFC 1035)."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping, Sequence

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

__all__ = ["Zone", "answer", "names"]

TTL = 60

Zone = Mapping[str, Sequence[str]]
"""Names, and the IPv4 addresses of each."""


def answer(zone: Zone, query: bytes) -> bytes | None:
    """The answer to a query; None: it is none."""
    try:
        message = dns.message.from_wire(query)
        asked = message.question[0]
    except (dns.exception.DNSException, IndexError):
        return None
    response = dns.message.make_response(message)
    response.flags |= dns.flags.RA | dns.flags.AA
    found = zone.get(asked.name.to_text(omit_final_dot=True).lower())
    if found is None:
        response.set_rcode(dns.rcode.NXDOMAIN)
    elif asked.rdtype == dns.rdatatype.A and found:
        response.answer.append(dns.rrset.from_text(asked.name, TTL, dns.rdataclass.IN, "A", *found))
    return response.to_wire()


class _Server(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        if (said := answer(self._zone, data)) is not None:
            self._transport.sendto(said, addr)


@contextlib.asynccontextmanager
async def names(sock: socket.socket, zone: Zone) -> AsyncIterator[None]:
    """Answer on a bound UDP socket for as long as the context lasts; the zone may change meanwhile."""
    sock.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Server(zone), sock=sock)
    try:
        yield
    finally:
        transport.close()
