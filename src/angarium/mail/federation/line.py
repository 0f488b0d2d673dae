"""One destination: what waits for it, and whether it is worth trying.

A destination that has answered is open: several senders' messages go there side by side. One that could not be reached,
or has not answered since this process started, is tried with one message at a time; where that fails, everything that
waits for it backs off together, and the first answer opens it again.

Knows the time only as it is told.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

from angarium.mail.federation.chain import Chain, Entry

__all__ = ["Attempt", "Line"]

SIDE_BY_SIDE = 4
"""Attempts at one open destination, each of another sender."""


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """One message on its way to one destination."""

    entry: Entry
    recipients: tuple[str, ...]
    """Those of its recipients that it is tried for."""
    line: "Line"
    failures: int
    """How often the destination had failed in a row when it began."""


class Line:
    """See the file's head."""

    def __init__(self, destination: str, *, due: float = 0.0, held: bool = False) -> None:
        """`due`: nothing is tried before."""
        self.destination = destination
        self.due = due
        self.held = held
        self.failures = 0
        self.fault = ""
        """What was wrong when it was last tried, in words; empty where it answered."""
        self.tried = False
        """Whether an attempt has come to an end since this process started."""
        self.under_way = 0
        self.open = False
        self._chains: dict[str, Chain] = {}
        self._turns: OrderedDict[str, None] = OrderedDict()
        self._asleep: list[tuple[float, str]] = []

    def __len__(self) -> int:
        """How many messages wait."""
        return sum(len(chain) for chain in self._chains.values())

    def entries(self) -> Iterator[Entry]:
        """Everything that waits."""
        for chain in self._chains.values():
            yield from chain.entries()

    @property
    def empty(self) -> bool:
        """Nothing waits, and nothing is under way."""
        return not self._chains and not self.under_way

    def busy_with(self, sender: str) -> bool:
        """Whether something of this sender waits."""
        return sender in self._chains

    def sending(self, entry: Entry) -> bool:
        """Whether this message is just being tried."""
        chain = self._chains.get(entry.sender)
        return chain is not None and chain.under_way is entry

    def add(self, entry: Entry) -> None:
        """A message more."""
        self._chains.setdefault(entry.sender, Chain()).add(entry)
        self._turn(entry.sender)

    def remove(self, entry: Entry) -> None:
        """It waits no more."""
        chain = self._chains.get(entry.sender)
        if chain is not None:
            chain.remove(entry)
            self._tidy(entry.sender, chain)
            self._turn(entry.sender)  # what was behind it may go

    def next(self, now: float, largest: float) -> Attempt | None:
        """The attempt to make now, if there is one; it is under way from then on, until `done`. The senders take turns.
        No message over `largest` octets."""
        if self.held or now < self.due or self.under_way >= (SIDE_BY_SIDE if self.open else 1):
            return None
        self._awake(now)
        while self._turns:
            sender, _ = self._turns.popitem(last=False)
            chain = self._chains.get(sender)
            if chain is None or chain.under_way is not None:
                continue
            found = chain.next(now, largest)
            if found is not None:
                chain.under_way = found[0]
                self.under_way += 1
                return Attempt(*found, self, self.failures)
            self._sleep(sender, chain, now)
        return None

    def wake(self, now: float) -> float | None:
        """When there may be something to try, as far as that is a matter of time."""
        if self.held or not self._chains or self.under_way >= (SIDE_BY_SIDE if self.open else 1):
            return None
        if self._turns:
            return self.due if self.due > now else None
        return max(self._asleep[0][0], self.due) if self._asleep else None

    def done(self, attempt: Attempt) -> None:
        """An attempt is over, and what it came to is told."""
        self.under_way -= 1
        sender = attempt.entry.sender
        chain = self._chains.get(sender)
        if chain is not None:
            chain.under_way = None
            self._tidy(sender, chain)
            self._turn(sender)

    def answered(self) -> None:
        """The destination has spoken."""
        self.tried = self.open = True
        self.failures, self.fault, self.due = 0, "", 0.0

    def failed(self, attempt: Attempt, fault: str) -> bool:
        """It could not be reached. False where that is known since after this attempt began: of several that fail
        together, one counts."""
        self.tried, self.fault = True, fault
        if attempt.failures != self.failures:
            return False
        self.open = False
        self.failures += 1
        return True

    def soon(self, due: float) -> None:
        """Try everything from then on, whatever was to be waited for."""
        self.due = min(self.due, due)
        for sender, chain in self._chains.items():
            for entry in chain.entries():
                entry.due = min(entry.due, due)
            self._turn(sender)

    def look_again(self) -> None:
        """What was too large may not be so any more."""
        for sender in self._chains:
            self._turn(sender)

    def _turn(self, sender: str) -> None:
        if sender in self._chains:
            self._turns[sender] = None

    def _sleep(self, sender: str, chain: Chain, now: float) -> None:
        wake = chain.wake(now)
        if wake is not None and (chain.alarm is None or wake < chain.alarm):
            chain.alarm = wake
            heappush(self._asleep, (wake, sender))

    def _awake(self, now: float) -> None:
        while self._asleep and self._asleep[0][0] <= now:
            _, sender = heappop(self._asleep)
            if sender in self._chains:
                self._chains[sender].alarm = None
                self._turn(sender)

    def _tidy(self, sender: str, chain: Chain) -> None:
        if not len(chain) and chain.under_way is None:
            self._chains.pop(sender, None)
            self._turns.pop(sender, None)
