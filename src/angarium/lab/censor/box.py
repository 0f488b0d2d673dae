"""The censor's box: all that passes between people and the world passes here, frame by frame, in a thread of its own.

Two packet sockets (packet(7)), and the kernel forwards nothing. What is TCP or UDP over IPv4 is judged; ARP passes;
whatever else (IPv6, fragments) is dropped, or it would be a way around. The judges are pure; this has the clock, the
sockets and the dice. Who is slow: frames wait in the sockets' buffers, and what the kernel had to drop is counted.
"""

import heapq
import itertools
import random
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from angarium.lab.censor.flows import Flow, Flows
from angarium.lab.censor.judges.verdict import Answer, Judge, Verdict
from angarium.lab.censor.link import Line, Link
from angarium.lab.censor.packets import ACK, RST, Packet, datagram, ethertype, read, segment

__all__ = ["Box", "box"]

ALL, PACKET, STATISTICS, ADD_MEMBERSHIP, PROMISCUOUS = 3, 263, 6, 1, 1
"""ETH_P_ALL; SOL_PACKET; PACKET_STATISTICS, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC (linux/if_packet.h)."""
ARP = 0x0806
BUFFER = 8 << 20
LARGEST = 1 << 16
TICK = 0.1
"""Seconds after which it is looked for what is overdue, at the latest."""
MANY = 64
"""Frames taken from one side before the other has its turn."""


class Box:
    """The box. Made by `box`."""

    def __init__(self, inside: socket.socket, outside: socket.socket, dice: random.Random) -> None:
        self._sockets = {True: inside, False: outside}
        self._dice = dice
        self._judges: Sequence[Judge] = ()
        self._line: Line | None = None
        self._links: dict[tuple[str, bool], Link] = {}
        self._waiting: list[tuple[float, int, bool, bytes]] = []
        self._turn = itertools.count()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self.flows = Flows()
        self.counts: Counter[str] = Counter()
        """How many packets passed, and how many each judge stopped."""
        self.carried: Counter[tuple[str, bool]] = Counter()
        """Octets of frames put on each person's line, there (True) and back, what is lost on it included."""

    def censor(self, judges: Sequence[Judge], line: Line | None = None) -> None:
        """From now on these judges see each packet, the first that stops it decides; and everybody's line is like this.

        Each person has one of their own, as each subscriber of a provider has; what is full is theirs alone.
        """
        with self._lock:
            self._judges = judges
            self._line, self._links = line, {}

    def dropped_by_kernel(self) -> int:
        """Frames that came while there was no room for them, since this was last asked: then it is no measurement."""
        return sum(struct.unpack("II", one.getsockopt(PACKET, STATISTICS, 8))[1] for one in self._sockets.values())

    def run(self) -> None:
        """Judge and forward until the end."""
        ways = {one.fileno(): way for way, one in self._sockets.items()}
        looked = 0.0
        while not self._end.is_set():
            now = time.monotonic()
            due = self._waiting[0][0] - now if self._waiting else TICK
            # select(2), for poll(2) and epoll_wait(2) know whole milliseconds only, and lines vary by less
            ready, _, _ = select.select(list(ways), (), (), max(0.0, min(due, TICK)))
            with self._lock:
                for number in ready:
                    self._take(ways[number])
                now = time.monotonic()
                while self._waiting and self._waiting[0][0] <= now:
                    _, _, way, frame = heapq.heappop(self._waiting)
                    self._put(frame, outward=way)
                if now - looked > TICK:
                    looked = now
                    for judge in self._judges:
                        for flow in judge.overdue(self.flows, now):
                            self.counts[type(judge).__name__] += 1
                            self._reset(flow)

    def stop(self) -> None:
        """End `run`."""
        self._end.set()

    def _take(self, outward: bool) -> None:
        for _ in range(MANY):
            try:
                frame, address = self._sockets[outward].recvfrom(LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            if address[2] != socket.PACKET_OUTGOING:
                self._pass(frame, outward=outward)

    def _pass(self, frame: bytes, *, outward: bool) -> None:
        packet = read(frame)
        if packet is None:
            if ethertype(frame) == ARP:
                self._put(frame, outward=outward)  # the line is behind the first router, where ARP does not come
            return
        now = time.monotonic()
        flow = self.flows.of(packet, now, outward=outward)
        if flow is not None:
            if flow.cut:
                self.counts["after the cut"] += 1
                return
            flow.see(packet, outward=outward)
        for judge in self._judges:
            verdict = judge.judge(packet, flow, now, outward=outward)
            if verdict is Verdict.ALLOW:
                continue
            self.counts[type(judge).__name__] += 1
            self._stop(verdict, packet, flow)
            return
        self.counts["passed"] += 1
        self._send(frame, (packet.source if outward else packet.target)[0], outward=outward)

    def _stop(self, verdict: Verdict | Answer, packet: Packet, flow: Flow | None) -> None:
        if isinstance(verdict, Answer):
            back = datagram(_turned(packet.frame), packet.target, packet.source, verdict.payload)
            self._send(back, packet.source[0], outward=False)
        elif verdict is Verdict.RESET and flow is not None:
            self._reset(flow)
        elif verdict is Verdict.CUT and flow is not None:
            flow.over = flow.cut = True

    def _reset(self, flow: Flow) -> None:
        """Tell both ends that the other ended the connection, in the other's name."""
        flow.over = flow.cut = True
        there = segment(
            flow.link, flow.client, flow.server, seq=flow.client_next, ack=flow.server_next, flags=RST | ACK
        )
        back = segment(
            _turned(flow.link), flow.server, flow.client, seq=flow.server_next, ack=flow.client_next, flags=RST | ACK
        )
        self._send(there, flow.client[0], outward=True)
        self._send(back, flow.client[0], outward=False)

    def _send(self, frame: bytes, person: str, *, outward: bool) -> None:
        self.carried[person, outward] += len(frame)
        if self._line is not None:
            link = self._links.get((person, outward))
            if link is None:
                link = self._links[person, outward] = Link(self._line, self._dice.random)
            arrival = link.arrival(len(frame), time.monotonic())
            if arrival is None:
                self.counts["lost on the line"] += 1
            else:
                heapq.heappush(self._waiting, (arrival, next(self._turn), outward, frame))
        else:
            self._put(frame, outward=outward)

    def _put(self, frame: bytes, *, outward: bool) -> None:
        try:
            self._sockets[not outward].send(frame)
        except OSError:  # no room: as lost as on any line
            self.counts["no room"] += 1


@contextmanager
def box(inside: str, outside: str, *, seed: int) -> Iterator[Box]:
    """A box between two interfaces, for as long as the context lasts.

    Raises:
        PermissionError: this process may not.
    """
    with _raw(inside) as one, _raw(outside) as other:
        made = Box(one, other, random.Random(seed))  # noqa: S311 (dice, and the same ones again with this seed)
        thread = threading.Thread(target=made.run, name="box")
        thread.start()
        try:
            yield made
        finally:
            made.stop()
            thread.join()


def _raw(interface: str) -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    sock.bind((interface, 0))
    index = socket.if_nametoindex(interface)
    sock.setsockopt(PACKET, ADD_MEMBERSHIP, struct.pack("iHH8s", index, PROMISCUOUS, 0, b""))
    sock.setblocking(False)
    return sock


def _turned(frame: bytes) -> bytes:
    """The Ethernet header of what goes back."""
    return frame[6:12] + frame[:6] + frame[12:14]
