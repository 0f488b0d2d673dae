"""Mailboxes as a whole: LIST, CREATE, DELETE, RENAME, STATUS, APPEND (RFC 3501, 6.3; RFC 2342; RFC 3348).

To the store a name is a name. That `/` makes levels of them, so that a mailbox has others below it, is known only here.
A name that exists only because something is below it is listed as \\Noselect.
"""

import asyncio

from angarium.edge.imap.quota import has_room
from angarium.edge.imap.session import Session
from angarium.mail.verdict import Outcome
from angarium.store.interfaces import MailboxExists, NoSuchMailbox
from angarium.wire.imap.commands.mailboxes import Append, Create, Delete, List, Namespace, Rename, Status, Subscribe
from angarium.wire.imap.mailbox import DELIMITER, matches, parents
from angarium.wire.imap.responses import astring
from angarium.wire.imap.view import Moment

__all__ = ["append", "create", "delete", "list_", "namespace", "rename", "status", "subscribe"]

INBOX = "INBOX"
SEEN = "\\Seen"
MOST = 100
LARGE = 262_144


async def namespace(session: Session, _command: Namespace) -> None:
    """NAMESPACE: everything is personal."""
    session.machine.untagged(b'NAMESPACE (("" "/")) NIL NIL')
    session.machine.complete("OK", "Completed")


async def subscribe(session: Session, command: Subscribe) -> None:
    """SUBSCRIBE and UNSUBSCRIBE: all mailboxes are subscribed, always."""
    if command.mailbox in await session.site.mailboxes.names(session.owner):
        session.machine.complete("OK", "Completed")
    else:
        session.machine.complete("NO", "No such mailbox", "NONEXISTENT")


async def list_(session: Session, command: List) -> None:
    """LIST and LSUB."""
    name = b"LSUB" if command.subscribed else b"LIST"
    if not command.pattern:
        session.machine.untagged(name, b' (\\Noselect) "/" ""')
        session.machine.complete("OK", "Completed")
        return
    names = await session.site.mailboxes.names(session.owner)
    above = {parent for each in names for parent in parents(each)}
    pattern = command.reference + command.pattern
    for each in [*names, *sorted(above.difference(names))]:
        if matches(pattern, each) or (each == INBOX and matches(pattern.upper(), each)):
            attributes = [] if each in names else [b"\\Noselect"]
            attributes.append(b"\\HasChildren" if each in above else b"\\HasNoChildren")
            session.machine.untagged(name, b' (%s) "/" ' % b" ".join(attributes), astring(each))
    session.machine.complete("OK", "Completed")


async def create(session: Session, command: Create) -> None:
    """CREATE, with whatever is missing above."""
    if not _well_formed(command.mailbox):
        session.machine.complete("NO", "Not a name for a mailbox", "CANNOT")
        return
    mailboxes, owner = session.site.mailboxes, session.owner
    names = await mailboxes.names(owner)
    missing = [name for name in parents(command.mailbox) if name not in names]
    if len(names) + len(missing) >= MOST:
        session.machine.complete("NO", "Too many mailboxes", "LIMIT")
        return
    if command.mailbox in names:
        raise MailboxExists
    for name in (*missing, command.mailbox):
        await mailboxes.create(owner, name)
    session.machine.complete("OK", "Completed")


async def delete(session: Session, command: Delete) -> None:
    """DELETE. What is below stays."""
    if command.mailbox == INBOX:
        session.machine.complete("NO", "INBOX stays", "CANNOT")
        return
    await session.site.mailboxes.remove(session.owner, command.mailbox)
    if session.has_selected and session.selected.mailbox == command.mailbox:
        session.unselect()
    session.machine.complete("OK", "Completed")


async def rename(session: Session, command: Rename) -> None:
    """RENAME, with what is below. From INBOX, its messages move and it stays (RFC 3501, 6.3.5)."""
    if not _well_formed(command.to) or command.to.startswith(command.mailbox + DELIMITER):
        session.machine.complete("NO", "Not a name for a mailbox", "CANNOT")
        return
    mailboxes, owner = session.site.mailboxes, session.owner
    if command.mailbox == INBOX:
        await mailboxes.create(owner, command.to)
        snapshot = await mailboxes.snapshot(owner, INBOX)
        await mailboxes.copy(owner, INBOX, [entry.uid for entry in snapshot.entries], command.to, move=True)
    else:
        await _rename_tree(session, command.mailbox, command.to)
    session.machine.complete("OK", "Completed")


async def _rename_tree(session: Session, mailbox: str, to: str) -> None:
    names = await session.site.mailboxes.names(session.owner)
    moving = {name: to + name[len(mailbox) :] for name in names if f"{name}/".startswith(f"{mailbox}/")}
    if not moving:
        raise NoSuchMailbox
    if any(name in names for name in moving.values()):
        raise MailboxExists
    for before, after in moving.items():
        await session.site.mailboxes.rename(session.owner, before, after)
        if session.has_selected and session.selected.mailbox == before:
            session.selected.mailbox = after


def _well_formed(name: str) -> bool:
    return name.isprintable() and all(name.split(DELIMITER)) and name.split(DELIMITER)[0].upper() != INBOX


async def status(session: Session, command: Status) -> None:
    """STATUS."""
    snapshot = await session.site.mailboxes.snapshot(session.owner, command.mailbox)
    values = {
        "MESSAGES": len(snapshot.entries),
        "RECENT": 0,
        "UIDNEXT": snapshot.uidnext,
        "UIDVALIDITY": snapshot.uidvalidity,
        "UNSEEN": sum(SEEN not in entry.flags for entry in snapshot.entries),
        "HIGHESTMODSEQ": snapshot.modseq,
    }
    session.condstore |= "HIGHESTMODSEQ" in command.items
    listed = " ".join(f"{item} {values[item]}" for item in command.items)
    session.machine.untagged(b"STATUS ", astring(command.mailbox), f" ({listed})".encode("ascii"))
    session.machine.complete("OK", "Completed")


async def append(session: Session, command: Append) -> None:
    """APPEND: under the same rule as what is sent."""
    site, message = session.site, command.message
    judge = site.delivery.stored
    verdict = await asyncio.to_thread(judge, message) if len(message) > LARGE else judge(message)
    if not verdict.accepted:
        code = "UNAVAILABLE" if verdict.outcome is Outcome.DEFER else "CANNOT"
        session.machine.complete("NO", verdict.text, code)
        return
    if not await has_room(session, len(message)):
        session.machine.complete("NO", "The account is full", "OVERQUOTA")
        return
    try:
        valid, uid = await site.mailboxes.append(
            session.owner, command.mailbox, message, flags=command.flags, day=site.today()
        )
    except NoSuchMailbox:
        session.machine.complete("NO", "No such mailbox", "TRYCREATE")
        return
    if session.has_selected:
        await session.refresh()
        session.announce(Moment.NUMBERED)
    session.machine.complete("OK", "Completed", f"APPENDUID {valid} {uid}")
