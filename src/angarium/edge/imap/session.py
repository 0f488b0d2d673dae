"""What one IMAP connection holds, and what every command does with it.

Knows the machine, the store and the view; decides nothing about mail. Bytes leave only in `flush`, which returns when
the kernel has them: a slow reader holds itself up and nobody else, and a peer that reads nothing is let go.

Nothing is kept that an idle connection does not need: replies are queued only while a command runs.
"""

import asyncio
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from angarium.edge import settings
from angarium.edge.deflate import Deflated
from angarium.edge.imap.breath import Breath, Trying
from angarium.edge.imap.opened import Opened
from angarium.edge.imap.site import ImapSite
from angarium.reach.transport import Connection
from angarium.store.interfaces import Attendance, NoSuchMailbox, Owner, Subscription
from angarium.wire.imap.commands import State
from angarium.wire.imap.entry import Expunged, Resync
from angarium.wire.imap.reader import Limits
from angarium.wire.imap.responses import flags_update
from angarium.wire.imap.server import Server
from angarium.wire.imap.view import Exists, Expunge, Flags, Moment, View

if TYPE_CHECKING:
    from angarium.edge.imap.rouse import Rouse

__all__ = ["FAREWELL_SECONDS", "Gone", "Selected", "Session"]

FAREWELL_SECONDS = 1.0
"""What a session has for its BYE when its account is no more; whoever says nothing by then is cut off."""

Peer: TypeAlias = Connection | Deflated


class Gone(Exception):
    """The selected mailbox, or the whole account, was destroyed by somebody else."""


@dataclass(slots=True)
class Selected:
    """The selected mailbox."""

    mailbox: str
    view: View
    subscription: Subscription
    read_only: bool
    asking: bool = False
    """Whether the client has asked about what is new, and may want it next."""
    heard: int = 0
    """The largest UID that the client had been told of when it last said a command."""
    opened: Opened = field(default_factory=Opened)


class Session:
    """One device's connection."""

    __slots__ = (
        *("_attendance", "_owner", "_selected"),
        *("carried", "condstore", "connection", "deadline", "ending", "faults", "idling", "machine"),
        *("rouse", "site", "trying"),
    )

    def __init__(self, connection: Connection, site: ImapSite) -> None:
        self.connection: Peer = connection
        self.site = site
        self.machine = Server(_limits(site.limits, site.max_size), secure=connection.secure)
        self.condstore = False
        """Whether the client wants mod-sequences in what it is told (RFC 7162, 3.1)."""
        self.carried = False
        """Whether this connection has carried a message, or has idled long enough to say that it lives."""
        self.ending = False
        """Whether the client's next command is its last on this connection, and is not run."""
        self.rouse: Rouse | None = None
        """How the client is made to come back at once; None: its connection is not limited."""
        self.trying: Trying | None = None
        """What was sent last, if it was more than one connection may carry."""
        self.deadline: float | None = asyncio.get_running_loop().time() + site.limits.login_seconds
        """By when somebody should have logged in; None: somebody has."""
        self.faults = 0
        """What the peer did wrong since it last did something right."""
        self.idling = False
        """Whether the client waits for news (RFC 2177)."""
        self._owner: Owner | None = None
        self._attendance: Attendance | None = None
        self._selected: Selected | None = None

    @property
    def owner(self) -> Owner:
        """Whose session it is; there is one in every state but the first."""
        assert self._owner is not None
        return self._owner

    @property
    def selected(self) -> Selected:
        """The selected mailbox; there is one in the selected state."""
        assert self._selected is not None
        return self._selected

    @property
    def has_selected(self) -> bool:
        """Whether a mailbox is selected."""
        return self._selected is not None

    @property
    def breath(self) -> Breath | None:
        """What this connection may carry; None: there is no limit."""
        return self.site.breath

    # Where it stands

    async def enter(self, owner: Owner) -> None:
        """Somebody logged in. Raises NoSuchAccount: the account has come to its end meanwhile."""
        self._attendance = await self.site.changes.attend(owner, self._farewell)
        self._owner = owner
        self.deadline = None
        self.machine.state = State.AUTHENTICATED

    def leave(self) -> None:
        """The session is over."""
        self.unselect()
        if self.breath is not None:
            self.breath.keep(self)
        if self._attendance is not None:
            self._attendance.close()

    def _farewell(self) -> None:
        asyncio.get_running_loop().call_later(FAREWELL_SECONDS, lambda: self.connection.abort())

    def heard(self) -> None:
        """There is news of the selected mailbox."""
        if self.idling:
            self.connection.rouse()

    def select(self, selected: Selected) -> None:
        """A mailbox was opened."""
        self._selected = selected
        self.machine.state = State.SELECTED

    def unselect(self) -> None:
        """No mailbox is open any more, if one was."""
        if self._selected is None:
            return
        self._selected.subscription.close()
        self._selected = None
        if self.machine.state is State.SELECTED:
            self.machine.state = State.AUTHENTICATED

    @property
    def has_news(self) -> bool:
        """Whether something happened in the selected mailbox that `refresh` has not taken note of."""
        return self._selected is not None and self._selected.subscription.news

    # What the client is told

    async def refresh(self) -> None:
        """Take note of what happened in the selected mailbox; tell nobody yet.

        Raises:
            Gone: see there.
        """
        selected = self.selected
        for change in selected.subscription.take():
            if not isinstance(change, Resync):
                selected.view.apply(change)
                if isinstance(change, Expunged):
                    selected.opened.take(change.uid)
                continue
            selected.opened.forget()
            try:
                selected.view.resync(await self.site.mailboxes.snapshot(self.owner, selected.mailbox))
            except NoSuchMailbox:
                raise Gone from None
        if selected.subscription.gone:
            raise Gone

    def announce(self, moment: Moment) -> None:
        """Queue what the client does not know yet, as far as the moment allows."""
        view, most = self.selected.view, None
        if self.breath is not None and view.arrived:
            told = view.behind(self.selected.heard)
            most = 0 if moment is Moment.NUMBERED else self.breath.more(self, told, view.arrived)
        for said in view.announce(moment, most=most):
            match said:
                case Exists(count):
                    self.machine.untagged(b"%d EXISTS" % count)
                case Expunge(number):
                    self.machine.untagged(b"%d EXPUNGE" % number)
                case Flags(number, entry):
                    self.machine.untagged(flags_update(number, entry, modseq=self.condstore))

    async def flush(self) -> None:
        """Send all that is queued; returns when the kernel has it. Raises TimeoutError, ConnectionError."""
        while data := self.machine.to_send():
            await self.connection.write(data, timeout=self.site.limits.write_seconds)

    async def flush_when_full(self) -> None:
        """Send what is queued if it is much, so that long answers take no more memory than short ones."""
        if self.machine.full:
            await self.flush()


@lru_cache(maxsize=8)
def _limits(settings: settings.Limits, message: int) -> Limits:
    """The machine's limits: one object for all sessions."""
    return Limits(line=settings.imap_line_bytes, depth=settings.imap_depth, message=message)
