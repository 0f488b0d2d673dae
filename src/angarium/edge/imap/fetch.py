"""FETCH and SEARCH: reading (RFC 3501, 6.4.4 and 6.4.5; RFC 7162, 3.1).

One message is in memory at a time, whatever the set, beside the few small ones of which only a part was wanted yet
(`opened`); what it becomes is sent before the next is read.
"""

import asyncio

from angarium.edge.imap.session import Session
from angarium.wire.imap.commands.messages import Fetch, Search
from angarium.wire.imap.entry import Entry
from angarium.wire.imap.fetch import gives_whole, needs_message, pieces
from angarium.wire.imap.items import Attribute, Item, Section
from angarium.wire.imap.responses import numbers
from angarium.wire.imap.search import Candidate, asks_modseq, test_of

__all__ = ["fetch", "search"]

SEEN = frozenset({"\\Seen"})


async def fetch(session: Session, command: Fetch) -> None:
    """FETCH and UID FETCH. By UID, a message that is gone is left out; by number, that is a failure (RFC 2180, 4.1)."""
    selected = session.selected
    items = _items(command)
    session.condstore |= Attribute.MODSEQ in items
    marks = not selected.read_only and any(isinstance(item, Section) and not item.peek for item in items)
    needed = needs_message(items)
    whole = gives_whole(items)
    missing = False
    for number, entry in selected.view.resolve(command.numbers, by_uid=command.by_uid):
        if command.changed_since is not None and entry.modseq <= command.changed_since:
            continue
        message = (selected.opened.take(entry.uid) or await _message(session, entry)) if needed else b""
        if message is None:
            missing = True
            continue
        if marks and not entry.flags >= SEEN:
            await _answer(session, number, await _mark(session, entry), _with_flags(items), message)
        else:
            await _answer(session, number, entry, items, message)
        if needed and not whole:
            selected.opened.keep(entry.uid, message)
    if missing and not command.by_uid:
        session.machine.complete("NO", "Some of these messages are gone", "EXPUNGEISSUED")
    else:
        session.machine.complete("OK", "Completed")


def _items(command: Fetch) -> tuple[Item, ...]:
    items = command.items
    if command.by_uid and Attribute.UID not in items:
        items = (Attribute.UID, *items)
    if command.changed_since is not None and Attribute.MODSEQ not in items:
        items = (*items, Attribute.MODSEQ)
    return items


def _with_flags(items: tuple[Item, ...]) -> tuple[Item, ...]:
    return items if Attribute.FLAGS in items else (*items, Attribute.FLAGS)


async def _message(session: Session, entry: Entry) -> bytes | None:
    """The whole message. Others get their turn before it: with a fast disk a long FETCH would never pause."""
    await asyncio.sleep(0)
    return await session.site.mailboxes.body(session.owner, session.selected.mailbox, entry.uid)


async def _mark(session: Session, entry: Entry) -> Entry:
    """Set \\Seen, as reading without PEEK does; the message as it is now."""
    selected = session.selected
    now, _ = await session.site.mailboxes.flag(session.owner, selected.mailbox, [entry.uid], add=SEEN)
    for changed in now:
        selected.view.learn(changed)
        return changed
    return entry


async def _answer(session: Session, number: int, entry: Entry, items: tuple[Item, ...], message: bytes) -> None:
    session.machine.untagged(*pieces(number, entry, items, message))
    if Attribute.FLAGS in items:
        session.selected.view.told(entry.uid)
    await session.flush_when_full()


async def search(session: Session, command: Search) -> None:
    """SEARCH and UID SEARCH. Sees the mailbox as it is; a message is read only where its entry does not decide."""
    if command.key is None:
        session.machine.complete("NO", "Unknown charset", "BADCHARSET (US-ASCII UTF-8)")
        return
    living = list(session.selected.view.living())
    last_number, last_uid = (living[-1][0], living[-1][1].uid) if living else (0, 0)
    test = test_of(command.key, last_number=last_number, last_uid=last_uid)
    found: list[tuple[int, Entry]] = []
    for number, entry in living:
        one = Candidate(number, entry)
        result = test(one)
        if result is None:
            one.message = await _message(session, entry)
            result = one.message is not None and test(one)
        if result:
            found.append((number, entry))
    answer = numbers(b"SEARCH", (entry.uid if command.by_uid else number for number, entry in found))
    if asks_modseq(command.key):
        session.condstore = True
        if found:
            answer += b" (MODSEQ %d)" % max(entry.modseq for _, entry in found)
    session.machine.untagged(answer)
    session.machine.complete("OK", "Completed")
