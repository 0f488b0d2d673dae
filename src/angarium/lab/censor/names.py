"""The lab's own DNS: one server that knows the lab's names, and knows that there are no others (RFC 1035)."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Mapping, Sequence

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

__all__ = ["Zone", "answer", "names"]

TTL = 60
LARGEST = 4096

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


@contextlib.contextmanager
def names(sock: socket.socket, zone: Zone) -> Iterator[None]:
    """Answer on a bound UDP socket for as long as the context lasts; the zone may change meanwhile."""
    sock.setblocking(False)
    loop = asyncio.get_running_loop()

    def take() -> None:
        with contextlib.suppress(BlockingIOError):
            query, asker = sock.recvfrom(LARGEST)
            if (said := answer(zone, query)) is not None:
                sock.sendto(said, asker)

    loop.add_reader(sock, take)
    try:
        yield
    finally:
        loop.remove_reader(sock)
