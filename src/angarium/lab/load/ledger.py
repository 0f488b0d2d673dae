"""What was sent to whom, and what became of it: each accepted message must arrive once at each recipient, unchanged.

A message is *open* until it was answered and all its recipients have fetched it; only open ones are kept, so that a
long run takes no more memory than a short one: a number below the next one that is not open has arrived everywhere, and
what still arrives of it is doubled. Refused messages must not arrive. Where the connection ended before the answer, the
message may arrive or not, but not twice.

Latencies belong to the window in which a message was sent; deliveries are counted in the window in which they happen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from angarium.lab.load.letter import Letter, Marks, mark_of
from angarium.lab.load.quantiles import Durations

__all__ = ["Faults", "Ledger", "Message", "Window"]


@dataclass(slots=True)
class Window:
    """What happened in a stretch of time."""

    sent: int = 0
    deliveries: int = 0
    bytes: int = 0
    """Of the messages fetched."""
    fetches: int = 0
    """Times somebody fetched: under load, one takes several messages."""
    accepted: Durations = field(default_factory=Durations)
    fetched: Durations = field(default_factory=Durations)
    lost: int = 0
    """Deliveries of what was sent in it that did not come."""


@dataclass(slots=True)
class Faults:
    """What must not be. All but `refused` are counted by recipients."""

    refused: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0
    strange: int = 0
    """Arrived, and was not for them, or was refused, or bears no mark of this run: a bounce, for instance."""
    why: str = ""
    """The first refusal, in the relay's words."""

    def __bool__(self) -> bool:
        return bool(self.refused or self.lost or self.doubled or self.changed or self.strange)


@dataclass(slots=True, eq=False)
class Message:
    """One that is open."""

    number: int
    letter: Letter
    began: float
    missing: set[int]
    window: Window
    ended: Callable[[], None] | None
    answered: bool = False
    uncertain: bool = False


class Ledger:
    """Of one run; recipients are numbers."""

    def __init__(self) -> None:
        self._marks = Marks()
        self._next = 0
        self._refused: set[int] = set()
        self.open: dict[int, Message] = {}
        self.window = Window()
        self.faults = Faults()

    def begin(
        self, letter: Letter, recipients: Sequence[int], due: float, ended: Callable[[], None] | None = None
    ) -> tuple[Message, bytes]:
        """A message that is about to be submitted, and its bytes.

        Args:
            letter: what it says.
            recipients: whom it is for.
            due: when it should have been submitted: its latency counts from there.
            ended: is called when it has arrived everywhere, or was refused.
        """
        message = Message(self._next, letter, due, set(recipients), self.window, ended)
        self._next += 1
        self.open[message.number] = message
        self.window.sent += 1
        return message, letter.marked(self._marks.mark(message.number))

    def accepted(self, message: Message) -> None:
        """The relay has taken it."""
        message.answered = True
        message.window.accepted.add(monotonic() - message.began)
        self._settle(message)

    def refused(self, message: Message, why: str) -> None:
        """The relay has not taken it."""
        self.faults.refused += 1
        self.faults.why = self.faults.why or why
        self._refused.add(message.number)
        self._close(message)

    def unanswered(self, message: Message, why: str) -> None:
        """The connection ended before the answer: counts as refused, and may arrive."""
        self.faults.refused += 1
        self.faults.why = self.faults.why or why
        message.answered = message.uncertain = True
        self._settle(message)

    def fetched(self, recipient: int, content: bytes, since: float = 0.0) -> None:
        """Somebody has fetched a message; `since` when they are there: what was due earlier has waited for them."""
        mark = mark_of(content)
        number = None if mark is None else self._marks.number(mark)
        if mark is None or number is None or number >= self._next or number in self._refused:
            self.faults.strange += 1
            return
        message = self.open.get(number)
        if message is None or recipient not in message.missing:
            self.faults.doubled += 1
            return
        message.missing.discard(recipient)
        if message.letter.intact(content, mark):
            if message.began >= since:
                message.window.fetched.add(monotonic() - message.began)
            self.window.deliveries += 1
            self.window.bytes += len(content)
        else:
            self.faults.changed += 1
        self._settle(message)

    def give_up(self) -> None:
        """What has not arrived by now is lost."""
        for message in self.open.values():
            if not message.uncertain:
                self.faults.lost += len(message.missing)
                message.window.lost += len(message.missing)
        self.open.clear()

    def _settle(self, message: Message) -> None:
        if message.answered and not message.missing:
            self._close(message)

    def _close(self, message: Message) -> None:
        self.open.pop(message.number, None)
        if message.ended:
            message.ended()
