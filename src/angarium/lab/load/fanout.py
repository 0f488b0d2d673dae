"""One message to many: how long until the last of them has fetched it. One before warms the relay, and is not told."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import msgspec

from angarium.lab.load.ledger import Window
from angarium.lab.load.letter import Letter
from angarium.lab.load.report import Traffic
from angarium.lab.load.stage import Bottleneck, Gauge, Stage

__all__ = ["Fanout"]

REST = 1.0
"""Seconds for what comes after: flagging, expunging, opening the mailbox again. It counts as CPU of the deliveries."""


@dataclass(frozen=True)
class Fanout:
    """What is to be measured."""

    recipients: int = 1000
    size: int = 1536
    times: int = 5

    def run(self, stage: Stage, done: Callable[[Traffic], None], withheld: Callable[[str], None]) -> None:
        """Measure. Raises LoadFailed."""
        stage.receivers(self.recipients)
        (sender,) = stage.senders(1)
        everybody = range(self.recipients)
        accounts = stage.target.people(self.recipients)
        envelope = sender.envelope([accounts[one].address for one in everybody])
        letter = Letter.of(sender.address, self.size)
        stage.tell(0, "warming up")
        sender.send(envelope, letter, everybody)
        stage.poll.run(lambda: not stage.ledger.open, stage.patience)
        stage.poll.rest(REST)
        stage.ledger.window = window = Window()
        lasts, busy = [], []
        gauge = stage.gauge()
        for number in range(self.times):
            stage.tell(number / self.times, f"one message to {self.recipients}")
            began, burst = time.monotonic(), Gauge(stage.poll, stage.meter)
            sender.send(envelope, letter, everybody)
            stage.poll.run(lambda: not stage.ledger.open, stage.patience)
            lasts.append(time.monotonic() - began)
            busy.append(burst.read(memory=False).generator_busy)
            stage.poll.rest(REST)
        spent = msgspec.structs.replace(gauge.read(), generator_busy=median(busy))
        try:
            line = stage.traffic(
                "fanout", window, spent, stage.settle(), size=len(letter), recipients=self.recipients, at_once=1
            )
        except Bottleneck as error:
            withheld(str(error))
        else:
            last = median(lasts)
            rate = round(self.recipients / last, 1)
            done(msgspec.structs.replace(line, last_fetched_ms=round(last * 1000, 1), deliveries_per_second=rate))
