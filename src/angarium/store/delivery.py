"""How messages come in: sealed outside the transaction, to all who have an account, then written in one.

A body goes with each record. A large one that goes to several is kept once, as a blob: its id is random, travels only
inside the sealed records, and beside it stands a count of holders. A row that has no body beside it, or one of a rare
size, would show who got the same file: so where the seal hides, every large body is a blob, and beside the record lies
a stand-in of the commonest size.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from angarium.store.interfaces import AccountId, Letter, StoreError
from angarium.store.record import Record
from angarium.store.rows import AccountRow, Backend, MailboxRow, MessageRow, News, Reading, Writing
from angarium.store.seal import Seal
from angarium.store.titles import INBOX, keyed
from angarium.wire.imap.entry import Arrived, Entry

__all__ = ["BIG", "LARGE", "MANY", "Blob", "Intake", "Overtaken", "Parcel", "arrive", "seal_one", "store"]

T = TypeVar("T")

LARGE = 65_536
"""Bodies above this many bytes are kept once where they go to several, or apart where the seal hides."""
BIG = 262_144
"""Bodies above this many bytes are read and written outside the event loop's thread."""
MANY = 64
"""More names than these are looked up outside the event loop's thread."""


class Overtaken(StoreError):
    """Between sealing and storing the mailbox was made anew, perhaps under another key. Seal again."""

    def __init__(self) -> None:
        super().__init__("sealed to a mailbox that has been made anew")


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """A body on its way to several; the same only as itself, so that no megabytes are hashed."""

    number: int
    size_class: int
    wrapped: bytes


class Parcel(Struct, frozen=True):
    """One message on its way into one mailbox, sealed."""

    account: AccountId
    mailbox: bytes
    below: int
    """The UIDVALIDITY that no mailbox of the account had reached when this was sealed."""
    size: int
    size_class: int
    shown: int
    """The size class of what lies beside the record."""
    record: bytes
    body: bytes | None
    """What lies there."""
    blob: Blob | None


Storing: TypeAlias = Callable[[Writing, News, Sequence[Parcel]], T]
"""A job that gets what was sealed before it, and calls `store` with it before it changes anything else."""


class Intake:
    """Seals what comes in, and has it stored.

    Accounts that got something lately are known without another look. What is known of one may be old: where it is gone
    there is no mailbox to store into, and where it began anew the job is overtaken, and looks.
    """

    def __init__(self, backend: Backend, seal: Seal, most: int = 8_192) -> None:
        self._backend = backend
        self._seal = seal
        self._most = most
        self._known: dict[AccountId, AccountRow] = {}

    async def sealed_then(self, letters: Sequence[Letter], job: Storing[T], *, heavy: bool = False) -> T:
        """Seal letters to all who have an account, then run a job in a transaction; where it was overtaken, both again.

        `heavy`: the job is, whatever the letters are.
        """
        many = sum(len(letter.names) for letter in letters) > MANY
        heavy = heavy or many or any(len(letter.message) > BIG for letter in letters)
        to = [(letter, self._accounts(letter.names)) for letter in letters]
        while True:
            known = {account: self._known.get(account) for _, accounts in to for account in accounts}
            ready = await self._ready(to, known, many=many)
            try:
                done = await self._backend.write(partial(_handed, job=job, ready=ready), heavy=heavy)
            except Overtaken:
                for account in known:
                    self._known.pop(account, None)
                continue
            self._remember(known)
            return done

    async def _ready(
        self,
        to: Sequence[tuple[Letter, Sequence[AccountId]]],
        known: dict[AccountId, AccountRow | None],
        *,
        many: bool,
    ) -> list[Parcel]:
        """Letters, sealed. What is not known is looked up, and then known."""
        strangers = [account for account, row in known.items() if row is None]

        def look(rows: Reading) -> list[Parcel]:
            known.update((account, rows.account(account)) for account in strangers)
            return parcels(self._seal, to, known)

        if many or strangers:
            return await self._backend.read(look, heavy=many)
        return parcels(self._seal, to, known)

    def _accounts(self, names: Iterable[str]) -> list[AccountId]:
        """Each once."""
        return list(dict.fromkeys(AccountId(self._seal.name("account", name)) for name in names))

    def _remember(self, known: Mapping[AccountId, AccountRow | None]) -> None:
        for account, row in known.items():
            if row is not None:
                self._known.pop(account, None)
                self._known[account] = row
        while len(self._known) > self._most:
            del self._known[next(iter(self._known))]


