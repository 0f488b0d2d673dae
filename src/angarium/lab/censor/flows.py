"""TCP connections as somebody in the middle sees them: who opened each, what was said first, how much has passed.

Pure: the time is told. Octets that are sent again count once. Of what the client says the beginning is kept in order,
which is what censors read; of the rest only how much it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from angarium.lab.censor.packets import ACK, FIN, RST, SYN, TCP, Packet

__all__ = ["Flow", "Flows"]

KEPT = 1 << 14
"""Octets of what the client says that are kept."""
FIRST = 2
"""Packets with data from the client that are kept each as it is."""
AHEAD = 32
"""Segments that came before their turn, kept until what is missing comes."""
MODULUS = 1 << 32


@dataclass(eq=False)
class Flow:
    """One connection."""

    client: tuple[str, int]
    server: tuple[str, int]
    opened: float
    """Seconds."""
    link: bytes = b""
    """The Ethernet header of what the client sends."""
    said: bytearray = field(default_factory=bytearray)
    """What the client said first, in order."""
    first: list[bytes] = field(default_factory=list)
    """The payloads of the client's first packets with data, whether they carry something new or not."""
    up: int = 0
    """Octets from the client, each once."""
    down: int = 0
    """Octets from the server, each once."""
    client_next: int = 0
    """The sequence number that the server expects."""
    server_next: int = 0
    """... and that the client expects."""
    server_first: bool = False
    """The server spoke before the client did."""
    over: bool = False
    """Ended by one of the two, or by the censor."""
    cut: bool = False
    """Ended by the censor."""
    _ahead: dict[int, bytes] = field(default_factory=dict)
    _kept: int = 0
    """The sequence number after what is kept."""

    def see(self, packet: Packet, *, outward: bool) -> None:
        """Take note of a segment."""
        if packet.flags & SYN:
            self._begin(packet, outward=outward)
        elif outward:
            self.up += (new := _new(self.client_next, packet))
            self.client_next = (self.client_next + new) % MODULUS
            self._keep(packet)
        else:
            if packet.payload and not self.up:
                self.server_first = True
            self.down += (new := _new(self.server_next, packet))
            self.server_next = (self.server_next + new) % MODULUS
        if packet.flags & (RST | FIN):
            self.over = True

    def _begin(self, packet: Packet, *, outward: bool) -> None:
        if outward:
            self.client_next = self._kept = packet.end
        else:
            self.server_next = packet.end

    def _keep(self, packet: Packet) -> None:
        if not packet.payload:
            return
        if len(self.first) < FIRST:
            self.first.append(packet.payload)
        if len(self.said) >= KEPT:
            return
        if len(self._ahead) < AHEAD:
            self._ahead[packet.seq] = packet.payload
        while (piece := next((seq for seq, data in self._ahead.items() if self._fits(seq, data)), None)) is not None:
            data = self._ahead.pop(piece)
            new = data[(self._kept - piece) % MODULUS :]
            self.said += new
            self._kept = (self._kept + len(new)) % MODULUS

    def _fits(self, seq: int, data: bytes) -> bool:
        return (self._kept - seq) % MODULUS < len(data)


class Flows:
    """All connections."""

    def __init__(self) -> None:
        self._flows: dict[tuple[tuple[str, int], tuple[str, int]], Flow] = {}
        self.all: list[Flow] = []
        """In the order they were opened; also those that are over."""

    def __iter__(self) -> Iterator[Flow]:
        """Those that are under way."""
        return iter([flow for flow in self._flows.values() if not flow.over])

    def of(self, packet: Packet, now: float, *, outward: bool) -> Flow | None:
        """The connection a segment belongs to, a new one for what opens one; None for what belongs to none."""
        if packet.protocol != TCP:
            return None
        key = (packet.source, packet.target) if outward else (packet.target, packet.source)
        flow = self._flows.get(key)
        opens = outward and packet.flags & (SYN | ACK) == SYN
        if opens and (flow is None or flow.over):
            flow = self._flows[key] = Flow(*key, opened=now, link=packet.frame[:14])
            self.all.append(flow)
        return flow


def _new(expected: int, packet: Packet) -> int:
    """How many octets of a segment reach beyond what was expected next."""
    end = (packet.seq + len(packet.payload)) % MODULUS
    beyond = (end - expected) % MODULUS
    return beyond if beyond < MODULUS // 2 else 0
