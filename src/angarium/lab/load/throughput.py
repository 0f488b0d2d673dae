"""How much goes through: each size to each number of recipients, as fast as it goes or at a given rate.

As fast as it goes: so many messages are under way at a time, and the next one is sent when one has been fetched by all
its recipients. How many that are is found by doubling until it brings no more. At a rate: messages are due at even
intervals, and latencies count from when a message was due, so that a stalled relay cannot hide how long it kept
everybody waiting. At a share of saturation: that is measured first, and the rate is so much of it.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

import msgspec

from angarium.lab.load.crowd import Sender
from angarium.lab.load.ledger import Window
from angarium.lab.load.letter import Letter
from angarium.lab.load.report import Traffic
from angarium.lab.load.stage import BUSY, Bottleneck, Stage

__all__ = ["Flow", "Throughput"]

SENDERS = 64
LADDER = (2, 4, 8, 16, 32, SENDERS)
TRIAL = 1.5
"""Seconds for which each number of messages under way is tried."""
FULL = 3.0
"""Seconds for which saturation is measured, where a share of it is asked for."""
GAIN = 1.05
UNDER_WAY = 2000
"""Deliveries under way beyond which no more are tried."""
CYCLES = 3
"""How often, on average, each message under way ends in a window."""
LONGER = 4.0
VAIN = 2
"""So many numbers in a row that bring no more end the search."""
WARM = 1.0


@dataclass(frozen=True)
class Throughput:
    """What is to be measured."""

    sizes: Sequence[int] = (1536, 10240, 102400)
    """Bytes."""
    groups: Sequence[int] = (1, 20, 200)
    seconds: float = 10.0
    rate: float | None = None
    share: float | None = None
    """Of saturation, instead of a rate."""
    at_once: int = 0
    """Messages under way; 0: found by trying."""
    receivers: int = 0
    """0: as many as the largest group, at least 64."""

    def run(self, stage: Stage, done: Callable[[Traffic], None], withheld: Callable[[str], None]) -> None:
        """Measure; each line is told as soon as it is there. Raises LoadFailed."""
        people = self.receivers or max(SENDERS, *self.groups)
        stage.receivers(people)
        cells = [(size, group) for size in self.sizes for group in self.groups]
        for number, (size, group) in enumerate(cells):
            stage.tell(number / len(cells), f"{size} bytes to {group}")
            try:
                done(self._cell(stage, size, group, people))
            except Bottleneck as error:
                withheld(str(error))

    def _cell(self, stage: Stage, size: int, group: int, people: int) -> Traffic:
        flow = Flow(stage, stage.senders(SENDERS), size, group, people)
        at_once, rate, full = 0, self.rate, None
        if rate is None:
            at_once = self.at_once or flow.saturate()
            if self.share is not None:
                full = flow.most(at_once)
                rate = full / group * self.share
        if rate is None:
            flow.keep_up(at_once)
        else:
            flow.pace(rate)
        stage.poll.rest(WARM)
        stage.ledger.window = window = Window()
        gauge = stage.gauge()
        flow.watch(window, self.seconds)
        spent = gauge.read()
        stage.ledger.window = Window()
        flow.stop()
        faults = stage.settle()
        line = stage.traffic(
            "throughput", window, spent, faults, size=flow.size, recipients=group, rate=rate, at_once=at_once
        )
        return line if full is None else msgspec.structs.replace(line, saturation=round(full, 1))


@dataclass(frozen=True, slots=True)
class _Route:
    """A sender, and what was prepared for a group."""

    sender: Sender
    letter: Letter
    envelope: bytes
    recipients: tuple[int, ...]


@dataclass
class Flow:
    """Messages of one size to groups of one size, drawn from the first so many people, until it is stopped."""

    stage: Stage
    senders: Sequence[Sender]
    bytes: int
    group: int
    people: int
    _going: bool = False
    _under_way: int = 0
    _routes: Iterator[_Route] = field(init=False)

    def __post_init__(self) -> None:
        accounts, chance = self.stage.target.people(self.people), random.Random(self.group)  # noqa: S311
        order = list(range(self.people))
        chance.shuffle(order)
        routes = []
        for number, sender in enumerate(self.senders):
            turned = order[(at := number * self.group % self.people) :] + order[:at]
            recipients = tuple(turned[: self.group])
            envelope = sender.envelope([accounts[one].address for one in recipients])
            routes.append(_Route(sender, Letter.of(sender.address, self.bytes), envelope, recipients))
        self.size = len(routes[0].letter)
        self._routes = cycle(routes)

    def saturate(self) -> int:
        """How many messages under way bring no more than half as many."""
        best, chosen, vain = 0.0, LADDER[0], 0
        for at_once in LADDER:
            if at_once * self.group > UNDER_WAY and at_once > LADDER[0]:
                break
            self.keep_up(at_once)
            self.stage.poll.rest(TRIAL / 3)
            self.stage.ledger.window = window = Window()
            began = time.monotonic()
            self.watch(window, TRIAL)
            rate = window.deliveries / (time.monotonic() - began)
            if rate < best * GAIN:
                vain += 1
                if vain == VAIN:
                    break
            else:
                best, chosen, vain = rate, at_once, 0
        self._drain()
        return chosen

    def most(self, at_once: int) -> float:
        """Deliveries a second with so many messages under way. Raises Bottleneck: they were the generator's."""
        self.keep_up(at_once)
        self.stage.poll.rest(WARM)
        self.stage.ledger.window = window = Window()
        gauge = self.stage.gauge()
        self.watch(window, FULL)
        spent = gauge.read(memory=False)
        self._drain()
        if spent.generator_busy >= BUSY:
            raise Bottleneck(f"saturation: the generator was busy for {spent.generator_busy:.0%} of the time")
        return window.deliveries / spent.seconds

    def _drain(self) -> None:
        """Send no more, and wait until what is under way has arrived."""
        self.stop()
        self.stage.poll.run(lambda: not self.stage.ledger.open, self.stage.patience)

    def watch(self, window: Window, seconds: float) -> None:
        """Go on for so long, and longer where messages take so long that the window would hold parts of their ways."""
        self.stage.poll.rest(seconds)
        enough = CYCLES * self._under_way
        self.stage.poll.run(lambda: window.accepted.count >= enough, LONGER * seconds)

    def keep_up(self, at_once: int) -> None:
        """Have so many messages under way, no matter how many were before."""
        self._going = True
        for _ in range(at_once - self._under_way):
            self._under_way += 1
            self._send(self._again)

    def pace(self, rate: float) -> None:
        """Send so many a second."""
        self._going = True
        self._due(time.monotonic(), 1 / rate)

    def stop(self) -> None:
        """Send no more."""
        self._going = False

    def _due(self, when: float, interval: float) -> None:
        if self._going:
            self._send(None, when)
            self.stage.poll.at(when + interval, lambda: self._due(when + interval, interval))

    def _again(self) -> None:
        if self._going:
            self.stage.poll.soon(lambda: self._send(self._again))
        else:
            self._under_way -= 1

    def _send(self, ended: Callable[[], None] | None, due: float | None = None) -> None:
        route = next(self._routes)
        route.sender.send(route.envelope, route.letter, route.recipients, ended, due)
