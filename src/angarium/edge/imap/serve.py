"""The loop of an IMAP session: read, receive, run, flush. What a command does is in the file of its topic.

Whatever happens to the connection, the session leaves nothing behind: no task, no subscription.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from angarium.edge.deflate import Deflated
from angarium.edge.fault import where
from angarium.edge.imap import change, entry, fetch, mailbox, metadata, quota, select
from angarium.edge.imap.breath import AGAIN, DRAIN_SECONDS, WITHHELD, OutOfBreath
from angarium.edge.imap.idle import Idling
from angarium.edge.imap.session import Gone, Session
from angarium.edge.imap.site import ImapSite
from angarium.reach.transport import Connection
from angarium.store.interfaces import MailboxExists, NoSuchAccount, NoSuchMailbox, StoreError, StoreFull
from angarium.wire.imap.commands import Command, State, account, mailboxes, messages
from angarium.wire.imap.commands import entry as door
from angarium.wire.imap.server import Done, Event, Hung, Received, Refused
from angarium.wire.imap.view import Moment, NoSuchNumber

__all__ = ["serve_imap"]

log = logging.getLogger("angarium.edge.imap")

GOODBYE_SECONDS = 1.0
READ = 16_384

COMMANDS: dict[type[Command], Callable[[Session, Any], Awaitable[None]]] = {
    door.Capability: entry.capability,
    door.Compress: entry.compress,
    door.Enable: entry.enable,
    door.Id: entry.identify,
    door.Login: entry.login,
    door.Logout: entry.logout,
    door.Noop: select.check,
    door.StartTls: entry.start_tls,
    mailboxes.Append: mailbox.append,
    mailboxes.Create: mailbox.create,
    mailboxes.Delete: mailbox.delete,
    mailboxes.List: mailbox.list_,
    mailboxes.Namespace: mailbox.namespace,
    mailboxes.Rename: mailbox.rename,
    mailboxes.Select: select.select,
    mailboxes.Status: mailbox.status,
    mailboxes.Subscribe: mailbox.subscribe,
    messages.Check: select.check,
    messages.Close: select.close,
    messages.Copy: change.copy,
    messages.Expunge: change.expunge,
    messages.Fetch: fetch.fetch,
    messages.Search: fetch.search,
    messages.Store: change.store,
    messages.Unselect: select.unselect,
    account.GetMetadata: metadata.get_metadata,
    account.GetQuota: quota.get_quota,
    account.GetQuotaRoot: quota.get_quota_root,
    account.SetMetadata: metadata.set_metadata,
    account.SetQuota: quota.set_quota,
}

LEAVING = (mailboxes.Select, messages.Close, messages.Unselect, door.Logout)
"""Commands that are no moment to tell of the mailbox they leave."""


async def serve_imap(connection: Connection, site: ImapSite) -> None:
    """Serve one connection to its end. Raises nothing but CancelledError, after a goodbye."""
    served = _Served(Session(connection, site))
    try:
        await served.run()
    except asyncio.CancelledError:
        await served.goodbye("The relay is stopping")
        raise
    except Gone:
        await served.goodbye("This mailbox is no more")
    except TimeoutError:
        await served.goodbye("Silent for too long")
    except OutOfBreath:
        await served.stop_short()
    except ConnectionError:
        await served.withhold()
    except Exception as fault:
        log.error("a session failed: %s", where(fault))
        await served.goodbye("Something went wrong here")
    finally:
        await served.release()
        await served.session.connection.close()


class _Served:
    """A session being served."""

    __slots__ = ("_deadline", "_faults", "_idling", "session")

    def __init__(self, session: Session) -> None:
        self.session = session
        self._deadline = asyncio.get_running_loop().time() + session.site.limits.login_seconds
        self._faults = 0
        self._idling: Idling | None = None

    async def run(self) -> None:
        """Raises Gone, TimeoutError, ConnectionError."""
        machine = self.session.machine
        machine.greet("IMAP4rev1 ready", f"CAPABILITY {entry.capabilities(self.session)}")
        data = b""
        while True:
            events = machine.receive(data)
            for event in events:
                await self._handle(event)
            if machine.state is State.LOGOUT:
                break
            if events and machine.waiting:
                data = b""
                await self.session.flush_when_full()
                await asyncio.sleep(0)  # others have their turn between commands that were sent ahead
                continue
            if self._idling is None:
                await self.session.flush()
            try:  # here it waits, nearly always: one frame less for each of thousands
                data = await self.session.connection.read(READ, timeout=self._patience())
            except TimeoutError:
                if self._idling is None:
                    raise
                await self._idling.reassure()  # a peer that is dead is noticed by what it does not acknowledge
                data = b""
                continue
            if not data:
                raise ConnectionResetError("ended by the peer")
        await self.session.flush()

    async def goodbye(self, text: str) -> None:
        """Say BYE if it can be said at once."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                if self._idling is not None:
                    await self._idling.stop()
                self.session.machine.bye(text)
                await self.session.flush()
        except (ConnectionError, TimeoutError):
            self.session.connection.abort()

    async def stop_short(self) -> None:
        """End in the middle of an answer. Deflated, that shows; in clear only a reset does (docs/quirks.md)."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            await self.session.connection.read(READ, timeout=DRAIN_SECONDS)
        await self.goodbye(AGAIN)
        if not isinstance(self.session.connection, Deflated):
            self.session.connection.abort()

    async def withhold(self) -> None:
        """The client gave up: if it waited in vain for a message that is too large for this door, keep that back."""
        session, trying = self.session, self.session.trying
        if trying is not None and trying.stalled and session.has_selected:
            with contextlib.suppress(StoreError):
                mailbox = session.selected.mailbox
                await session.site.mailboxes.flag(session.owner, mailbox, [trying.uid], add=frozenset({WITHHELD}))

    async def release(self) -> None:
        """Let go of everything but the connection."""
        self.session.leave()
        if self._idling is not None:
            await self._idling.abandon()

    def _patience(self) -> float:
        """Seconds to wait for the client's next bytes. Raises TimeoutError: it should have logged in by now."""
        session = self.session
        if self._idling is not None:
            return session.site.keepalive_seconds
        if session.machine.state is not State.GREETED:
            return session.site.limits.idle_seconds
        seconds = self._deadline - asyncio.get_running_loop().time()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    async def _handle(self, event: Event) -> None:
        match event:
            case Received(command):
                if self.session.machine.state is not State.GREETED:
                    self._faults = 0
                await self._run_command(command)
            case Done(asked):
                await self._end_idle(asked=asked)
            case Refused():
                self._fault()
            case Hung():
                pass

    def _fault(self) -> None:
        """Count what the peer did wrong since it last did something right."""
        self._faults += 1
        if self._faults >= self.session.site.limits.errors:
            self.session.machine.bye("Too many errors")

    async def _run_command(self, command: Command) -> None:
        session = self.session
        session.trying = None
        if session.ending:
            session.machine.bye(AGAIN)
            return
        if session.has_selected:
            await session.refresh()
        if isinstance(command, messages.Idle):
            self._idling = Idling(session)
            await self._idling.begin()
            return
        if session.has_selected and not isinstance(command, LEAVING):
            session.announce(Moment.NUMBERED)
        try:
            await COMMANDS[type(command)](session, command)
        except NoSuchNumber:
            session.machine.complete("BAD", "No such message")
        except NoSuchMailbox:
            session.machine.complete("NO", "No such mailbox", "NONEXISTENT")
        except MailboxExists:
            session.machine.complete("NO", "There is such a mailbox", "ALREADYEXISTS")
        except StoreFull:
            session.machine.complete("NO", "No room now, try again later", "UNAVAILABLE")
        except NoSuchAccount:
            raise Gone from None
        except StoreError:
            session.machine.complete("NO", "Not possible now, try again later", "UNAVAILABLE")

    async def _end_idle(self, *, asked: bool) -> None:
        if self._idling is not None:
            await self._idling.stop()
            self._idling = None
        if asked:
            self.session.machine.complete("OK", "Completed")
        else:
            self.session.machine.complete("BAD", "Expected DONE")
            self._fault()
