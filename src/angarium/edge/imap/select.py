"""Opening and leaving a mailbox, and asking whether something happened in it (RFC 3501, 6.3.1, 6.4.1, 6.4.2)."""

from sys import intern

from msgspec.structs import replace

from angarium.edge.imap.breath import WITHHELD
from angarium.edge.imap.session import Selected, Session
from angarium.wire.imap.commands.entry import Noop
from angarium.wire.imap.commands.mailboxes import Select
from angarium.wire.imap.commands.messages import Check, Close, Unselect
from angarium.wire.imap.entry import Snapshot
from angarium.wire.imap.flags import SYSTEM, flags_text
from angarium.wire.imap.view import Moment, View

__all__ = ["check", "close", "select", "unselect"]

SEEN = "\\Seen"


async def select(session: Session, command: Select) -> None:
    """SELECT and EXAMINE. Where it fails, the mailbox that was open before is closed too."""
    session.unselect()
    site, owner = session.site, session.owner
    subscription, snapshot = await site.changes.open(owner, command.mailbox, session.heard)
    if session.breath is None and not command.read_only:
        withheld = [entry.uid for entry in snapshot.entries if WITHHELD in entry.flags]
        if withheld:
            subscription.close()
            await _bring_anew(session, command.mailbox, withheld)
            subscription, snapshot = await site.changes.open(owner, command.mailbox, session.heard)
    shown = None if session.breath is None else session.breath.shown(session, snapshot.entries)
    session.select(Selected(intern(command.mailbox), View(snapshot, shown), subscription, command.read_only))
    session.condstore |= command.condstore
    if shown is not None and shown < len(snapshot.entries):
        snapshot = replace(snapshot, uidnext=snapshot.entries[shown].uid, entries=snapshot.entries[:shown])
    _describe(session, snapshot, read_only=command.read_only)
    session.machine.complete("OK", "Completed", "READ-ONLY" if command.read_only else "READ-WRITE")


async def _bring_anew(session: Session, mailbox: str, withheld: list[int]) -> None:
    """Give messages that another door withheld new UIDs: the client has passed over the old ones (`breath`)."""
    mailboxes, owner = session.site.mailboxes, session.owner
    await mailboxes.flag(owner, mailbox, withheld, remove=frozenset({WITHHELD}))
    await mailboxes.copy(owner, mailbox, withheld, mailbox, move=True)


def _describe(session: Session, snapshot: Snapshot, *, read_only: bool) -> None:
    used: frozenset[str] = frozenset(SYSTEM).union(*(entry.flags for entry in snapshot.entries))
    kept = b"()" if read_only else flags_text(used)[:-1] + b" \\*)"
    unseen = next((at for at, entry in enumerate(snapshot.entries, 1) if SEEN not in entry.flags), None)
    tell = session.machine.untagged
    tell(b"FLAGS ", flags_text(used))
    tell(b"%d EXISTS" % len(snapshot.entries))
    tell(b"0 RECENT")
    tell(b"OK [PERMANENTFLAGS %s] Kept" % kept)
    if unseen is not None:
        tell(b"OK [UNSEEN %d] First unseen" % unseen)
    tell(b"OK [UIDVALIDITY %d] Valid" % snapshot.uidvalidity)
    tell(b"OK [UIDNEXT %d] Next" % snapshot.uidnext)
    tell(b"OK [HIGHESTMODSEQ %d] Highest" % snapshot.modseq)


async def check(session: Session, _command: Noop | Check) -> None:
    """NOOP and CHECK: the client asks to hear everything."""
    if session.has_selected:
        session.announce(Moment.FREE)
    session.machine.complete("OK", "Completed")


async def close(session: Session, _command: Close) -> None:
    """CLOSE: destroy what is marked, and say nothing of it."""
    selected = session.selected
    if not selected.read_only:
        await session.site.mailboxes.expunge(session.owner, selected.mailbox)
    session.unselect()
    session.machine.complete("OK", "Completed")


async def unselect(session: Session, _command: Unselect) -> None:
    """UNSELECT: like CLOSE, and nothing is destroyed (RFC 3691)."""
    session.unselect()
    session.machine.complete("OK", "Completed")
