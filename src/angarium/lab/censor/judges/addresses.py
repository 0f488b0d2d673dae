"""Rules that go by addresses and ports alone."""

from collections.abc import Collection
from ipaddress import ip_address, ip_network

from angarium.lab.censor.flows import Flow
from angarium.lab.censor.judges.verdict import Answer, Judge, Verdict
from angarium.lab.censor.packets import TCP, Packet

__all__ = ["BlockedAddresses", "OpenPorts"]


class BlockedAddresses(Judge):
    """Drops all that goes to these networks or comes from them, save these hosts."""

    def __init__(self, networks: Collection[str], *, save: Collection[str] = ()) -> None:
        self._networks = [ip_network(network) for network in networks]
        self._save = frozenset(save)
        self._known: dict[str, bool] = {}

    def judge(self, packet: Packet, flow: Flow | None, now: float, *, outward: bool) -> Verdict | Answer:
        host = (packet.target if outward else packet.source)[0]
        if host not in self._known:
            self._known[host] = host not in self._save and any(ip_address(host) in one for one in self._networks)
        return Verdict.DROP if self._known[host] else Verdict.ALLOW


class OpenPorts(Judge):
    """Drops all but these ports of TCP, and DNS."""

    def __init__(self, *ports: int) -> None:
        self._ports = frozenset(ports)

    def judge(self, packet: Packet, flow: Flow | None, now: float, *, outward: bool) -> Verdict | Answer:
        port = (packet.target if outward else packet.source)[1]
        open_ports = self._ports if packet.protocol == TCP else {53}
        return Verdict.ALLOW if port in open_ports else Verdict.DROP
