"""Who listens to which mailbox, and who is there at all. News come in from the back-end, on the event loop, after the
commit, in its order.

A subscription is bounded: a session that does not take its changes gets one `Resync` in place of all of them.
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

    def publish(self, news: News) -> None:
        """Tell everybody concerned, in order. Runs on the event loop."""
        if not self._listeners:
            return
        for number, change in news:
            for listener in tuple(self._listeners.get(number, ())):
                listener.hear(change)

    def listen(self, number: int, heard: Callable[[], None] | None) -> "Listener":
        """A new subscription to a mailbox."""
        listener = Listener(self, number, heard)
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

    __slots__ = ("_changes", "_heard", "_hub", "gone", "number")

    def __init__(self, hub: Hub, number: int, heard: Callable[[], None] | None) -> None:
        self._hub = hub
        self._heard = heard
        self._changes: list[Change] | None = None
        self.number = number
        self.gone = False

    def hear(self, change: Change | None) -> None:
        """Keep a change (None: the mailbox is gone) and tell whose subscription it is."""
        if change is None:
            self.gone = True
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
        number, snapshot = await self._backend.read(partial(look, most=LONG))
        listener = self._hub.listen(number, heard)  # nobody had a turn since: what is not in it will be heard
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
