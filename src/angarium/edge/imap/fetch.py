"""FETCH and SEARCH: reading (RFC 3501, 6.4.4 and 6.4.5; RFC 7162, 3.1).

One message is in memory at a time, whatever the set, beside the few small ones of which only a part was wanted yet
(`opened`); what it becomes is sent before the next is read.
"""

import asyncio
from dataclasses import dataclass
from functools import lru_cache

from angarium.edge.imap.breath import AGAIN, WITHHELD, OutOfBreath, Trying
from angarium.edge.imap.rouse import asks_as_app
from angarium.edge.imap.session import Session
from angarium.wire.imap.commands.messages import Fetch, Search
from angarium.wire.imap.entry import Entry
from angarium.wire.imap.fetch import gives_whole, needs_message, pieces, without_body
from angarium.wire.imap.items import Attribute, Item, Section
from angarium.wire.imap.responses import numbers
from angarium.wire.imap.search import Candidate, asks_modseq, test_of

__all__ = ["fetch", "search"]

SEEN = frozenset({"\\Seen"})


async def fetch(session: Session, command: Fetch) -> None:
    """FETCH and UID FETCH. By UID, a message that is gone is left out; by number, that is a failure (RFC 2180, 4.1)."""
    selected = session.selected
    asked = _asked(command.items, by_uid=command.by_uid, since=command.changed_since is not None)
    items, needed = asked.items, asked.needs_message
    session.condstore |= asked.modseq
    marks = asked.marks and not selected.read_only
    missing = read = said = False
    found = selected.view.resolve(command.numbers, by_uid=command.by_uid)
    breath = session.breath
    if breath is not None and command.by_uid and needed and not asked.whole and found:
        breath.ask(session, [entry for _, entry in found], as_app=asks_as_app(asked.items))
    for number, entry in found:
        if command.changed_since is not None and entry.modseq <= command.changed_since:
            continue
        message: bytes | None = b""
        if needed and (message := selected.opened.take(entry.uid)) is None:
            message = await _message(session, entry, behind_another=read)
            read = True
        if message is None:
            missing = True
            continue
        if breath is not None and asked.whole and not breath.holds(session, len(message)):
            if session.carried and not said:  # it has read all there was
                session.machine.bye(AGAIN)
                return
            if session.carried:
                await session.flush()
                raise OutOfBreath
            if WITHHELD in entry.flags:
                session.machine.untagged(*without_body(number, entry, items))
                continue
            session.trying = Trying(entry.uid)
        if marks and not entry.flags >= SEEN:
            entry = await _mark(session, entry)
            session.machine.untagged(*pieces(number, entry, _with_flags(items), message))
            selected.view.told(entry.uid)
        else:
            session.machine.untagged(*pieces(number, entry, items, message))
            if asked.flags:
                selected.view.told(entry.uid)
        if session.machine.full or (breath is not None and asked.whole):
            await session.flush()
            session.carried |= asked.whole
            said = True
        if breath is not None and asked.whole:
            breath.given(session, entry.uid)
        if session.rouse is not None and asked.whole:
            session.rouse.learn(entry.uid, message)
        if needed and not asked.whole:
            selected.opened.keep(entry.uid, message)
    if found and needed and not asked.whole:
        _rouse(session, [entry for _, entry in found], asked.items)
    if missing and not command.by_uid:
        session.machine.complete("NO", "Some of these messages are gone", "EXPUNGEISSUED")
    else:
        session.machine.complete("OK", "Completed")
    if breath is not None and asked.whole:
        await session.flush()
        breath.content(session)
        session.ending = breath.spent(session)


def _rouse(session: Session, found: list[Entry], items: tuple[Item, ...]) -> None:
    """Where these may be the last messages on this connection, see to it that the client connects again at once."""
    if session.rouse is None or session.breath is None:
        return
    row = session.rouse.row(session, items)
    if row and session.breath.nears_end(session, (entry.size for entry in found)):
        session.machine.untagged(*row)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a FETCH asks for: in these words all day long, so it is thought about once."""

    items: tuple[Item, ...]
    needs_message: bool
    whole: bool
    flags: bool
    modseq: bool
    marks: bool
    """Whether what is read is seen."""


@lru_cache(maxsize=64)
def _asked(items: tuple[Item, ...], *, by_uid: bool, since: bool) -> _Asked:
    if by_uid and Attribute.UID not in items:
        items = (Attribute.UID, *items)
    if since and Attribute.MODSEQ not in items:
        items = (*items, Attribute.MODSEQ)
    return _Asked(
        items,
        needs_message(items),
        gives_whole(items),
        Attribute.FLAGS in items,
        Attribute.MODSEQ in items,
        any(isinstance(item, Section) and not item.peek for item in items),
    )


def _with_flags(items: tuple[Item, ...]) -> tuple[Item, ...]:
    return items if Attribute.FLAGS in items else (*items, Attribute.FLAGS)


async def _message(session: Session, entry: Entry, *, behind_another: bool = True) -> bytes | None:
    """The whole message. Others get their turn between two: with a fast disk a long FETCH would never pause."""
    if behind_another:
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
