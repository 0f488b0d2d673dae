"""What was sent to whom, what arrived and when: the book-keeping of a check.

Every text is unique, so that a message is known by its text alone. Refuses to know how messages travel.
Invariant: a message counts as delivered only if the receiver, asked at the end, holds it exactly once.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Ledger", "Tally"]


@dataclass(slots=True)
class Delivery:
    """One message on its way to one receiver; moments are of `time.perf_counter`."""

    step: str
    receiver: int
    text: str
    sent: float
    arrived: asyncio.Future[float]


@dataclass(slots=True)
class Deed:
    """Something to be done that is no message; None until it is."""

    step: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How a step fared. Counts are of deeds and of deliveries: a message to four counts four."""

    expected: int
    delivered: int
    """Done, or arrived exactly once."""
    missing: int
    duplicated: int
    seconds: tuple[float, ...]
    """How long each took, in order; a message from sending to the receiver's app telling of it."""

    @property
    def right(self) -> bool:
        """Whether everything arrived exactly once."""
        return self.delivered == self.expected


class Ledger:
    """All deeds and deliveries of a check."""

    def __init__(self) -> None:
        self._deeds: list[Deed] = []
        self._deliveries: list[Delivery] = []
        self._awaited: dict[tuple[int, str], Delivery] = {}

    @contextmanager
    def deed(self, step: str) -> Iterator[None]:
        """Note that something is to be done; it counts as done if the context ends without an exception."""
        deed = Deed(step)
        self._deeds.append(deed)
        began = time.perf_counter()
        yield
        deed.seconds = time.perf_counter() - began

    def expect(self, step: str, receiver: int, text: str) -> None:
        """Note that a message goes out to a receiver now. The text must be new."""
        assert (receiver, text) not in self._awaited
        delivery = Delivery(step, receiver, text, time.perf_counter(), asyncio.get_running_loop().create_future())
        self._deliveries.append(delivery)
        self._awaited[receiver, text] = delivery

    def arrived(self, receiver: int, text: str, moment: float) -> None:
        """Note that a receiver's app told of a text; what nobody waits for is passed over."""
        delivery = self._awaited.get((receiver, text))
        if delivery is not None and not delivery.arrived.done():
            delivery.arrived.set_result(moment)

    async def complete(self, step: str) -> None:
        """Return once everything sent so far in a step has arrived."""
        if waiting := [delivery.arrived for delivery in self._deliveries if delivery.step == step]:
            await asyncio.wait(waiting)

    def tally(self, step: str, held: Mapping[int, Counter[str]]) -> Tally:
        """Count a step's deliveries, given how often each receiver holds each text at the end."""
        deliveries = [delivery for delivery in self._deliveries if delivery.step == step]
        deeds = [deed.seconds for deed in self._deeds if deed.step == step]
        done = [seconds for seconds in deeds if seconds is not None]
        counts = [held.get(delivery.receiver, Counter())[delivery.text] for delivery in deliveries]
        took = [delivery.arrived.result() - delivery.sent for delivery in deliveries if delivery.arrived.done()]
        return Tally(
            expected=len(counts) + len(deeds),
            delivered=counts.count(1) + len(done),
            missing=counts.count(0) + len(deeds) - len(done),
            duplicated=sum(count > 1 for count in counts),
            seconds=tuple(sorted(took + done)),
        )
