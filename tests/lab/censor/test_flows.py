"""Connections as somebody in the middle sees them, with segments lost, doubled and out of order."""

from angarium.lab.censor.flows import Flow, Flows
from angarium.lab.censor.packets import ACK, FIN, SYN, Packet, read, segment
from tests.lab.censor.segments import CLIENT, LINK, SERVER

START = 0xFFFFFFFA
"""The numbers begin anew within the first octets."""


def packet(flags: int, seq: int = 0, payload: bytes = b"", *, outward: bool = True) -> Packet:
    source, target = (CLIENT, SERVER) if outward else (SERVER, CLIENT)
    made = read(segment(LINK, source, target, seq=seq, ack=0, flags=flags, payload=payload))
    assert made is not None
    return made


def opened(flows: Flows) -> Flow:
    syn = packet(SYN, START - 1)
    flow = flows.of(syn, 0, outward=True)
    assert flow is not None
    flow.see(syn, outward=True)
    flow.see(packet(SYN | ACK, 99, outward=False), outward=False)
    return flow


def test_what_comes_in_any_order_and_twice_is_put_in_order() -> None:
    flow = opened(Flows())
    for at, data in ((4, b"efgh"), (0, b"abcd"), (0, b"abcdef"), (10, b"kl"), (6, b"ghij")):
        flow.see(packet(ACK, (START + at) % 2**32, data), outward=True)
    assert (bytes(flow.said), flow.up) == (b"abcdefghijkl", 12)
    assert flow.first == [b"efgh", b"abcd"]


def test_octets_from_the_server_count_once() -> None:
    flow = opened(Flows())
    for at, data in ((0, b"x" * 100), (0, b"x" * 100), (50, b"x" * 100)):
        flow.see(packet(ACK, 100 + at, data, outward=False), outward=False)
    assert flow.down == 150
    assert flow.server_first


def test_who_ends_it_is_over_and_its_ports_may_be_used_again() -> None:
    flows = Flows()
    flow = opened(flows)
    assert list(flows) == [flow]
    flow.see(packet(FIN | ACK, START), outward=True)
    assert list(flows) == []
    assert flows.of(packet(ACK, START), 1, outward=True) is flow
    assert opened(flows) is not flow
    assert len(flows.all) == 2


def test_what_belongs_to_no_connection_opens_none() -> None:
    flows = Flows()
    assert flows.of(packet(ACK), 0, outward=True) is None
    assert flows.of(packet(SYN, outward=False), 0, outward=False) is None
