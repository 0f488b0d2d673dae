"""What a back-end must be able to do: rows of bytes in, rows of bytes out, and transactions around them.

The store's logic is written once, over these two interfaces; a back-end knows neither names nor messages, only what
left the seal. A job is a function over `Writing`: it looks first, raises if it must, and only then changes rows, so
that a back-end without rollback keeps its promise too. It may be run again after a failed commit, so it changes
nothing but rows and its own news.

Messages of a mailbox are found by its number, which is random: neither numbers nor rows tell what came first.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from angarium.wire.imap.entry import Change

__all__ = ["AccountRow", "Backend", "MailboxRow", "MessageRow", "News", "Reading", "Writing"]

T = TypeVar("T")

News: TypeAlias = list[tuple[int, Change | None]]
"""What a job changed, by the number of the mailbox, in order; None where the mailbox itself is gone."""


class AccountRow(NamedTuple):
    """An account."""

    lock: bytes
    day: int
    """Day of the last login."""
    validity: int
    """UIDVALIDITY for the next mailbox: no two mailboxes an account ever had share one."""


class MailboxRow(NamedTuple):
    """A mailbox."""

    number: int
    """Random, 31 bits, not 0."""
    title: bytes
    """Its name, sealed to the account."""
    uidvalidity: int
    uidnext: int
    modseq: int
    """Mod-sequence of its last change."""
    messages: int
    """Messages in it."""
    size: int
    """The sum of their size classes."""


class MessageRow(NamedTuple):
    """A message in a mailbox, without its body."""

    uid: int
    size: int
    """Its size class."""
    flags: frozenset[str]
    day: int
    modseq: int
    record: bytes
    """A `store.record.Record`, sealed to the account."""


class Reading(Protocol):
    """Looks at rows, all at one moment."""

    def account(self, account: bytes) -> AccountRow | None:
        """An account by its keyed name."""

    def accounts(self) -> int:
        """How many there are."""

    def accounts_before(self, day: int, limit: int) -> list[bytes]:
        """Keyed names of accounts whose last login was before that day, at most `limit`."""

    def accounts_holding(self, more_than: int) -> list[bytes]:
        """Keyed names of accounts whose mailboxes hold more bytes than that, in size classes."""

    def buried(self, tomb: bytes) -> bool:
        """Whether there is such a tombstone."""

    def invitation(self, token: bytes) -> tuple[int, int] | None:
        """Uses left and last day of an invitation by its keyed name."""

    def devices(self, account: bytes) -> bytes | None:
        """The hidden push tokens of an account."""

    def mailbox(self, account: bytes, name: bytes) -> MailboxRow | None:
        """A mailbox by its owner and its keyed name."""

    def mailboxes(self, account: bytes) -> list[MailboxRow]:
        """All mailboxes of an account, in no order."""

    def box(self, number: int) -> MailboxRow | None:
        """A mailbox by its number."""

    def numbered(self, number: int) -> bool:
        """Whether a mailbox, or the ruin of one, has this number."""

    def messages(
        self, number: int, uids: Collection[int] | None = None, *, limit: int | None = None
    ) -> list[MessageRow]:
        """The messages of a mailbox or ruin (those of the given UIDs), in order of UID, at most `limit`."""

    def deleted(self, number: int, uids: Collection[int] | None, limit: int) -> list[MessageRow]:
        """As `messages`, of those flagged \\Deleted."""

    def old(
        self, before_day: int, *, above: int, seen: bool, after: tuple[int, int], limit: int
    ) -> list[tuple[int, int]]:
        """Mailbox number and UID, in this order and after the given one, of messages that arrived before a day, whose
        size class is above one, and, if `seen`, that are flagged \\Seen."""

    def waiting(self) -> int:
        """How many messages there are in all mailboxes."""

    def body(self, number: int, uid: int) -> bytes | None:
        """The wrapped body kept beside a message's record."""

    def blob(self, blob: int) -> bytes | None:
        """A wrapped body that several share."""

    def ruins(self) -> list[int]:
        """Numbers of mailboxes that are gone and whose messages are not yet."""


class Writing(Reading, Protocol):
    """Changes rows, within one transaction."""

    def put_account(self, account: bytes, row: AccountRow) -> None:
        """Make or replace an account."""

    def remove_account(self, account: bytes) -> None:
        """Remove an account and its push tokens; its mailboxes are removed one by one."""

    def bury(self, tomb: bytes) -> None:
        """Put up a tombstone."""

    def put_invitation(self, token: bytes, uses: int, expires_day: int) -> None:
        """Make or replace an invitation; one without uses is removed."""

    def remove_invitations(self, before_day: int) -> int:
        """Remove those whose last day was before that day; return how many."""

    def put_devices(self, account: bytes, devices: bytes) -> None:
        """Replace the hidden push tokens of an account."""

    def add_mailbox(self, account: bytes, name: bytes, row: MailboxRow) -> None:
        """Make a mailbox."""

    def rename_mailbox(self, number: int, name: bytes, title: bytes) -> None:
        """Give a mailbox another keyed name and sealed title."""

    def put_mailboxes(self, rows: Iterable[MailboxRow]) -> None:
        """Replace uidnext, modseq, messages and size of mailboxes."""

    def ruin_mailbox(self, number: int) -> None:
        """Remove a mailbox; its messages become a ruin."""

    def clear_ruin(self, number: int) -> None:
        """Forget the number of a ruin."""

    def add_messages(self, messages: Iterable[tuple[int, MessageRow]]) -> None:
        """Add messages, each to the mailbox of the number given with it."""

    def add_bodies(self, bodies: Iterable[tuple[int, int, bytes]]) -> None:
        """Keep wrapped bodies beside messages: number, UID, body."""

    def copy_body(self, number: int, uid: int, to_number: int, to_uid: int) -> None:
        """Keep the body beside one message, if there is one, also beside another."""

    def put_flags(self, number: int, messages: Iterable[MessageRow]) -> None:
        """Replace flags and modseq of messages."""

    def remove_messages(self, number: int, uids: Sequence[int]) -> None:
        """Remove messages and the bodies beside them: the records first."""

    def add_blob(self, blob: int, *, day: int, holders: int, body: bytes) -> None:
        """Keep a body that several share."""

    def hold_blob(self, blob: int, more: int) -> None:
        """Count holders in, or out (negative); a blob that nobody holds is removed. One that is gone stays so."""

    def remove_blobs(self, before_day: int, limit: int) -> int:
        """Remove blobs made before that day, at most `limit`; return how many."""


class Backend(Protocol):
    """Runs functions over rows. Every error of the disk comes out as `StoreError` or `StoreFull`."""

    async def read(self, look: Callable[[Reading], T], *, heavy: bool = False) -> T:
        """Run a look at one moment's rows; a heavy one, where it may take long, outside the event loop's thread."""

    async def write(self, job: Callable[[Writing, News], T]) -> T:
        """Run a job in a transaction, whole or not at all; return when it is durable and its news are out."""

    async def close(self) -> None:
        """Finish what was begun and let go of everything. What comes later raises StoreError."""
