"""The messages of one sender to one destination, in order, without the messages themselves.

A later message does not overtake an earlier one on its way to the same person. One that this person cannot have now (a
full mailbox, say) does not hold up what goes to others: a later message then goes to those others first.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from angarium.mail.federation.hearing import Hearing
from angarium.mail.verdict import Verdict
from angarium.store.outbound import Waiting

__all__ = ["Chain", "Entry", "weigh"]

RECIPIENTS = 10
"""A message counts once, and once more for each so many recipients: what the index takes in memory is bounded so."""


@dataclass(slots=True, eq=False)
class Entry:
    """A message that waits for one destination, and what this process knows of it."""

    number: int
    order: int
    destination: str
    sender: str
    recipients: tuple[str, ...]
    octets: int
    day: int
    held: bool = False
    due: float = 0.0
    """When it may be tried, in seconds of the clock; what the destination as a whole says comes on top."""
    failures: int = 0
    said: Verdict | None = None
    """Why it was put off last."""
    hearing: Hearing | None = None
    ending: Verdict | None = None
    """It is to be returned, with this reason, as soon as the attempt that is under way is over."""
    weight: int = field(init=False)

    def __post_init__(self) -> None:
        self.weight = weigh(self.recipients)

    @classmethod
    def of(cls, waiting: Waiting, *, hearing: Hearing | None = None) -> "Entry":
        """From what the store has."""
        return cls(
            waiting.number,
            waiting.order,
            waiting.destination,
            waiting.sender,
            waiting.recipients,
            waiting.octets,
            waiting.day,
            waiting.held,
            hearing=hearing,
        )


def weigh(recipients: Collection[str]) -> int:
    """What a message to so many counts against `queue_messages`."""
    return 1 + len(recipients) // RECIPIENTS


class Chain:
    """At most one attempt of it is under way."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self.under_way: Entry | None = None
        self.alarm: float | None = None
        """When it is to be looked at again, if that is planned."""

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self) -> Collection[Entry]:
        """Those that wait, in order."""
        return self._entries.values()

    def add(self, entry: Entry) -> None:
        """At the end, or, where what came before it is read later, in its place."""
        out_of_order = bool(self._entries) and entry.order < next(reversed(self._entries.values())).order
        self._entries[entry.number] = entry
        if out_of_order:
            self._entries = {each.number: each for each in sorted(self._entries.values(), key=lambda each: each.order)}

    def remove(self, entry: Entry) -> None:
        """It waits no more."""
        self._entries.pop(entry.number, None)

    def next(self, now: float, largest: float) -> tuple[Entry, tuple[str, ...]] | None:
        """The message to try now, and for which of its recipients, if there is one. None over so many octets."""
        behind: set[str] = set()
        for entry in self._entries.values() if self.under_way is None else ():
            if entry.due <= now and entry.octets <= largest:
                free = tuple(each for each in entry.recipients if each not in behind) if behind else entry.recipients
                if free:
                    return entry, free
            behind.update(entry.recipients)
        return None

    def wake(self, now: float) -> float | None:
        """When there may be one, as far as that is a matter of time."""
        return min((entry.due for entry in self._entries.values() if entry.due > now), default=None)
