"""Many connections that wait: the memory each takes in the server's processes, and the CPU time of doing nothing.

What the server needs for accounts that exist, and loads with its first connections, is there before counting begins:
every account has logged in once and gone. They come a few at a time, since what many took at once, and the server's
allocator kept, would serve those that are counted. Connections come from many addresses of loopback, so that ports do
not run out.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from angarium.lab.load.crowd import Receiver, gather
from angarium.lab.load.report import Idle
from angarium.lab.load.stage import Line, Stage
from angarium.lab.load.target import LoadFailed

__all__ = ["Waiting"]

REST = 2.0
FEW = 4
"""Accounts that are there at a time before it is counted."""


@dataclass(frozen=True)
class Waiting:
    """What is to be measured."""

    connections: int = 1000
    accounts: int = 0
    """How many people they are; 0: as many as connections, at most 1,000."""
    seconds: float = 20.0
    """How long nothing happens."""

    def run(self, stage: Stage, done: Callable[[Line], None], withheld: Callable[[str], None]) -> None:
        """Measure. Raises LoadFailed."""
        accounts = stage.target.people(self.accounts or min(self.connections, 1000))
        devices = [
            Receiver(stage.poll, stage.target, number, accounts[number % len(accounts)], stage.ledger)
            for number in range(self.connections)
        ]

        def coming(what: str) -> Callable[[int], None]:
            return lambda came: stage.tell(came / self.connections, f"{what}: {came}")

        for start in range(0, len(accounts), FEW):
            some = devices[start : min(start + FEW, len(accounts))]
            gather(stage.poll, some, 60)
            for device in some:
                device.leave()
            coming("accounts")(start)
        stage.poll.rest(REST)
        gauge = stage.gauge()
        before = gauge.read()
        gather(stage.poll, devices, 60 + self.connections, coming("connections"))
        stage.poll.rest(REST)
        quiet = stage.gauge()
        stage.tell(1, "nothing happens")
        began = time.monotonic()
        stage.poll.rest(self.seconds)
        seconds = time.monotonic() - began
        spent = quiet.read()
        if gone := [device.failed for device in devices if not device.ready]:
            raise LoadFailed(f"{len(gone)} of {self.connections} connections did not last: {gone[0]}")
        for device in devices:
            device.leave()
        known = before.server_pss_kib is not None and spent.server_pss_kib is not None
        growth = (spent.server_pss_kib or 0) - (before.server_pss_kib or 0)
        cpu = spent.server_cpu_seconds
        done(
            Idle(
                "idle",
                self.connections,
                round(growth / self.connections, 2) if known else None,
                None if cpu is None else round(100 * cpu / seconds, 2),
                spent,
            )
        )