def _handed(rows: Writing, news: News, *, job: Storing[T], ready: Sequence[Parcel]) -> T:
    return job(rows, news, ready)


def parcels(
    seal: Seal, to: Iterable[tuple[Letter, Sequence[AccountId]]], known: Mapping[AccountId, AccountRow | None]
) -> list[Parcel]:
    """Seal letters to the INBOX of each account that there is."""
    ready: list[Parcel] = []
    for letter, accounts in to:
        open_to = [(account, row) for account in accounts if (row := known[account]) is not None]
        if len(letter.message) > LARGE and len(open_to) > 1:
            ready.extend(_share(seal, letter.message, open_to, INBOX))
        else:
            ready.extend(seal_one(seal, letter.message, account, row, INBOX) for account, row in open_to)
    return ready


def seal_one(seal: Seal, message: bytes, account: AccountId, row: AccountRow, mailbox: str) -> Parcel:
    """Seal a message to one mailbox."""
    if len(message) > LARGE and seal.stand_in() is not None:
        (parcel,) = _share(seal, message, [(account, row)], mailbox)
        return parcel
    key, wrapped = seal.wrap(message)
    sealed = seal.seal(row.lock, Record(len(message), 0, key).pack())
    size, name = len(message), keyed(seal, account, mailbox)
    size_class = seal.size_class(size)
    return Parcel(account, name, row.validity, size, size_class, size_class, sealed, wrapped, None)


def _share(
    seal: Seal, message: bytes, open_to: Sequence[tuple[AccountId, AccountRow]], mailbox: str
) -> Iterable[Parcel]:
    key, wrapped = seal.wrap(message)
    size = len(message)
    size_class = seal.size_class(size)
    blob = Blob(secrets.randbelow(2**63 - 1) + 1, size_class, wrapped)
    packed = Record(size, blob.number, key).pack()
    for account, row in open_to:
        beside = seal.stand_in()
        shown = size_class if beside is None else len(beside)
        name, sealed = keyed(seal, account, mailbox), seal.seal(row.lock, packed)
        yield Parcel(account, name, row.validity, size, size_class, shown, sealed, beside, blob)


def store(
    rows: Writing, news: News, ready: Iterable[Parcel], *, day: int, flags: frozenset[str] = frozenset()
) -> tuple[int, int]:
    """Write parcels, passing over mailboxes that have gone; return UIDVALIDITY and UID of the last (0, 0: none).

    Raises:
        Overtaken: see there; nothing was written.
    """
    boxes: dict[bytes, MailboxRow] = {}
    blobs: dict[Blob, int] = {}
    messages: list[tuple[int, MessageRow, bytes | None]] = []
    last = (0, 0)
    for parcel in ready:
        box = boxes.get(parcel.mailbox) or rows.mailbox(parcel.account, parcel.mailbox)
        if box is None:
            continue
        if box.uidvalidity >= parcel.below:
            raise Overtaken
        message = MessageRow(box.uidnext, parcel.size_class, parcel.shown, flags, day, box.modseq + 1, parcel.record)
        messages.append((box.number, message, parcel.body))
        if parcel.blob is not None:
            blobs[parcel.blob] = blobs.get(parcel.blob, 0) + 1
        boxes[parcel.mailbox] = arrive(box, [message])
        news.append((box.number, Arrived(Entry(message.uid, parcel.size, flags, day, message.modseq))))
        last = (box.uidvalidity, message.uid)
    rows.put_mailboxes(boxes.values())
    rows.add_messages(messages)
    for blob, holders in blobs.items():
        rows.add_blob(blob.number, day=day, size=blob.size_class, holders=holders, body=blob.wrapped)
    return last


def arrive(box: MailboxRow, messages: Sequence[MessageRow]) -> MailboxRow:
    """A mailbox after messages with consecutive UIDs were added."""
    return replace(
        box,
        uidnext=box.uidnext + len(messages),
        modseq=box.modseq + 1,
        messages=box.messages + len(messages),
        size=box.size + sum(message.size for message in messages),
        live=box.live.extended(box.uidnext, len(messages)),
    )
