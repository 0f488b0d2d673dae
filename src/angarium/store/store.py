"""The store as the rest of the relay holds it: the rooms' interfaces over one back-end and one seal."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from angarium.store.accounts import StoredAccounts
from angarium.store.changes import Hub, StoredChanges
from angarium.store.delivery import Intake
from angarium.store.directory import Hold
from angarium.store.held import StoredBoxes, StoredPapers
from angarium.store.invitations import StoredInvitations
from angarium.store.keys import StoredKeys
from angarium.store.mailboxes import StoredMailboxes
from angarium.store.marks import StoredMarks
from angarium.store.memory import MemoryBackend
from angarium.store.outqueue import StoredQueue
from angarium.store.rows import Backend, News
from angarium.store.seal import Seal
from angarium.store.sqlite.backend import SqliteBackend
from angarium.store.sqlite.schema import LAYOUT
from angarium.store.tokens import StoredTokens
from angarium.store.veil import Veiled
from angarium.store.written import Written

__all__ = ["Store", "open_memory", "open_sqlite"]


class Store:
    """Everything the relay remembers."""

    def __init__(self, backend: Callable[[Callable[[News], None]], Backend], seal: Seal) -> None:
        """`backend` makes the back-end, given whom to tell of what was committed."""
        self.hub = hub = Hub()
        self._backend = backend(hub.publish)
        intake = Intake(self._backend, seal)
        self.accounts = StoredAccounts(self._backend, seal)
        self.invitations = StoredInvitations(self._backend, seal)
        self.mailboxes = StoredMailboxes(self._backend, seal, intake)
        self.changes = StoredChanges(self._backend, seal, hub)
        self.tokens = StoredTokens(self._backend, seal)
        self.queue = StoredQueue(self._backend, seal, intake)
        self.marks = StoredMarks(self._backend, seal, intake)
        self.keys = StoredKeys(self._backend, seal)
        self.boxes = StoredBoxes(self._backend, seal)
        self.papers = StoredPapers(self._backend, seal)

    async def close(self) -> None:
        """Finish what was begun, then let go of files and threads. What comes later raises StoreError."""
        await self.accounts.close()
        await self._backend.close()


def open_memory(seal: Seal) -> Store:
    """A store that is gone when the process ends."""
    return Store(partial(MemoryBackend, veil=partial(Veiled, seal=seal)), seal)


def open_sqlite(directory: Path, seal: Seal, *, shared: Hold | None = None) -> Store:
    """The store in a data directory, made if need be, and held until it is closed.

    `shared`: the hold of several processes, where more than this one are to have it open.

    Raises:
        DirectoryInUse: another relay runs on it.
        StoreFull: it cannot be written.
        StoreError: a newer release made it, another seal did, or it is damaged.
    """
    mark = seal.name("seal", f"{seal.form}, {LAYOUT}")
    veil = partial(Veiled, seal=seal, written=Written())
    return Store(partial(SqliteBackend, directory, mark=mark, veil=veil, shared=shared), seal)
