"""The people: receivers who wait in IDLE, fetch and delete as the apps do, and senders who have a connection open."""

import ssl
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from time import monotonic

from angarium.lab.load.connection import Address, Connection, Refused, Script, parked
from angarium.lab.load.imap import Imap
from angarium.lab.load.ledger import Ledger, Message
from angarium.lab.load.letter import Letter
from angarium.lab.load.poll import Poll
from angarium.lab.load.smtp import Smtp, envelope
from angarium.lab.load.target import Account, LoadFailed, Target

__all__ = ["Receiver", "Sender", "gather"]

AT_ONCE = 16
"""Connections being opened at a time, where it is not their opening that is measured."""


class Receiver:
    """A device of an account: waits, fetches headers, then bodies; deletes, unless others want the mail too."""

    ready = False
    """Whether it was in IDLE at least once."""
    failed = ""
    """Why its connection ended."""
    session: ssl.SSLSession | None = None

    def __init__(
        self, poll: Poll, target: Target, number: int, account: Account, ledger: Ledger, *, keep: bool = False
    ) -> None:
        self._poll = poll
        self._address: Address = (target.host, target.imaps)
        self._source = target.source(number)
        self._number = number
        self._account = account
        self._ledger = ledger
        self.keep = keep
        """Whether the mail stays, for other devices."""
        self._next = 0
        self._since = 0.0
        self._connection: Connection | None = None
        self._listening: Callable[[], None] | None = None

    def connect(self, listening: Callable[[], None] | None = None, *, resume: bool = False) -> None:
        """Come back, or for the first time; tell when in IDLE."""
        self._listening = listening
        self.ready, self.failed, self._since = False, "", inf
        self._connection = Connection(self._poll, self._address, self._source, self.session if resume else None)
        self._connection.start(self._live(self._connection), self._ended)

    def leave(self) -> None:
        """Go away without a word."""
        if self._connection:
            self.session = self._connection.session or self.session
            self._connection.abort()
        self.ready = False

    def _ended(self, error: Exception | None) -> None:
        self.ready = False
        self.failed = str(error or "it ended")

    def _live(self, connection: Connection) -> Script[None]:
        imap = Imap(connection)
        yield from imap.greeting()
        yield from imap.login(self._account.address, self._account.password)
        yield from imap.select()
        imap.next = self._next or imap.there  # what is there at the first SELECT ever is not fetched
        while True:
            if imap.there <= imap.next:
                self._next = imap.next
                yield from self._wait(imap)
            if uids := (yield from imap.prefetch()):
                yield from self._take(imap, b",".join(b"%d" % uid for uid in uids))

    def _wait(self, imap: Imap) -> Script[None]:
        yield from imap.idle()
        if not self.ready:
            self.ready, self._since = True, monotonic()
            if self._listening:
                self._listening()
        yield from imap.announced()
        yield from imap.done()

    def _take(self, imap: Imap, uids: bytes) -> Script[None]:
        contents = yield from imap.bodies(uids)
        self._ledger.window.fetches += 1
        for content in contents:
            self._ledger.fetched(self._number, content, self._since)
        self._next = imap.next
        yield from imap.seen(uids) if self.keep else imap.delete(uids)


class Sender:
    """Somebody with a submission connection, who sends one message after the other."""

    ready = False
    failed = ""

    def __init__(self, poll: Poll, target: Target, number: int, account: Account, ledger: Ledger) -> None:
        self.address = account.address
        self._poll = poll
        self._to: Address = (target.host, target.submissions)
        self._source = target.source(number)
        self._account = account
        self._ledger = ledger
        self._waiting: deque[tuple[Message, bytes, bytes]] = deque()
        self._now: Message | None = None
        self._connection: Connection | None = None

    def connect(self) -> None:
        """Come."""
        self.failed = ""
        self._connection = Connection(self._poll, self._to, self._source)
        self._connection.start(self._live(self._connection), self._ended)

    @property
    def busy(self) -> int:
        """Messages not answered yet."""
        return len(self._waiting) + (self._now is not None)

    def send(
        self,
        envelope: bytes,
        letter: Letter,
        recipients: Sequence[int],
        ended: Callable[[], None] | None = None,
        due: float | None = None,
    ) -> None:
        """Submit a message when those before it are answered; `due` is when it should have been submitted."""
        message, content = self._ledger.begin(letter, recipients, monotonic() if due is None else due, ended)
        if self.failed:
            self._ledger.refused(message, self.failed)
            return
        self._waiting.append((message, envelope, content))
        if self._connection and self.ready and self._now is None and len(self._waiting) == 1:
            self._connection.resume()

    def envelope(self, recipients: Sequence[str]) -> bytes:
        """What comes before a message to them."""
        return envelope(self.address, recipients)

    def leave(self) -> None:
        """Go away without a word."""
        self.ready = False
        if self._connection:
            self._connection.abort()

    def _ended(self, error: Exception | None) -> None:
        self.ready, self.failed = False, str(error or "it ended")
        if self._now:
            self._ledger.unanswered(self._now, self.failed)
            self._now = None
        for message, _, _ in self._waiting:
            self._ledger.refused(message, self.failed)
        self._waiting.clear()

    def _live(self, connection: Connection) -> Script[None]:
        smtp = Smtp(connection)
        yield from smtp.login(self._account.address, self._account.password)
        self.ready = True
        while True:
            while not self._waiting:
                yield parked
            self._now, before, content = self._waiting.popleft()
            message = self._now
            try:
                yield from smtp.send(before, content)
            except Refused as refusal:
                self._now = None
                self._ledger.refused(message, str(refusal))
            else:
                self._now = None
                self._ledger.accepted(message)


def gather(
    poll: Poll,
    people: Sequence[Receiver] | Sequence[Sender],
    seconds: float,
    tell: Callable[[int], None] = lambda _: None,
) -> None:
    """Let people come, a few at a time, until all are ready. Raises LoadFailed."""
    begun = came = 0
    end = monotonic() + seconds
    while came < len(people):
        while came < begun and people[came].ready:
            came += 1
        while begun < len(people) and begun - came < AT_ONCE:
            people[begun].connect()
            begun += 1
        for person in people[came:begun]:
            if person.failed:
                raise LoadFailed(f"somebody could not log in: {person.failed}")
        if monotonic() > end:
            raise LoadFailed(f"only {came} of {len(people)} people had logged in after {seconds:.0f} s")
        tell(came)
        if came < len(people):
            first = people[came]
            poll.run(lambda: bool(first.ready or first.failed), 1)  # noqa: B023 (called here only)
