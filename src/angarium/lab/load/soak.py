"""All that happens to a relay in 24 hours, in some minutes, and whether anything of it stays behind.

The people of `day`, and whoever else comes (`visitors.py`), do in all what a relay of so many people sees in 24 hours:
`DAILY` for each of them. The hours pass in several waves, each the whole curve of a day with a part of its work, so
that the same hour can be compared with itself; the first half of them warms up. Nobody keeps their mail, so that the
relay holds the same after each wave: what grows then, in memory, descriptors, threads or on the disk, grows every day.

What grows is told for 24 hours (`trend.py`: the seasonal slope of a wave, times the waves), beside the most it may be.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from angarium.lab.load.day import HOURS, Life
from angarium.lab.load.disk import used
from angarium.lab.load.ledger import Faults, Window
from angarium.lab.load.report import Moment, Soaked, Spent, Trend
from angarium.lab.load.stage import BUSY, Line, Stage
from angarium.lab.load.target import LoadFailed
from angarium.lab.load.trend import slope
from angarium.lab.load.visitors import Visitors

__all__ = ["DAILY", "Soak"]

MESSAGES = 20
DAILY = {
    "reconnects": 20.0,
    "files": 0.04,
    "wrong passwords": 0.5,
    "new accounts": 0.03,
    "deletions": 0.03,
    "messages to nobody": 0.3,
    "protocol errors": 0.5,
    "silent connections": 0.5,
}
"""For each of the people in 24 hours, besides `MESSAGES` and their coming and going."""
FILE = 5 << 20
GROUP = 3
ENOUGH = 0.95
"""Part of what was planned that has to be done, or it was no day."""
REST = 20.0
"""Seconds at the end, at most, for those who are silent or refused."""
MEMORY = 0.05
"""Part of the memory,"""
DISK = 0.02
"""part of the bytes fetched,"""
DESCRIPTORS = 10
"""and number of descriptors beyond the connections,"""
THREADS = 2
"""and of threads that may be more after 24 hours."""


@dataclass(frozen=True)
class Soak:
    """What is to be measured."""

    people: int = 1000
    minutes: float = 12.0
    waves: int = 6
    seed: int = 1

    def run(self, stage: Stage, done: Callable[[Line], None], withheld: Callable[[str], None]) -> None:
        """Measure. Raises LoadFailed."""
        data = stage.target.data
        if stage.meter.holdings() is None or not stage.meter.watching or data is None:
            raise LoadFailed("its processes and its directory have to be known: soak a relay that is started for it")
        life = Life(stage, self.people, MESSAGES / self.waves, self.seed, devices=0)
        visitors = Visitors(stage, stage.target.people(self.people), random.Random(self.seed))  # noqa: S311
        stage.ledger.window = window = Window()
        moments: list[Moment] = []
        planned: dict[str, float] = dict.fromkeys(DAILY, 0.0)
        length = self.minutes * 60 / self.waves / len(HOURS)
        gauge, began = stage.gauge(), time.monotonic()
        for number in range(self.waves * len(HOURS)):
            wave, hour = divmod(number, len(HOURS))
            stage.tell(number / self.waves / len(HOURS), f"wave {wave + 1} of {self.waves}, {hour:02}:00")
            self._expect(stage, life, visitors, hour, length, planned)
            life.live(hour, length)
            moments.append(_moment(stage, data, visitors.silent, time.monotonic() - began))
        spent = gauge.read()
        if spent.generator_busy >= BUSY:
            withheld(f"soak: the generator was busy for {spent.generator_busy:.0%} of the time")
        life.wake()
        stage.poll.run(lambda: not visitors.there, REST)
        faults = stage.settle()
        visitors.leave()
        did = {name: visitors.done.get(name, 0) for name in planned if name in visitors.done}
        did |= {"reconnects": life.reconnects, "files": life.files} | dict(visitors.done)
        did |= {
            "messages": window.sent,
            "deliveries": window.deliveries,
            "IMAP connections of people": life.connections,
            "submission connections of people": life.submissions,
        }
        wanted = {name: round(count) for name, count in planned.items()} | {"messages": MESSAGES * self.people}
        done(self._told(moments, wanted, did, window, spent, faults, visitors))

    def _expect(
        self, stage: Stage, life: Life, visitors: Visitors, hour: int, length: float, planned: dict[str, float]
    ) -> None:
        """Let everything that is not written or fetched happen sometime in this hour."""
        works: dict[str, Callable[[], None]] = {
            "reconnects": life.reconnect,
            "files": partial(life.send, FILE, GROUP),
            "wrong passwords": visitors.guess,
            "new accounts": visitors.join,
            "deletions": visitors.pass_through,
            "messages to nobody": visitors.stray,
            "protocol errors": visitors.offend,
            "silent connections": visitors.stall,
        }
        now = time.monotonic()
        for name, work in works.items():
            before = round(planned[name])
            planned[name] += DAILY[name] * self.people / self.waves * HOURS[hour] / sum(HOURS)
            for _ in range(round(planned[name]) - before):
                stage.poll.at(now + visitors.chance.random() * length, work)

    def _told(
        self,
        moments: list[Moment],
        planned: dict[str, int],
        did: dict[str, int],
        window: Window,
        spent: Spent,
        faults: Faults,
        visitors: Visitors,
    ) -> Soaked:
        last = moments[self.waves // 2 * len(HOURS) :]

        def trend(what: str, value: Callable[[Moment], float], bound: float) -> Trend:
            values = [value(moment) for moment in last]
            waves = [values[at : at + len(HOURS)] for at in range(0, len(values), len(HOURS))]
            typical = [round(median(wave), 1) for wave in waves]
            return Trend(what, typical, round(slope(waves) * self.waves, 1), round(bound, 1))

        memory = median(moment.pss_kib for moment in last)
        lacking = [name for name, count in planned.items() if did.get(name, 0) < ENOUGH * count]
        return Soaked(
            mode="soak",
            people=self.people,
            waves=self.waves,
            minutes=self.minutes,
            planned=planned,
            done=did,
            lacking=lacking,
            trends=[
                trend("memory, KiB", lambda moment: moment.pss_kib, MEMORY * memory),
                trend("disk, KiB", lambda moment: moment.disk_kib, DISK * window.bytes / 1024),
                trend("descriptors", lambda moment: moment.descriptors - moment.connections, DESCRIPTORS),
                trend("threads", lambda moment: moment.threads, THREADS),
            ],
            moments=moments,
            spent=spent,
            faults=faults,
            wrong=visitors.wrong,
            why=visitors.why,
        )


def _moment(stage: Stage, data: Path, silent: int, seconds: float) -> Moment:
    holdings = stage.meter.holdings()
    if holdings is None:
        raise LoadFailed("the relay's processes cannot be looked at any more")
    return Moment(
        round(seconds, 1),
        holdings.pss,
        used(data) // 1024,
        holdings.descriptors,
        holdings.threads,
        stage.poll.watched + silent,
    )
