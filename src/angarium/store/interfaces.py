"""What the other rooms may ask of the store. Small interfaces, one contract suite (`tests/contract`) for all back-ends.

Names are local parts in lower case: a relay is one namespace, whatever domains, addresses and aliases it answers to.
Every method that changes something returns only when the change is durable. Nothing here keeps a time finer than a day.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, NewType, Protocol

from angarium.store.seal import Key
from angarium.wire.imap.entry import Change, Entry, Snapshot

__all__ = [
    "AccountId",
    "Accounts",
    "Attendance",
    "Changes",
    "Copied",
    "Damaged",
    "Invitations",
    "Letter",
    "MailboxExists",
    "Mailboxes",
    "NameTaken",
    "NoSuchAccount",
    "NoSuchMailbox",
    "NoSuchToken",
    "Owner",
    "Rules",
    "StoreError",
    "StoreFull",
    "Stretched",
    "Subscription",
    "Swept",
    "Tokens",
    "WrongPassword",
]

AccountId = NewType("AccountId", bytes)
"""The seal's keyed name of an account: means nothing without the root key."""


class StoreError(Exception):
    """Any refusal of the store. Its text never holds a name, an address or a message."""


class Damaged(StoreError):
    """What is on the disk is not what was written."""

    def __init__(self) -> None:
        super().__init__("the database is damaged: stop the relay and put back a copy of it (angarium restore)")


class Stretched(NamedTuple):
    """What a password came to that was tried on an account which does not exist: the lock and key of one made now."""

    lock: bytes
    key: Key


class NoSuchAccount(StoreError):
    """No account has that name."""

    def __init__(self, stretched: Stretched | None = None) -> None:
        super().__init__()
        self.stretched = stretched
        """For `Accounts.create`, if `Accounts.login` said so."""


class WrongPassword(StoreError):
    """The account exists and the password does not open it."""


class NameTaken(StoreError):
    """The name belongs to an account, or belonged to one that was deleted and is never given out again."""


class NoSuchToken(StoreError):
    """The invitation was never made, is used up, or has expired."""


class NoSuchMailbox(StoreError):
    """The account has no mailbox of that name."""


class MailboxExists(StoreError):
    """The account has a mailbox of that name."""


class StoreFull(StoreError):
    """The disk cannot take it now. Nothing was changed; the sender should try again later."""


@dataclass(frozen=True, slots=True)
class Owner:
    """An account opened by its password: what every reading of its mailboxes needs."""

    account: AccountId
    name: str
    key: Key
    emptied: bool = False
    """It was the duress password: all that was in the account is destroyed, and whoever was in it is out."""


class Accounts(Protocol):
    """Who has a mailbox here."""

    async def create(
        self,
        name: str,
        password: str,
        *,
        day: int,
        token: str | None = None,
        stretched: Stretched | None = None,
    ) -> Owner:
        """Make an account with an INBOX, and burn one use of `token` if given, in one transaction.

        Safe against itself: of several at once with one name, one wins and the others raise. What `login` found out of
        the same password saves stretching it again, which is most of what a new account costs.

        Raises:
            NameTaken: see there.
            NoSuchToken: see there; the account was not made.
        """

    async def login(self, name: str, password: str, *, day: int) -> Owner:
        """Open an account, and remember `day` as that of its last login.

        The duress password, if one was set, destroys in one transaction all that is in the account, its key and its
        old password included, and opens it empty, with itself as the password from then on; see `Owner.emptied`.

        Raises:
            NoSuchAccount: see there. Takes as long as a wrong password does.
            WrongPassword: see there.
        """

    async def set_duress(self, name: str, password: str, duress: str | None, *, day: int) -> Owner:
        """Set or replace the duress password of an account, or, with None, see that there is none.

        `duress` differs from `password`. This is a login like any other, also in what a duress password does.

        Raises:
            NoSuchAccount, WrongPassword: as from `login`; nothing was changed.
        """

    async def delete(self, owner: Owner) -> None:
        """Destroy an account with all it holds; its name becomes a tombstone. Sessions hear `Subscription.gone`.

        Asks for the owner: only with its key can shared bodies be counted out at once.
        """

    async def expire(self, *, before_day: int) -> int:
        """Delete every account whose last login was before that day; return how many."""

    async def count(self) -> int:
        """How many accounts there are."""


class Invitations(Protocol):
    """Tokens for a relay that is closed to strangers. Who used which is written nowhere."""

    async def add(self, token: str, *, uses: int, expires_day: int) -> None:
        """Remember a token: valid up to and including `expires_day`, for `uses` accounts."""

    async def valid(self, token: str, *, day: int) -> bool:
        """Whether an account could be made with this token today."""

    async def forget(self, *, before_day: int) -> int:
        """Drop tokens that expired before that day; return how many."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message on its way into mailboxes: wire bytes with CRLF, and the names it goes to."""

    message: bytes
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Copied:
    """What COPY, MOVE or APPEND answers with (UIDPLUS, RFC 4315): parallel UIDs, source first."""

    uidvalidity: int
    source: tuple[int, ...]
    target: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a sweep of the store deletes. Days are absolute (days since 1970-01-01); None switches a rule off."""

    before_day: int | None
    """Messages that arrived before this day."""
    large_bytes: int
    large_seen_before_day: int | None
    """Messages larger than `large_bytes`, flagged \\Seen, that arrived before this day."""
    quota_high: int
    quota_low: int
    """Accounts that hold more than `quota_high` bytes lose their oldest messages until at most `quota_low` are left,"""
    quota_before_day: int
    """but never one that arrived on or after this day."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep deleted, in messages."""

    old: int
    large: int
    quota: int


