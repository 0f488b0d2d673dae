"""A day in the life of a relay, accelerated: people wake and sleep, write in bursts, texts and files, to one or many.

Everybody has hours: how likely it is to be online, and how much is written, follows the hour. Who comes online
reconnects and fetches what has waited; who writes opens a connection, submits a few messages, and closes it. Some keep
their mail for other devices. Nothing of it is random but by the seed. Figures are told for each hour, so that one sees
whether memory and cost stay what they were; latencies are of those who were there when the message was sent.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from angarium.lab.load.crowd import Receiver, Sender
from angarium.lab.load.ledger import Faults, Window
from angarium.lab.load.letter import Letter
from angarium.lab.load.report import Spent, Traffic
from angarium.lab.load.stage import Bottleneck, Stage

__all__ = ["HOURS", "Day", "Life"]

HOURS = (20, 12, 8, 6, 6, 8, 15, 30, 45, 50, 55, 60, 65, 65, 60, 60, 65, 70, 80, 90, 100, 95, 70, 40)
"""How much goes on in each hour, in per cent of the liveliest; made up after what messengers publish of theirs."""
AWAY = 0.15, 0.8
"""Part of the people who are online in the stillest and, in addition, in the liveliest hour."""
SIZES = ((1536, 85), (10240, 12), (102400, 3))
GROUPS = ((1, 70), (4, 15), (12, 10), (40, 5))
"""Bytes, and numbers of recipients, each with how many in a hundred."""
BURST = (1, 1, 1, 2, 3, 5)
RESUMED = 0.5
"""Part of those who change the network and go on with the TLS session of the last one."""
DEVICES = 0.1
"""Part of the people who keep their mail."""
TURNOVER = 0.3
"""Part of the people who, in any hour, come or go if they are not where the hour wants them."""
CLOSE = 1.0
"""Seconds after which a submission connection is not needed any more."""
CIRCLE = 80
"""People somebody knows, at most."""


@dataclass(frozen=True)
class Day:
    """What is to be measured."""

    people: int = 500
    messages: int = 20
    """For each of the people, in a day."""
    hours: int = 24
    minutes: float = 5.0
    """How long these hours take."""
    seed: int = 1

    def run(self, stage: Stage, done: Callable[[Traffic], None], withheld: Callable[[str], None]) -> None:
        """Measure. Raises LoadFailed."""
        life = Life(stage, self.people, self.messages, self.seed)
        whole, whole_gauge, hour_length = Window(), stage.gauge(), self.minutes * 60 / self.hours
        hours: list[tuple[str, Window, Spent]] = []
        for hour in range(self.hours):
            stage.tell(hour / self.hours, f"{hour % 24:02}:00")
            stage.ledger.window = window = Window()
            gauge = stage.gauge()
            life.live(hour, hour_length)
            hours.append((f"{hour % 24:02}:00", window, gauge.read()))
        spent = whole_gauge.read()
        life.wake()
        faults = stage.settle()
        for _, window, _ in hours:
            whole.deliveries += window.deliveries
            whole.bytes += window.bytes
            whole.fetches += window.fetches
            whole.accepted.merge(window.accepted)
            whole.fetched.merge(window.fetched)
        for note, window, used in [*hours, ("whole day", whole, spent)]:
            try:
                if window.deliveries:
                    told = faults if window is whole else Faults()
                    size = whole.bytes // max(1, whole.deliveries)
                    done(stage.traffic("day", window, used, told, size=size, recipients=0, note=note))
            except Bottleneck as error:
                withheld(f"{note}: {error}")


class Life:
    """Everybody's.

    Args:
        stage: where it takes place.
        people: how many they are.
        messages: how many each sends in 24 hours.
        seed: of all that is left to chance.
        devices: part of them who keep their mail.
    """

    def __init__(self, stage: Stage, people: int, messages: float, seed: int, devices: float = DEVICES) -> None:
        self._stage, self._people, self._messages = stage, people, messages
        self._chance = random.Random(seed)  # noqa: S311 (a measurement that can be repeated)
        self._accounts = stage.target.people(people)
        self._receivers: list[Receiver] = stage.receivers(people)
        for person in self._receivers:
            person.keep = self._chance.random() < devices
        self._online = set(range(people))
        self._senders: dict[int, Sender] = {}
        self._bodies = {size: Letter.of("", size) for size, _ in SIZES}
        self.connections = people
        self.submissions = 0
        """Connections that were opened, for IMAP and for submission."""
        self.reconnects = self.files = 0

    def live(self, hour: int, seconds: float) -> None:
        """An hour that takes so long."""
        began = time.monotonic()
        least, more = AWAY
        liveliness = HOURS[hour % 24]
        self._turn(least + more * liveliness / 100, began, seconds)
        messages = self._messages * self._people * liveliness / sum(HOURS)
        bursts = messages * len(BURST) / sum(BURST)
        for _ in range(round(bursts)):
            self._stage.poll.at(began + self._chance.random() * seconds, self._write)
        self._stage.poll.rest(seconds)

    def wake(self) -> None:
        """Everybody comes online, and nobody writes any more."""
        for number, person in enumerate(self._receivers):
            if number not in self._online:
                person.connect()

    def reconnect(self) -> None:
        """Somebody who is online comes by another network."""
        if self._online:
            person = self._receivers[self._chance.choice([*self._online])]
            if person.ready:
                person.leave()
                person.connect(resume=self._chance.random() < RESUMED)
                self.connections += 1
                self.reconnects += 1

    def send(self, size: int, group: int) -> None:
        """Somebody sends one file of so many bytes to so many."""
        self.files += 1
        self._write_to(group, [size])

    def _turn(self, wanted: float, began: float, seconds: float) -> None:
        """In the course of the hour, so many are online, and not all the same people."""
        for number in range(self._people):
            if self._chance.random() < TURNOVER:
                stays = self._chance.random() < wanted
                if stays != (number in self._online):
                    self._stage.poll.at(began + self._chance.random() * seconds, partial(self._flip, number))

    def _flip(self, number: int) -> None:
        if number in self._online:
            self._online.discard(number)
            self._receivers[number].leave()
        else:
            self._online.add(number)
            self._receivers[number].connect()
            self.connections += 1

    def _write(self) -> None:
        """Somebody writes a few messages to the same people."""
        (group,) = self._chance.choices([group for group, _ in GROUPS], [weight for _, weight in GROUPS])
        count = self._chance.choice(BURST)
        self._write_to(
            group, self._chance.choices([size for size, _ in SIZES], [weight for _, weight in SIZES], k=count)
        )

    def _write_to(self, group: int, sizes: Sequence[int]) -> None:
        author = self._chance.randrange(self._people)
        circle = range(author + 1, author + 1 + min(CIRCLE, self._people - 1))
        recipients = [one % self._people for one in self._chance.sample(circle, min(group, len(circle)))]
        sender = self._sender(author)
        envelope = sender.envelope([self._accounts[one].address for one in recipients])
        for size in sizes:
            if size not in self._bodies:
                self._bodies[size] = Letter.of("", size)
            sender.send(envelope, self._bodies[size].by(sender.address), recipients)

    def _sender(self, number: int) -> Sender:
        if number not in self._senders:
            stage = self._stage
            sender = Sender(stage.poll, stage.target, number, self._accounts[number], stage.ledger)
            sender.connect()
            self.submissions += 1
            self._senders[number] = sender
            stage.poll.at(time.monotonic() + CLOSE, partial(self._close, number))
        return self._senders[number]

    def _close(self, number: int) -> None:
        if self._senders[number].busy:
            self._stage.poll.at(time.monotonic() + CLOSE, partial(self._close, number))
        else:
            self._senders.pop(number).leave()
