"""What every mode stands on: a relay, people, a ledger, a meter; and a stretch of time that is accounted for.

A figure is withheld where the generator was busy for nine tenths of the time: it would be the generator's. Busy is what
it did not wait for something to happen, so it counts too that it was ready and other processes had the processors.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from angarium.lab.load.crowd import Receiver, Sender, gather
from angarium.lab.load.ledger import Faults, Ledger, Window
from angarium.lab.load.meter import Meter, Usage
from angarium.lab.load.poll import Poll
from angarium.lab.load.report import Idle, Logins, Soaked, Spent, Traffic, latency
from angarium.lab.load.target import LoadFailed, Target

__all__ = ["BUSY", "Bottleneck", "Gauge", "Line", "Stage", "Tell"]

BUSY = 0.9
PATIENCE = 30.0
"""Seconds after which what has not arrived is lost."""

Line = Traffic | Idle | Logins | Soaked
Tell = Callable[[float, str], None]
"""Is told which part is done, and what goes on."""


class Bottleneck(Exception):
    """The generator could not do more: the figure would be its own."""


class Gauge:
    """Begins to count when it is made."""

    def __init__(self, poll: Poll, meter: Meter) -> None:
        self._poll, self._meter = poll, meter
        self._server = meter.usage()
        self._began, self._cpu, self._waited = time.monotonic(), time.process_time(), poll.waited

    def read(self, *, memory: bool = True) -> Spent:
        """What was spent until now."""
        seconds = time.monotonic() - self._began
        cpu, waited = time.process_time() - self._cpu, self._poll.waited - self._waited
        watching = self._meter.watching
        server = self._meter.usage(memory=memory) if watching else Usage(0, 0)
        return Spent(
            round(seconds, 3),
            round(server.cpu - self._server.cpu, 3) if watching else None,
            server.pss,
            server.processes if watching else None,
            round(cpu, 3),
            round(min(1.0, max(1 - waited / seconds, cpu / seconds)), 3) if seconds else 0.0,
        )


@dataclass
class Stage:
    """One run's."""

    target: Target
    meter: Meter
    tell: Tell
    keep: bool = False
    patience: float = PATIENCE
    """Seconds after the last message until what has not arrived is lost."""
    poll: Poll = field(default_factory=Poll)
    ledger: Ledger = field(default_factory=Ledger)
    _receivers: list[Receiver] = field(default_factory=list)
    _senders: list[Sender] = field(default_factory=list)

    def receivers(self, count: int) -> list[Receiver]:
        """So many, in IDLE. Raises LoadFailed."""
        accounts = self.target.people(count)
        new = [
            Receiver(self.poll, self.target, number, accounts[number], self.ledger, keep=self.keep)
            for number in range(len(self._receivers), count)
        ]
        gather(self.poll, new, 60 + len(new), self._coming("receivers", len(new)))
        self._receivers += new
        return self._receivers[:count]

    def senders(self, count: int) -> list[Sender]:
        """So many, logged in. Raises LoadFailed."""
        accounts = self.target.people(count)
        new = [
            Sender(self.poll, self.target, number, accounts[number], self.ledger)
            for number in range(len(self._senders), count)
        ]
        gather(self.poll, new, 60 + len(new), self._coming("senders", len(new)))
        self._senders += new
        return self._senders[:count]

    def gauge(self) -> Gauge:
        """Begin to count what is spent."""
        return Gauge(self.poll, self.meter)

    def settle(self) -> Faults:
        """Wait for what is under way, and give up what does not come; the faults since the last time."""
        self.poll.run(lambda: not self.ledger.open, self.patience)
        self.ledger.give_up()
        faults, self.ledger.faults = self.ledger.faults, Faults()
        for person in self._receivers:
            if person.failed:
                faults.why = faults.why or f"a receiver's connection ended: {person.failed}"
        return faults

    def traffic(
        self,
        mode: str,
        window: Window,
        spent: Spent,
        faults: Faults,
        *,
        size: int,
        recipients: int,
        rate: float | None = None,
        at_once: int = 0,
        note: str = "",
    ) -> Traffic:
        """A line of the report. Raises Bottleneck."""
        if not window.deliveries:
            raise LoadFailed(f"nothing arrived: {faults.why or 'look at the relay'}")
        if spent.generator_busy >= BUSY:
            raise Bottleneck(
                f"{mode}, {size} bytes to {recipients}: the generator was busy for {spent.generator_busy:.0%} of the"
                f" time and used {spent.generator_cpu_seconds / spent.seconds:.0%} of a processor"
            )
        server, due = spent.server_cpu_seconds, max(1, window.fetched.count + window.lost)
        return Traffic(
            mode=mode,
            size=size,
            recipients=recipients,
            rate=rate,
            at_once=at_once,
            messages=window.accepted.count,
            deliveries=window.deliveries,
            deliveries_per_second=round(window.deliveries / spent.seconds, 1),
            deliveries_per_fetch=round(window.deliveries / max(1, window.fetches), 2),
            accepted_ms=latency(window.accepted),
            fetched_ms=latency(window.fetched),
            arrived_percent=round(100 * window.fetched.count / due, 3),
            within_second_percent=round(100 * window.fetched.within(1.0) / due, 3),
            server_cpu_ms=None if server is None else round(server * 1000 / window.deliveries, 3),
            generator_cpu_ms=round(spent.generator_cpu_seconds * 1000 / window.deliveries, 3),
            spent=spent,
            faults=faults,
            note=note,
        )

    def close(self) -> None:
        """Everybody goes."""
        for receiver in self._receivers:
            receiver.leave()
        for sender in self._senders:
            sender.leave()
        self.poll.close()

    def _coming(self, who: str, count: int) -> Callable[[int], None]:
        return lambda came: self.tell(0.0, f"{who}: {came} of {count}")
