"""The loop of an IMAP session: read, receive, run, flush. What a command does is in the file of its topic.

Whatever happens to the connection, the session leaves nothing behind: no task, no subscription.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from angarium.edge.fault import where
from angarium.edge.imap import change, entry, fetch, idle, mailbox, metadata, quota, select
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


def serve_imap(connection: Connection, site: ImapSite) -> Coroutine[Any, Any, None]:
    """Serve one connection to its end. Raises nothing but CancelledError, after a goodbye."""
    return _Served(Session(connection, site)).serve()


class _Served:
    """A session being served."""

    __slots__ = ("_deadline", "_faults", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._deadline = asyncio.get_running_loop().time() + session.site.limits.login_seconds
        self._faults = 0

    async def serve(self) -> None:
        """See `serve_imap`. All waiting is done here: what is deeper would be one frame more for each of thousands."""
        session = self._session
        machine = session.machine
        try:
            machine.greet("IMAP4rev1 ready", f"CAPABILITY {entry.capabilities(session)}")
            await self._run(b"")
            while machine.state is not State.LOGOUT:
                if session.idling and session.has_news:
                    await idle.speak(session)
                    continue
                connection = session.connection
                data = (
                    await connection.take(READ)
                    if session.idling
                    else await connection.read(READ, timeout=self._patience())
                )
                if data:
                    await self._run(data)
                elif data is None:
                    try:
                        await connection.readable(timeout=session.site.keepalive_seconds)
                    except TimeoutError:
                        await idle.reassure(session)  # a peer that is dead is noticed by what it does not acknowledge
                else:
                    break
        except asyncio.CancelledError:
            await self._goodbye("The relay is stopping")
            raise
        except Gone:
            await self._goodbye("This mailbox is no more")
        except TimeoutError:
            await self._goodbye("Silent for too long")
        except ConnectionError:
            pass
        except Exception as fault:
            log.error("a session failed: %s", where(fault))
            await self._goodbye("Something went wrong here")
        finally:
            session.leave()
            await session.connection.close()

    async def _run(self, data: bytes) -> None:
        """Run all that the client has said so far, and answer it. Raises Gone, TimeoutError, ConnectionError."""
        machine = self._session.machine
        while events := machine.receive(data):
            for event in events:
                await self._handle(event)
            if machine.state is State.LOGOUT or not machine.waiting:
                break
            data = b""
            await self._session.flush_when_full()
            await asyncio.sleep(0)  # others have their turn between commands that were sent ahead
        await self._session.flush()

    async def _goodbye(self, text: str) -> None:
        """Say BYE if it can be said at once."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                self._session.machine.bye(text)
                await self._session.flush()
        except (ConnectionError, TimeoutError):
            self._session.connection.abort()

    def _patience(self) -> float:
        """Seconds to wait for the client's next command. Raises TimeoutError: it should have logged in by now."""
        session = self._session
        if session.machine.state is not State.GREETED:
            return session.site.limits.idle_seconds
        seconds = self._deadline - asyncio.get_running_loop().time()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    async def _handle(self, event: Event) -> None:
        match event:
            case Received(command):
                if self._session.machine.state is not State.GREETED:
                    self._faults = 0
                await self._run_command(command)
            case Done(asked):
                self._end_idle(asked=asked)
            case Refused():
                self._fault()
            case Hung():
                pass

    def _fault(self) -> None:
        """Count what the peer did wrong since it last did something right."""
        self._faults += 1
        if self._faults >= self._session.site.limits.errors:
            self._session.machine.bye("Too many errors")

    async def _run_command(self, command: Command) -> None:
        session = self._session
        if session.has_selected:
            await session.refresh()
        if isinstance(command, messages.Idle):
            session.idling = True
            await idle.begin(session)
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

    def _end_idle(self, *, asked: bool) -> None:
        self._session.idling = False
        if asked:
            self._session.machine.complete("OK", "Completed")
        else:
            self._session.machine.complete("BAD", "Expected DONE")
            self._fault()
