"""Mailboxes and what is in them, over any back-end.

Every change is one job: it finds the mailbox again in its own transaction, so nothing is decided on what was true
before. Reading opens records with the owner's key; the back-end sees neither sizes nor bodies.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from angarium.store.delivery import BIG, MANY, Intake, Overtaken, Parcel, arrive, seal_one, store
from angarium.store.flags import canonical, changed
from angarium.store.interfaces import (
    Copied,
    Letter,
    MailboxExists,
    NoSuchMailbox,
    Owner,
    Rules,
    Swept,
)
from angarium.store.record import Record
from angarium.store.removal import AT_ONCE, clear_ruins, remove, ruin
from angarium.store.rows import AccountRow, Backend, MailboxRow, MessageRow, News, Reading, Writing
from angarium.store.seal import Seal
from angarium.store.sweep import sweep
from angarium.store.titles import INBOX, current, found, keyed, open_mailbox, spelled
from angarium.wire.imap.entry import Arrived, Entry, Flagged, Snapshot

__all__ = ["LONG", "StoredMailboxes", "listed"]

LONG = 2_000
"""Mailboxes of more messages are listed outside the event loop's thread."""


class StoredMailboxes:
    """See `store.interfaces.Mailboxes`."""

    def __init__(self, backend: Backend, seal: Seal, intake: Intake) -> None:
        self._backend = backend
        self._seal = seal
        self._intake = intake

    async def deliver(self, letters: Sequence[Letter], *, day: int) -> None:
        """See `Mailboxes.deliver`."""
        await self._intake.sealed_then(letters, partial(store, day=day))

    async def usage(self, names: Collection[str]) -> dict[str, int]:
        """See `Mailboxes.usage`. Counts size classes."""

        def look(rows: Reading) -> dict[str, int]:
            usage = {}
            for name in names:
                if boxes := rows.mailboxes(self._seal.name("account", name)):  # who has an account has an INBOX
                    usage[name] = sum(box.size for box in boxes)
            return usage

        return await self._backend.read(look, heavy=len(names) > MANY, once=len(names) == 1)

    async def messages(self) -> int:
        """See `Mailboxes.messages`."""
        return await self._backend.read(lambda rows: rows.waiting(), heavy=True)

    async def names(self, owner: Owner) -> list[str]:
        """See `Mailboxes.names`."""
        boxes = await self._backend.read(lambda rows: rows.mailboxes(owner.account) if current(rows, owner) else [])
        titles = (owner.key.open(box.title).decode() for box in boxes)
        return sorted(titles, key=lambda title: (title != INBOX, title))

    async def create(self, owner: Owner, mailbox: str) -> None:
        """See `Mailboxes.create`."""

        def job(rows: Writing, news: News) -> None:
            self._account(rows, owner)
            self._require_free(rows, owner, mailbox)
            open_mailbox(rows, self._seal, owner.account, mailbox)

        await self._backend.write(job)

    async def remove(self, owner: Owner, mailbox: str) -> None:
        """See `Mailboxes.remove`."""

        def job(rows: Writing, news: News) -> int:
            box = self._other_than_inbox(rows, owner, mailbox)
            ruin(rows, news, box.number)
            return box.number

        number = await self._backend.write(job)
        await clear_ruins(self._backend, self._seal, [number], owner.key)

    async def rename(self, owner: Owner, mailbox: str, to: str) -> None:
        """See `Mailboxes.rename`."""

        def job(rows: Writing, news: News) -> None:
            box = self._other_than_inbox(rows, owner, mailbox)
            self._require_free(rows, owner, to)
            title = self._seal.seal(self._account(rows, owner).lock, spelled(to).encode())
            rows.rename_mailbox(box.number, keyed(self._seal, owner.account, to), title)

        await self._backend.write(job)

    async def snapshot(self, owner: Owner, mailbox: str) -> Snapshot:
        """See `Mailboxes.snapshot`."""
        look = partial(listed, seal=self._seal, owner=owner, mailbox=mailbox)
        _, snapshot = await self._backend.read(partial(look, most=LONG))
        if snapshot is None:
            _, snapshot = await self._backend.read(partial(look, most=None), heavy=True)
        assert snapshot is not None
        return snapshot

    async def body(self, owner: Owner, mailbox: str, uid: int) -> bytes | None:
        """See `Mailboxes.body`."""

        def look(rows: Reading, most: int | None = BIG) -> tuple[bool, bytes | None]:
            letter = rows.letter(found(rows, self._seal, owner, mailbox), uid, most)
            if letter is None:
                return True, None
            record, wrapped = Record.unpack(owner.key.open(letter[0])), letter[1]
            if most is not None and record.size > most:
                return False, None
            if record.blob:
                wrapped = rows.blob(record.blob)
            return True, None if wrapped is None else self._seal.unwrap(record.key, wrapped)

        done, body = await self._backend.read(look)
        if not done:
            _, body = await self._backend.read(partial(look, most=None), heavy=True)
        return body

    async def append(
        self, owner: Owner, mailbox: str, message: bytes, *, flags: frozenset[str], day: int
    ) -> tuple[int, int]:
        """See `Mailboxes.append`."""
        while True:
            account = await self._backend.read(partial(self._account, owner=owner))
            parcel = seal_one(self._seal, message, owner.account, account, mailbox)

            def job(rows: Writing, news: News, parcel: Parcel = parcel) -> tuple[int, int]:
                found(rows, self._seal, owner, mailbox)
                return store(rows, news, [parcel], day=day, flags=canonical(flags))

            with suppress(Overtaken):
                return await self._backend.write(job, heavy=len(message) > BIG)

    async def flag(
        self,
        owner: Owner,
        mailbox: str,
        uids: Collection[int],
        *,
        add: frozenset[str] = frozenset(),
        remove: frozenset[str] = frozenset(),
        unchanged_since: int | None = None,
    ) -> tuple[tuple[Entry, ...], tuple[int, ...]]:
        """See `Mailboxes.flag`."""

        def job(rows: Writing, news: News) -> tuple[tuple[Entry, ...], tuple[int, ...]]:
            box = found(rows, self._seal, owner, mailbox)
            newer, now, altered = [], [], []
            for message in rows.messages(box, uids):
                if unchanged_since is not None and message.modseq > unchanged_since:
                    newer.append(message.uid)
                    continue
                flags = changed(message.flags, add=add, remove=remove)
                if flags != message.flags:
                    message = replace(message, flags=flags, modseq=box.modseq + 1)
                    altered.append(message)
                now.append(message)
            entries = {message.uid: _entry(owner, message) for message in now}
            if altered:
                rows.put_flags(box.number, altered)
                rows.put_mailboxes([replace(box, modseq=box.modseq + 1)])
                news.extend((box.number, Flagged(entries[message.uid])) for message in altered)
            return tuple(entries.values()), tuple(newer)

        return await self._backend.write(job, heavy=len(uids) > MANY)

    async def expunge(self, owner: Owner, mailbox: str, uids: Collection[int] | None = None) -> tuple[int, ...]:
        """See `Mailboxes.expunge`."""
        chosen = None if uids is None else frozenset(uids)

        def job(rows: Writing, news: News, *, most: int | None) -> list[int] | None:
            box = found(rows, self._seal, owner, mailbox)
            doomed = rows.deleted(box, chosen, AT_ONCE)
            if most is not None and (len(doomed) > MANY or sum(message.size for message in doomed) > most):
                return None
            if doomed:
                remove(rows, news, self._seal, box, doomed, owner.key)
            return [message.uid for message in doomed]

        gone: list[int] = []
        while True:
            some = await self._backend.write(partial(job, most=BIG))
            if some is None:
                some = await self._backend.write(partial(job, most=None), heavy=True) or []
            gone += some
            if len(some) < AT_ONCE:
                return tuple(gone)

    async def copy(self, owner: Owner, mailbox: str, uids: Collection[int], to: str, *, move: bool = False) -> Copied:
        """See `Mailboxes.copy`."""

        def job(rows: Writing, news: News) -> Copied:
            source = found(rows, self._seal, owner, mailbox)
            target = found(rows, self._seal, owner, to)
            originals = rows.messages(source, uids)
            if not originals:
                return Copied(target.uidvalidity, (), ())
            copies = [
                replace(original, uid=uid, modseq=target.modseq + 1)
                for uid, original in enumerate(originals, target.uidnext)
            ]
            rows.add_messages((target.number, copy, None) for copy in copies)
            rows.put_mailboxes([arrive(target, copies)])
            for original, copy in zip(originals, copies, strict=True):
                rows.copy_body(source.number, original.uid, target.number, copy.uid)
                if blob := _record(owner, original).blob:
                    rows.hold_blob(blob, 1)
                news.append((target.number, Arrived(_entry(owner, copy))))
            if move:
                remove(rows, news, self._seal, found(rows, self._seal, owner, mailbox), originals, owner.key)
            return Copied(
                target.uidvalidity,
                tuple(original.uid for original in originals),
                tuple(copy.uid for copy in copies),
            )

        return await self._backend.write(job, heavy=len(uids) > MANY)

    async def sweep(self, rules: Rules) -> Swept:
        """See `Mailboxes.sweep`."""
        return await sweep(self._backend, self._seal, rules)

    def _account(self, rows: Reading, owner: Owner) -> AccountRow:
        account = current(rows, owner)
        if account is None:
            raise NoSuchMailbox
        return account

    def _require_free(self, rows: Reading, owner: Owner, mailbox: str) -> None:
        if rows.mailbox(owner.account, keyed(self._seal, owner.account, mailbox)) is not None:
            raise MailboxExists

    def _other_than_inbox(self, rows: Reading, owner: Owner, mailbox: str) -> MailboxRow:
        if spelled(mailbox) == INBOX:
            raise NoSuchMailbox
        return found(rows, self._seal, owner, mailbox)


def listed(
    rows: Reading, *, seal: Seal, owner: Owner, mailbox: str, most: int | None
) -> tuple[MailboxRow, Snapshot | None]:
    """A mailbox, and all that is in it; None where that is more than `most`. Raises NoSuchMailbox."""
    box = found(rows, seal, owner, mailbox)
    if most is not None and box.messages > most:
        return box, None
    entries = tuple(_entry(owner, message) for message in rows.messages(box)) if box.messages else ()
    return box, Snapshot(box.uidvalidity, box.uidnext, box.modseq, entries)


def _record(owner: Owner, message: MessageRow) -> Record:
    return Record.unpack(owner.key.open(message.record))


def _entry(owner: Owner, message: MessageRow) -> Entry:
    return Entry(message.uid, _record(owner, message).size, message.flags, message.day, message.modseq)
