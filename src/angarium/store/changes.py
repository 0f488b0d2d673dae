"""Who listens to which mailbox. News come in from the back-end, on the event loop, after the commit, in its order.

A subscription is bounded: a session that does not take its changes gets one `Resync` in place of all of them.
"""

import asyncio

from angarium.store.interfaces import NoSuchMailbox, Owner
from angarium.store.rows import Backend, News
from angarium.store.seal import Seal
from angarium.store.titles import keyed
from angarium.wire.imap.entry import Change, Resync

__all__ = ["KEPT", "Hub", "Listener", "StoredChanges"]

KEPT = 1024
"""Changes a subscription keeps before it gives up and says Resync."""


class Hub:
    """The subscriptions of this process, by mailbox number."""

    def __init__(self) -> None:
        self._listeners: dict[int, set[Listener]] = {}

    def publish(self, news: News) -> None:
        """Tell everybody concerned, in order. Runs on the event loop."""
        if not self._listeners:
            return
        for number, change in news:
            for listener in tuple(self._listeners.get(number, ())):
                listener.hear(change)

    def listen(self, number: int) -> "Listener":
        """A new subscription to a mailbox."""
        listener = Listener(self, number)
        self._listeners.setdefault(number, set()).add(listener)
        return listener

    def forget(self, listener: "Listener") -> None:
        """End a subscription; ending it twice does no harm."""
        listeners = self._listeners.get(listener.number)
        if listeners is None:
            return
        listeners.discard(listener)
        if not listeners:
            del self._listeners[listener.number]


class Listener:
    """See `store.interfaces.Subscription`. Small while nothing happens: thousands are held."""

    __slots__ = ("_changes", "_hub", "_waiters", "gone", "number")

    def __init__(self, hub: Hub, number: int) -> None:
        self._hub = hub
        self._changes: list[Change] = []
        self._waiters: list[asyncio.Future[None]] = []
        self.number = number
        self.gone = False

    def hear(self, change: Change | None) -> None:
        """Keep a change (None: the mailbox is gone) and wake who waits."""
        if change is None:
            self.gone = True
        elif len(self._changes) >= KEPT:
            self._changes = [Resync()]
        elif not (self._changes and isinstance(self._changes[0], Resync)):
            self._changes.append(change)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters = []

    def take(self) -> list[Change]:
        """See `Subscription.take`."""
        taken, self._changes = self._changes, []
        return taken

    async def wait(self) -> None:
        """See `Subscription.wait`."""
        while not self._changes and not self.gone:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)

    def close(self) -> None:
        """See `Subscription.close`."""
        self._hub.forget(self)


class StoredChanges:
    """See `store.interfaces.Changes`."""

    def __init__(self, backend: Backend, seal: Seal, hub: Hub) -> None:
        self._backend = backend
        self._seal = seal
        self._hub = hub

    async def subscribe(self, owner: Owner, mailbox: str) -> Listener:
        """See `Changes.subscribe`."""
        name = keyed(self._seal, owner.account, mailbox)
        row = await self._backend.read(lambda rows: rows.mailbox(owner.account, name))
        if row is None:
            raise NoSuchMailbox
        return self._hub.listen(row.number)
