"""The rows that the store's logic works on, and transactions around them.

The logic is written once, over these two interfaces: it knows mailboxes by number and messages by UID. What a back-end
keeps is something else (`store.raw`), and `store.veil` stands between. A job is a function over `Writing`: it looks
first, raises if it must, and only then changes rows, so that a back-end without rollback keeps its promise too. It may
be run again after a failed commit, so it changes nothing but rows and its own news.

Which messages a mailbox holds stands in its own row: who adds or removes messages puts the mailbox as well.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol, TypeAlias, TypeVar

from msgspec import Struct

from angarium.store.raw import AccountRow, Conveyance, Reception, Register, Traffic
from angarium.store.uids import Uids
from angarium.wire.imap.entry import Change

__all__ = ["AccountRow", "Backend", "MailboxRow", "MessageRow", "News", "Place", "Reading", "Writing"]

T = TypeVar("T")

News: TypeAlias = list[tuple[int, Change | None]]
"""What a job changed, by the number of the mailbox, in order; None where the mailbox itself is gone."""

Place: TypeAlias = tuple[int, int]
"""Mailbox number and UID."""


class MailboxRow(Struct, frozen=True):
    """A mailbox."""

    number: int
    """Random, 31 bits, not 0."""
    title: bytes
    """Its name, sealed to the account; empty where it is a ruin."""
    uidvalidity: int
    uidnext: int
    modseq: int
    """Mod-sequence of its last change."""
    messages: int
    """Messages in it."""
    size: int
    """The sum of their size classes."""
    live: Uids
    """Their UIDs."""


class MessageRow(Struct, frozen=True):
    """A message in a mailbox, without its body."""

    uid: int
    size: int
    """Its size class."""
    shown: int
    """The size class of what lies beside it, which is all that a disk shows."""
    flags: frozenset[str]
    day: int
    """When it arrived; a copy keeps the day of its original, and so does the shared body that both hold."""
    modseq: int
    record: bytes
    """A `store.record.Record`, sealed to the account."""


class Reading(Register, Traffic, Protocol):
    """Looks at rows, all at one moment."""

    def mailbox(self, account: bytes, name: bytes) -> MailboxRow | None:
        """A mailbox by its owner and its keyed name."""

    def entered(self, account: bytes, name: bytes) -> tuple[bytes, MailboxRow] | None:
        """The lock of an account and a mailbox of it, by its keyed name."""

    def mailboxes(self, account: bytes) -> list[MailboxRow]:
        """All mailboxes of an account, in no order."""

    def box(self, number: int) -> MailboxRow | None:
        """A mailbox by its number."""

    def numbered(self, number: int) -> bool:
        """Whether a mailbox, or the ruin of one, has this number."""

    def holdings(self, after: int, limit: int) -> list[tuple[int, bytes, int]]:
        """Number, keyed name of the account, and size of mailboxes above a number, in order, at most `limit`."""

    def ruins(self) -> list[int]:
        """Numbers of mailboxes that are gone and whose messages are not yet."""

    def ruin(self, number: int) -> MailboxRow | None:
        """What is left of a mailbox that is gone."""

    def waiting(self) -> int:
        """How many messages there are in all mailboxes."""

    def messages(self, box: MailboxRow, uids: Collection[int] | None = None) -> list[MessageRow]:
        """The messages of a mailbox or ruin (those of the given UIDs), in order of UID."""

    def deleted(self, box: MailboxRow, uids: Collection[int] | None, limit: int) -> list[MessageRow]:
        """As `messages`, of those flagged \\Deleted, at most `limit`."""

    def old(
        self, before_day: int, *, above: int, seen: bool, after: int | None, limit: int
    ) -> tuple[list[Place], int | None]:
        """Messages that arrived before a day, whose size class is above one, and, if `seen`, that are flagged \\Seen.

        Looks at no more than `limit`, in no order that means anything; returns where to go on as well (`after`), or
        None where that was all.
        """

    def kinds(self, days: Collection[int]) -> set[tuple[int, int]]:
        """Day and size class of the messages of these days, those of ruins included."""

    def letter(self, box: MailboxRow, uid: int, most: int | None) -> tuple[bytes, bytes | None] | None:
        """The record of a message, and the wrapped body kept beside it, unless that is of a size class above `most`."""

    def blob(self, blob: int) -> bytes | None:
        """A wrapped body that several share."""

    def blobs(self) -> list[tuple[int, int, int]]:
        """Id, day and size class of all of them."""


class Writing(Reading, Reception, Conveyance, Protocol):
    """Changes rows, within one transaction."""

    def add_mailbox(self, account: bytes, name: bytes, row: MailboxRow) -> None:
        """Make a mailbox."""

    def rename_mailbox(self, number: int, name: bytes, title: bytes) -> None:
        """Give a mailbox another keyed name and sealed title."""

    def put_mailboxes(self, rows: Iterable[MailboxRow]) -> None:
        """Replace all of mailboxes but their names."""

    def ruin_mailbox(self, number: int) -> None:
        """Remove a mailbox; its messages become a ruin."""

    def put_ruin(self, row: MailboxRow) -> None:
        """Replace a ruin."""

    def clear_ruin(self, number: int) -> None:
        """Forget a ruin."""

    def add_messages(self, messages: Iterable[tuple[int, MessageRow, bytes | None]]) -> None:
        """Add messages: number of the mailbox, message, and the wrapped body beside it if there is one."""

    def copy_body(self, number: int, uid: int, to_number: int, to_uid: int) -> None:
        """Keep the body beside one message, if there is one, also beside another."""

    def put_flags(self, number: int, messages: Iterable[MessageRow]) -> None:
        """Replace flags and modseq of messages."""

    def remove_messages(self, number: int, uids: Sequence[int]) -> None:
        """Remove messages and the bodies beside them: the records first."""

    def add_blob(self, blob: int, *, day: int, size: int, holders: int, body: bytes) -> None:
        """Keep a body that several share."""

    def hold_blob(self, blob: int, more: int) -> None:
        """Count holders in, or out (negative); a blob that nobody holds is removed. One that is gone stays so."""

    def remove_blob(self, blob: int) -> None:
        """Remove a blob, whoever holds it. One that is gone stays so."""


class Backend(Protocol):
    """Runs functions over rows. Every error of the disk comes out as `StoreError` or `StoreFull`."""

    async def read(self, look: Callable[[Reading], T], *, heavy: bool = False, once: bool = False) -> T:
        """Run a look at one moment's rows; a heavy one, where it may take long, outside the event loop's thread.

        `once`: it asks one thing, so that there is no second moment. (It saves a transaction.)
        """

    async def write(self, job: Callable[[Writing, News], T], *, heavy: bool = False) -> T:
        """Run a job in a transaction, whole or not at all; return when it is durable and its news are out.

        A heavy one, which changes many rows, runs outside the event loop's thread.
        """

    async def close(self) -> None:
        """Finish what was begun and let go of everything. What comes later raises StoreError."""
