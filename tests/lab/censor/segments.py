"""A TCP connection made of packets, as the box would see it, for judges to judge."""

from angarium.lab.censor.flows import Flow, Flows
from angarium.lab.censor.judges.verdict import Answer, Judge, Verdict
from angarium.lab.censor.packets import ACK, SYN, Packet, read, segment

__all__ = ["CLIENT", "LINK", "SERVER", "Talk"]

CLIENT, SERVER = ("198.51.100.2", 50_000), ("192.0.2.10", 443)
LINK = bytes.fromhex("0200000000010200000000020800")


class Talk:
    """One connection: opened, and then what each side says."""

    def __init__(self, flows: Flows, client: tuple[str, int], server: tuple[str, int], now: float = 0) -> None:
        self._flows = flows
        self._client, self._server = client, server
        self._next = {True: 1_000, False: 0xFFFFFFF0}  # the server's soon begin anew
        self._see(self._packet(b"", SYN, outward=True), now, outward=True)
        self._see(self._packet(b"", SYN | ACK, outward=False), now, outward=False)
        self.flow: Flow

    def opens(self, judge: Judge, now: float) -> Verdict | Answer:
        """What a judge says of its first packet, seen again."""
        packet = read(segment(LINK, self._client, self._server, seq=999, ack=0, flags=SYN))
        assert packet is not None
        return judge.judge(packet, self.flow, now, outward=True)

    def says(self, judge: Judge, payload: bytes, now: float = 0, *, outward: bool = True) -> Verdict | Answer:
        """What a judge says of a segment, of the client or the other way."""
        packet = self._packet(payload, ACK, outward=outward)
        self._see(packet, now, outward=outward)
        return judge.judge(packet, self.flow, now, outward=outward)

    def again(self, judge: Judge, payload: bytes, now: float = 0) -> Verdict | Answer:
        """... of a segment of the client that was just sent and is sent again."""
        self._next[True] -= len(payload)
        return self.says(judge, payload, now)

    def _packet(self, payload: bytes, flags: int, *, outward: bool) -> Packet:
        source, target = (self._client, self._server) if outward else (self._server, self._client)
        frame = segment(
            LINK, source, target, seq=self._next[outward], ack=self._next[not outward], flags=flags, payload=payload
        )
        packet = read(frame)
        assert packet is not None
        self._next[outward] = packet.end
        return packet

    def _see(self, packet: Packet, now: float, *, outward: bool) -> None:
        flow = self._flows.of(packet, now, outward=outward)
        assert flow is not None
        flow.see(packet, outward=outward)
        self.flow = flow
