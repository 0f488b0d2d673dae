"""Everybody loses the network at once, and is back at once; meanwhile others go on talking.

So many people wait in IDLE; all their connections end without a word and are opened anew in the same moment. Who is not
in IDLE again within the 60 seconds that the apps give to each answer has failed. A few others send each other messages
at a rate all the while: before the storm (calm), and in it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from angarium.lab.load.crowd import Receiver
from angarium.lab.load.ledger import Faults, Window
from angarium.lab.load.quantiles import Durations
from angarium.lab.load.report import Logins, Spent, latency
from angarium.lab.load.stage import BUSY, Bottleneck, Line, Stage
from angarium.lab.load.throughput import Flow

__all__ = ["Storm"]

TALKERS = 64
TIMEOUT = 60.0
CALM = 5.0


@dataclass(frozen=True)
class Storm:
    """What is to be measured."""

    connections: int = 1000
    rate: float = 20.0
    """Messages a second between those who stay."""
    size: int = 1536
    resume: bool = False
    """Whether those who return go on with the TLS session of the last time."""

    def run(self, stage: Stage, done: Callable[[Line], None], withheld: Callable[[str], None]) -> None:
        """Measure. Raises LoadFailed."""
        crowd = stage.receivers(TALKERS + self.connections)[TALKERS:]
        flow = Flow(stage, stage.senders(TALKERS), self.size, 1, TALKERS)
        flow.pace(self.rate)
        calm, gauge = Window(), stage.gauge()
        stage.ledger.window = calm
        stage.tell(0.3, "calm")
        stage.poll.rest(CALM)
        quiet = gauge.read()
        stage.ledger.window = wild = Window()
        stage.tell(0.6, f"{self.connections} return")
        gauge = stage.gauge()
        back = _Return(crowd)
        back.begin(resume=self.resume)
        stage.poll.run(back.over, TIMEOUT)
        spent = gauge.read()
        stage.ledger.window = Window()
        flow.stop()
        faults = stage.settle()
        self._talk(stage, "calm", calm, quiet, Faults(), done, withheld)
        self._talk(stage, "storm", wild, spent, faults, done, withheld)
        if spent.generator_busy < BUSY:
            server, count = spent.server_cpu_seconds, back.durations.count
            failed = [person for person in crowd if not person.ready]
            done(
                Logins(
                    mode="storm",
                    kind="storm",
                    logins=count,
                    failed=len(failed),
                    logins_per_second=round(count / spent.seconds, 1),
                    login_ms=latency(back.durations),
                    server_cpu_ms=round(server * 1000 / count, 3) if server is not None and count else None,
                    spent=spent,
                    why=(failed[0].failed or f"not back after {TIMEOUT:.0f} s") if failed else "",
                )
            )

    def _talk(
        self,
        stage: Stage,
        note: str,
        window: Window,
        spent: Spent,
        faults: Faults,
        done: Callable[[Line], None],
        withheld: Callable[[str], None],
    ) -> None:
        """Tell of the messages that were sent in a window, whenever they arrived."""
        window.deliveries = window.fetched.count
        if not window.sent:
            return  # it was over before anybody wrote
        try:
            line = stage.traffic(
                "storm", window, spent, faults, size=self.size, recipients=1, rate=self.rate, note=note
            )
        except Bottleneck as error:
            withheld(f"{note}: {error}")
        else:
            done(line if note == "calm" else msgspec.structs.replace(line, server_cpu_ms=None))  # it is the logins'


class _Return:
    """All of them."""

    def __init__(self, crowd: list[Receiver]) -> None:
        self._crowd = crowd
        self.durations = Durations()

    def begin(self, *, resume: bool) -> None:
        """Go and come, all at once."""
        for person in self._crowd:
            person.leave()
        began = time.monotonic()
        for person in self._crowd:
            person.connect(lambda: self.durations.add(time.monotonic() - began), resume=resume)

    def over(self) -> bool:
        """Whether all are back, or have failed."""
        return self.durations.count + sum(bool(person.failed) for person in self._crowd) >= len(self._crowd)