class Mailboxes(Protocol):
    """What accounts hold. INBOX always exists; its name is matched in any case (RFC 3501, 5.1), others exactly."""

    async def deliver(self, letters: Sequence[Letter], *, day: int) -> None:
        """Put every letter into the INBOX of each of its names: all of it, durably, or nothing.

        A name that has no account (any more) is passed over: ask `usage` first. A body that goes to many is kept once.
        Delivering one letter to the same name twice puts it there once.

        Raises:
            StoreFull: see there.
        """

    async def usage(self, names: Collection[str]) -> dict[str, int]:
        """Bytes held by each of these names that has an account; the others are left out."""

    async def messages(self) -> int:
        """How many messages wait in all mailboxes together."""

    async def names(self, owner: Owner) -> list[str]:
        """All mailboxes of an account, INBOX first, the others in order."""

    async def create(self, owner: Owner, mailbox: str) -> None:
        """Make an empty mailbox. Raises MailboxExists."""

    async def remove(self, owner: Owner, mailbox: str) -> None:
        """Destroy a mailbox other than INBOX with all it holds. Raises NoSuchMailbox."""

    async def rename(self, owner: Owner, mailbox: str, to: str) -> None:
        """Give a mailbox other than INBOX another name. Raises NoSuchMailbox, MailboxExists."""

    async def snapshot(self, owner: Owner, mailbox: str) -> Snapshot:
        """The mailbox as it is now. Raises NoSuchMailbox."""

    async def body(self, owner: Owner, mailbox: str, uid: int) -> bytes | None:
        """A whole message, or None where it is gone. Raises NoSuchMailbox."""

    async def append(
        self, owner: Owner, mailbox: str, message: bytes, *, flags: frozenset[str], day: int
    ) -> tuple[int, int]:
        """Store a message; return (UIDVALIDITY, UID). Raises NoSuchMailbox, StoreFull."""

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
        """Change flags (matched without regard to case); unknown UIDs are passed over.

        Returns the messages as they are now, and the UIDs left alone because their mod-sequence is above
        `unchanged_since` (RFC 7162, 3.1.3). A message whose flags do not change keeps its mod-sequence.

        Raises:
            NoSuchMailbox: see there.
        """

    async def expunge(self, owner: Owner, mailbox: str, uids: Collection[int] | None = None) -> tuple[int, ...]:
        """Destroy the messages flagged \\Deleted (of these UIDs only, if given); return their UIDs in order."""

    async def copy(self, owner: Owner, mailbox: str, uids: Collection[int], to: str, *, move: bool = False) -> Copied:
        """Copy (or, in the same transaction, move) messages; unknown UIDs are passed over. Raises NoSuchMailbox."""

    async def sweep(self, rules: Rules) -> Swept:
        """Delete what the rules say, in short transactions so that deliveries pass in between."""


class Subscription(Protocol):
    """One session's view onto the changes of one mailbox, from the moment it was made. Bounded: see Resync."""

    gone: bool
    """The mailbox or its account was destroyed."""

    @property
    def news(self) -> bool:
        """Whether `take` has something to give, or `gone` is set."""

    def take(self) -> list[Change]:
        """All changes since the last call, in the order they were committed; does not wait."""

    def close(self) -> None:
        """Forget this subscription."""


class Attendance(Protocol):
    """That somebody is in an account, from the moment it was made."""

    def close(self) -> None:
        """They left. Leaving twice does no harm."""


class Changes(Protocol):
    """Wake-ups: who listens hears of every commit, in the process that made it."""

    async def attend(self, owner: Owner, farewell: Callable[[], None]) -> Attendance:
        """Say that somebody is in an account: `farewell` is called when it is destroyed or emptied; it must not block.

        Raises:
            NoSuchAccount: it was already.
        """

    async def open(
        self, owner: Owner, mailbox: str, heard: Callable[[], None] | None = None
    ) -> tuple[Subscription, Snapshot]:
        """Listen to a mailbox, and take a snapshot of it, in one look.

        `heard` is called whenever there is news, on the event loop, before whoever made it is answered; it must neither
        block nor raise.

        Raises:
            NoSuchMailbox: see there.
        """


class Tokens(Protocol):
    """Push tokens of phones: opaque ASCII, several for each account."""

    async def add(self, owner: Owner, token: str) -> None:
        """Remember a phone's token; the oldest of more than 16 is forgotten."""

    async def of(self, name: str) -> list[str]:
        """The tokens of a name; empty where there is no such account."""

    async def drop(self, name: str, token: str) -> None:
        """Forget a token of this name. Accounts that share a phone are not told of each other."""
