"""Everybody loses the network at once, and is back at once, or soon; meanwhile others go on talking.

So many people wait in IDLE; all their connections end without a word and are opened anew in the same moment, or evenly
within some seconds. Who is not in IDLE again within the 60 seconds that the apps give to each answer has failed. A few
others send each other messages at a rate all the while: before the storm (calm), and in it. Those who return live in a
process of their own (`apart`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from select import EPOLLIN

import msgspec

from angarium.lab.load.apart import TIMEOUT, Apart, Came, Returned
from angarium.lab.load.ledger import Faults, Window
from angarium.lab.load.quantiles import Durations
from angarium.lab.load.report import Logins, Spent, latency
from angarium.lab.load.stage import BUSY, Bottleneck, Line, Stage
from angarium.lab.load.throughput import Flow

__all__ = ["Storm"]

TALKERS = 64
CALM = 5.0
GRACE = 10.0


@dataclass(frozen=True)
class Storm:
    """What is to be measured."""

    connections: int = 1000
    rate: float = 20.0
    """Messages a second between those who stay."""
    size: int = 1536
    resume: bool = False
    """Whether those who return go on with the TLS session of the last time."""
    within: float = 0.0
    """Seconds in which they return; 0: all at once."""

    def run(self, stage: Stage, done: Callable[[Line], None], withheld: Callable[[str], None]) -> None:
        """Measure. Raises LoadFailed."""
        stage.receivers(TALKERS)
        crowd = Apart(stage.target, self.connections, TALKERS, resume=self.resume, within=self.within)
        try:
            while isinstance(came := crowd.hear(), Came) and came.number < self.connections:
                stage.tell(0.2 * came.number / self.connections, f"those who will return: {came.number}")
            self._storm(stage, crowd, done, withheld)
        finally:
            crowd.close()

    def _storm(self, stage: Stage, crowd: Apart, done: Callable[[Line], None], withheld: Callable[[str], None]) -> None:
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
        returned = self._return(stage, crowd)
        spent = gauge.read()
        stage.ledger.window = Window()
        flow.stop()
        faults = stage.settle()
        self._talk(stage, "calm", calm, quiet, Faults(), done, withheld)
        self._talk(stage, "storm", wild, spent, faults, done, withheld)
        busy = max(1 - returned.waited / returned.seconds, returned.cpu / returned.seconds)
        theirs = busy >= BUSY
        if theirs:
            withheld(f"how fast {self.connections} return: their process was busy for {busy:.0%} of the time")
        durations = Durations()
        for seconds in returned.durations:
            durations.add(seconds)
        server, count = spent.server_cpu_seconds, durations.count
        done(
            Logins(
                mode="storm",
                kind="storm",
                logins=count,
                failed=returned.failed,
                logins_per_second=None if theirs else round(count / returned.seconds, 1),
                login_ms=None if theirs else latency(durations),
                server_cpu_ms=round(server * 1000 / count, 3) if server is not None and count else None,
                spent=msgspec.structs.replace(
                    spent, generator_cpu_seconds=round(returned.cpu, 3), generator_busy=round(busy, 3)
                ),
                why=returned.why,
            )
        )

    def _return(self, stage: Stage, crowd: Apart) -> Returned:
        """Let the storm come, and go on talking until it is over. Raises LoadFailed."""
        over: list[int] = []
        stage.poll.watch(crowd.descriptor, EPOLLIN, over.append)
        crowd.begin()
        stage.poll.run(lambda: bool(over), self.within + TIMEOUT + GRACE)
        stage.poll.forget(crowd.descriptor)
        returned = crowd.hear()
        assert isinstance(returned, Returned)
        return returned

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
