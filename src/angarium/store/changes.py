"""Who listens to which mailbox, and who is there at all. News come in from the back-end, on the event loop, after the
commit, in its order; and from the relay's other processes, when they come.

A subscription is bounded: a session that does not take its changes gets one `Resync` in place of all of them.

News of two processes may come in another order than that of the commits. Who heard of UID 11 before UID 10 would count
wrongly from then on, so a listener goes by the mailbox's mod-sequence, which each commit that changes a mailbox raises
by one: where one is left out, it says `Resync`, and the look that follows holds all that was committed. What it hears
afterwards and knew does no harm (`wire.imap.view`).
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from angarium.store.interfaces import NoSuchAccount, NoSuchMailbox, Owner
from angarium.store.mailboxes import LONG, listed
from angarium.store.rows import Backend, News
from angarium.store.seal import Seal
from angarium.store.titles import INBOX, found
from angarium.wire.imap.entry import Change, Resync, Snapshot

__all__ = ["KEPT", "Attendant", "Hub", "Listener", "StoredChanges"]

KEPT = 1024
"""Changes a subscription keeps before it gives up and says Resync."""


class _Hearer(Protocol):
    @property
    def number(self) -> int: ...

    def hear(self, change: Change | None) -> None: ...


class Hub:
    """The subscriptions of this process, by mailbox number."""

    def __init__(self) -> None:
        self._listeners: dict[int, list[_Hearer]] = {}
        """Lists: most mailboxes have one session or two, and a set of so few is three times as large."""
        self.elsewhere: Callable[[News], None] | None = None
        """Tells the relay's other processes of what was committed in this one, if there are any; must not block."""

    def publish(self, news: News) -> None:
        """Tell everybody concerned of a commit of this process. Runs on the event loop."""
        if self.elsewhere is not None and news:
            self.elsewhere(news)
        self.hear(news)

    def hear(self, news: News) -> None:
        """Tell everybody in this process, in order. Runs on the event loop."""
        if not self._listeners:
            return
        for number, change in news:
            for listener in tuple(self._listeners.get(number, ())):
                listener.hear(change)

    @property
    def numbers(self) -> list[int]:
        """The mailboxes that somebody listens to, or is in."""
        return list(self._listeners)

    def listen(self, number: int, modseq: int, heard: Callable[[], None] | None = None) -> "Listener":
        """A new subscription to a mailbox, by who knows it up to a mod-sequence."""
        listener = Listener(self, number, modseq, heard)
        self._listeners.setdefault(number, []).append(listener)
        return listener

    def attend(self, number: int, farewell: Callable[[], None]) -> "Attendant":
        """Somebody new who only wants to know of the mailbox's end."""
        attendant = Attendant(self, number, farewell)
        self._listeners.setdefault(number, []).append(attendant)
        return attendant

    def forget(self, listener: _Hearer) -> None:
        """End a subscription; ending it twice does no harm."""
        listeners = self._listeners.get(listener.number)
        if listeners is None or listener not in listeners:
            return
        listeners.remove(listener)
        if not listeners:
            del self._listeners[listener.number]


class Listener:
    """See `store.interfaces.Subscription`. Small while nothing happens: thousands are held."""

    __slots__ = ("_changes", "_heard", "_hub", "_modseq", "gone", "number")

    def __init__(self, hub: Hub, number: int, modseq: int, heard: Callable[[], None] | None) -> None:
        self._hub = hub
        self._modseq = modseq
        self._heard = heard
        self._changes: list[Change] | None = None
        self.number = number
        self.gone = False

    def hear(self, change: Change | None) -> None:
        """Keep a change (None: the mailbox is gone) and tell whose subscription it is."""
        if change is None:
            self.gone = True
        elif isinstance(change, Resync) or self._misses(change.modseq):
            self._changes = [Resync()]
        elif self._changes is None:
            self._changes = [change]
        elif len(self._changes) >= KEPT:
            self._changes = [Resync()]
        elif not isinstance(self._changes[0], Resync):
            self._changes.append(change)
        if self._heard is not None:
            self._heard()

    @property
    def news(self) -> bool:
        """See `Subscription.news`."""
        return self._changes is not None or self.gone

    def _misses(self, modseq: int) -> bool:
        """Whether something was committed between what was heard and this."""
        expected = self._modseq + 1
        if modseq >= expected:
            self._modseq = modseq
        return modseq > expected

    def take(self) -> list[Change]:
        """See `Subscription.take`."""
        taken, self._changes = self._changes, None
        return taken or []

    def close(self) -> None:
        """See `Subscription.close`."""
        self._hub.forget(self)


class Attendant:
    """See `store.interfaces.Attendance`."""

    __slots__ = ("_farewell", "_hub", "number")

    def __init__(self, hub: Hub, number: int, farewell: Callable[[], None]) -> None:
        self._hub = hub
        self._farewell = farewell
        self.number = number

    def hear(self, change: Change | None) -> None:
        """Of all that happens only the end matters."""
        if change is None:
            self._farewell()

    def close(self) -> None:
        """See `Attendance.close`."""
        self._hub.forget(self)


class StoredChanges:
    """See `store.interfaces.Changes`."""

    def __init__(self, backend: Backend, seal: Seal, hub: Hub) -> None:
        self._backend = backend
        self._seal = seal
        self._hub = hub

    async def open(
        self, owner: Owner, mailbox: str, heard: Callable[[], None] | None = None
    ) -> tuple[Listener, Snapshot]:
        """See `Changes.open`."""
        look = partial(listed, seal=self._seal, owner=owner, mailbox=mailbox)
        box, snapshot = await self._backend.read(partial(look, most=LONG))
        # nobody had a turn since: what is not in it will be heard
        listener = self._hub.listen(box.number, box.modseq, heard)
        try:
            if snapshot is None:
                _, snapshot = await self._backend.read(partial(look, most=None), heavy=True)
        except BaseException:
            listener.close()
            raise
        assert snapshot is not None
        return listener, snapshot

    async def attend(self, owner: Owner, farewell: Callable[[], None]) -> Attendant:
        """See `Changes.attend`. An account lives as long as its INBOX, which nothing else ends."""
        try:
            inbox = await self._backend.read(lambda rows: found(rows, self._seal, owner, INBOX))
        except NoSuchMailbox:
            raise NoSuchAccount from None
        return self._hub.attend(inbox.number, farewell)

    async def missed(self) -> None:
        """News of another process were lost: everybody is to look anew, and who is in what is gone hears of that.

        Raises:
            StoreError: it could not be found out who that is; everybody else will look.
        """
        numbers = self._hub.numbers
        self._hub.hear([(number, Resync()) for number in numbers])
        gone = await self._backend.read(lambda rows: [at for at in numbers if rows.box(at) is None], heavy=True)
        self._hub.hear([(number, None) for number in gone])
