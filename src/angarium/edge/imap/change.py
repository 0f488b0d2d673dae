"""STORE, COPY, MOVE, EXPUNGE: changing (RFC 3501, 6.4.3, 6.4.6, 6.4.7; RFC 4315; RFC 6851; RFC 7162, 3.1.3)."""

from angarium.edge.imap.quota import has_room
from angarium.edge.imap.session import Session
from angarium.store.interfaces import NoSuchMailbox
from angarium.wire.imap.commands.messages import Change, Copy, Expunge, Store
from angarium.wire.imap.entry import Entry, Expunged
from angarium.wire.imap.responses import flags_update
from angarium.wire.imap.sequence import compact
from angarium.wire.imap.view import Moment

__all__ = ["copy", "expunge", "store"]

NONE: frozenset[str] = frozenset()


async def store(session: Session, command: Store) -> None:
    """STORE and UID STORE."""
    selected = session.selected
    if _refused(session):
        return
    targets = {
        entry.uid: (number, entry) for number, entry in selected.view.resolve(command.numbers, by_uid=command.by_uid)
    }
    session.condstore |= command.unchanged_since is not None
    add, remove = _difference(command, [entry for _, entry in targets.values()])
    if session.rouse is not None and not session.rouse.knows and command.destroys and targets:
        uid = next(iter(targets))
        session.rouse.learn(uid, await session.site.mailboxes.body(session.owner, selected.mailbox, uid) or b"")
    if session.rouse is not None and command.destroys:
        session.rouse.destroys(targets)
    now, newer = await session.site.mailboxes.flag(
        session.owner, selected.mailbox, list(targets), add=add, remove=remove, unchanged_since=command.unchanged_since
    )
    for entry in now:
        number, before = targets[entry.uid]
        if not command.silent:
            selected.view.learn(entry)
            session.machine.untagged(flags_update(number, entry, modseq=session.condstore))
        else:
            selected.view.assume(entry, (before.flags | add) - remove)
            if session.condstore:
                session.machine.untagged(b"%d FETCH (UID %d MODSEQ (%d))" % (number, entry.uid, entry.modseq))
        await session.flush_when_full()
    if newer:
        left = compact(uid if command.by_uid else targets[uid][0] for uid in newer)
        session.machine.complete("OK", "Some were changed in between", f"MODIFIED {left}")
    elif len(now) < len(targets) and not command.by_uid:
        session.machine.complete("NO", "Some of these messages are gone", "EXPUNGEISSUED")
    else:
        session.machine.complete("OK", "Completed")


def _difference(command: Store, entries: list[Entry]) -> tuple[frozenset[str], frozenset[str]]:
    """The flags to add and those to remove."""
    match command.change:
        case Change.ADD:
            return command.flags, NONE
        case Change.REMOVE:
            return NONE, command.flags
        case Change.SET:
            kept = {flag.lower() for flag in command.flags}
            there = NONE.union(*(entry.flags for entry in entries))
            return command.flags, frozenset(flag for flag in there if flag.lower() not in kept)


async def expunge(session: Session, command: Expunge) -> None:
    """EXPUNGE and UID EXPUNGE."""
    selected = session.selected
    if _refused(session):
        return
    uids = None
    if command.numbers is not None:
        uids = [entry.uid for _, entry in selected.view.resolve(command.numbers, by_uid=True)]
    _let_go(session, await session.site.mailboxes.expunge(session.owner, selected.mailbox, uids))
    session.machine.complete("OK", "Completed")


async def copy(session: Session, command: Copy) -> None:
    """COPY, MOVE and their UID forms."""
    selected = session.selected
    if command.move and _refused(session):
        return
    targets = [entry for _, entry in selected.view.resolve(command.numbers, by_uid=command.by_uid)]
    if not command.move and not await has_room(session, sum(entry.size for entry in targets)):
        session.machine.complete("NO", "The account is full", "OVERQUOTA")
        return
    try:
        done = await session.site.mailboxes.copy(
            session.owner, selected.mailbox, [entry.uid for entry in targets], command.mailbox, move=command.move
        )
    except NoSuchMailbox:
        session.machine.complete("NO", "No such mailbox", "TRYCREATE")
        return
    code = f"COPYUID {done.uidvalidity} {compact(done.source)} {compact(done.target)}" if done.source else ""
    if not command.move:
        session.machine.complete("OK", "Completed", code)
        return
    if code:
        session.machine.untagged(b"OK [%s] Moved" % code.encode("ascii"))
    _let_go(session, done.source)
    session.machine.complete("OK", "Completed")


def _refused(session: Session) -> bool:
    """Whether the mailbox was opened for reading only; the client is told."""
    if session.selected.read_only:
        session.machine.complete("NO", "The mailbox is open for reading only", "NOPERM")
    return session.selected.read_only


def _let_go(session: Session, uids: tuple[int, ...]) -> None:
    for uid in uids:
        session.selected.view.apply(Expunged(uid))
        session.selected.opened.take(uid)
    session.announce(Moment.EXPUNGING)
