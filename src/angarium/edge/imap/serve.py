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
from angarium.edge.imap import change, entry, fetch, idle, mailbox, metadata, quota, select
from angarium.edge.imap.breath import AGAIN, DRAIN_SECONDS, WITHHELD, OutOfBreath
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
    """Serve one connection to its end. Raises nothing but CancelledError, after a goodbye.

    All waiting is done here: deeper would be one frame more for each of thousands.
    """
    session = Session(connection, site)
    machine = session.machine
    data: bytes | None
    try:
        machine.greet("IMAP4rev1 ready", f"CAPABILITY {entry.capabilities(session)}")
        await _run(session, b"")
        while machine.state is not State.LOGOUT:
            if not session.idling:
                data = await session.connection.read(READ, timeout=_patience(session))
            elif session.has_news:
                await idle.speak(session)
                continue
            elif (data := await session.connection.take(READ)) is None:
                try:
                    await session.connection.readable(timeout=session.site.keepalive_seconds)
                except TimeoutError:
                    await idle.reassure(session)  # a peer that is dead is noticed by what it does not acknowledge
                continue
            if not data:
                raise ConnectionResetError("ended by the peer")
            await _run(session, data)
    except asyncio.CancelledError:
        await _goodbye(session, "The relay is stopping")
        raise
    except Gone:
        await _goodbye(session, "This mailbox is no more")
    except TimeoutError:
        await _goodbye(session, "Silent for too long")
    except OutOfBreath:
        await _stop_short(session)
    except ConnectionError:
        await _withhold(session)
    except Exception as fault:
        log.error("a session failed: %s", where(fault))
        await _goodbye(session, "Something went wrong here")
    finally:
        session.leave()
        await session.connection.close()


async def _run(session: Session, data: bytes) -> None:
    """Run all that the client has said so far, and answer it. Raises Gone, TimeoutError, ConnectionError."""
    machine = session.machine
    while events := machine.receive(data):
        for event in events:
            await _handle(session, event)
        if machine.state is State.LOGOUT or not machine.waiting:
            break
        data = b""
        await session.flush_when_full()
        await asyncio.sleep(0)  # others have their turn between commands that were sent ahead
    await session.flush()


async def _goodbye(session: Session, text: str) -> None:
    """Say BYE if it can be said at once."""
    try:
        async with asyncio.timeout(GOODBYE_SECONDS):
            session.machine.bye(text)
            await session.flush()
    except (ConnectionError, TimeoutError):
        session.connection.abort()


async def _stop_short(session: Session) -> None:
    """End in the middle of an answer. Deflated, that shows; in clear only a reset does (docs/quirks.md)."""
    with contextlib.suppress(TimeoutError, ConnectionError):
        await session.connection.read(READ, timeout=DRAIN_SECONDS)
    await _goodbye(session, AGAIN)
    if not isinstance(session.connection, Deflated):
        session.connection.abort()


async def _withhold(session: Session) -> None:
    """The client gave up: if it waited in vain for a message that is too large for this door, keep that back."""
    trying = session.trying
    if trying is not None and trying.stalled and session.has_selected:
        with contextlib.suppress(StoreError):
            mailbox = session.selected.mailbox
            await session.site.mailboxes.flag(session.owner, mailbox, [trying.uid], add=frozenset({WITHHELD}))


def _patience(session: Session) -> float:
    """Seconds to wait for the client's next command. Raises TimeoutError: it should have logged in by now."""
    if session.deadline is None:
        return session.site.limits.idle_seconds
    seconds = session.deadline - asyncio.get_running_loop().time()
    if seconds <= 0:
        raise TimeoutError
    return seconds


async def _handle(session: Session, event: Event) -> None:
    match event:
        case Received(command):
            if session.machine.state is not State.GREETED:
                session.faults = 0
            await _run_command(session, command)
        case Done(asked):
            _end_idle(session, asked=asked)
        case Refused():
            _fault(session)
        case Hung():
            pass


def _fault(session: Session) -> None:
    """Count what the peer did wrong since it last did something right."""
    session.faults += 1
    if session.faults >= session.site.limits.errors:
        session.machine.bye("Too many errors")


async def _run_command(session: Session, command: Command) -> None:
    session.trying = None
    if session.breath is not None and session.has_selected and isinstance(command, messages.Idle):
        session.breath.idles(session)
    if session.ending:
        if session.rouse is not None and isinstance(command, messages.Store) and command.destroys and command.by_uid:
            named = session.selected.view.resolve(command.numbers, by_uid=True)
            session.rouse.destroys({entry.uid for _, entry in named})
        session.machine.bye(AGAIN)
        return
    if session.has_selected:
        session.selected.heard = session.selected.view.last()
        if session.breath is not None and not isinstance(command, messages.Fetch):
            session.breath.content(session)
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


def _end_idle(session: Session, *, asked: bool) -> None:
    session.idling = False
    if asked:
        session.machine.complete("OK", "Completed")
    else:
        session.machine.complete("BAD", "Expected DONE")
        _fault(session)
