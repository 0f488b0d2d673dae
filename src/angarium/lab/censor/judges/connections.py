"""Rules that go by how much a connection has carried, how old it is, and how many there are."""

from collections.abc import Iterable
from weakref import WeakSet

from angarium.lab.censor.flows import Flow
from angarium.lab.censor.judges.verdict import Answer, Judge, Verdict
from angarium.lab.censor.packets import ACK, SYN, Packet

__all__ = ["FewAtATime", "Freeze", "ShortLife"]


class Freeze(Judge):
    """After so many octets from the server nothing more of a connection passes (TSPU, 2025: 16 to 20 KiB)."""

    def __init__(self, octets: int = 16 << 10) -> None:
        self._octets = octets

    def judge(self, packet: Packet, flow: Flow | None, now: float, *, outward: bool) -> Verdict | Answer:
        return Verdict.CUT if flow is not None and flow.down > self._octets else Verdict.ALLOW


class ShortLife(Judge):
    """Every connection is reset after so many seconds."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds

    def overdue(self, flows: Iterable[Flow], now: float) -> Iterable[Flow]:
        return [flow for flow in flows if now - flow.opened >= self._seconds]


class FewAtATime(Judge):
    """No more than so many connections of one client at a time; what would open another is dropped."""

    def __init__(self, most: int = 3) -> None:
        self._most = most
        self._open: WeakSet[Flow] = WeakSet()

    def judge(self, packet: Packet, flow: Flow | None, now: float, *, outward: bool) -> Verdict | Answer:
        if flow is None or flow in self._open:
            return Verdict.ALLOW
        if not outward or packet.flags & (SYN | ACK) != SYN:
            return Verdict.DROP
        if sum(not one.over and one.client[0] == flow.client[0] for one in self._open) >= self._most:
            return Verdict.DROP
        self._open.add(flow)
        return Verdict.ALLOW
