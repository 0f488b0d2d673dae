"""What a back-end keeps: rows of bytes that mean nothing to it, and nothing to who has no root key.

No row of a message says which mailbox it belongs to: it lies at a `place` that looks like chance, and the mailbox's own
row is a name, a title and one hidden state. What a place, a state or a note means is known to `store.veil` alone.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

__all__ = [
    "AccountRow",
    "Conveyance",
    "RawBox",
    "RawMessage",
    "RawReading",
    "RawWriting",
    "Reception",
    "Register",
    "Traffic",
]


class AccountRow(NamedTuple):
    """An account."""

    lock: bytes
    day: int
    """Day of the last login."""
    validity: int
    """UIDVALIDITY for the next mailbox: no two mailboxes an account ever had share one."""


class RawBox(NamedTuple):
    """A mailbox."""

    number: int
    """Random, 31 bits, not 0."""
    title: bytes
    state: bytes


class RawMessage(NamedTuple):
    """A message, without its body."""

    place: int
    """64 bits with a sign."""
    size: int
    """The size class of what lies beside it."""
    flags: int
    """Bits of system flags."""
    day: int
    note: bytes
    record: bytes


class Register(Protocol):
    """Looks at accounts, tombstones, invitations and push tokens, and at what is held for other relays."""

    def account(self, account: bytes) -> AccountRow | None:
        """An account by its keyed name."""

    def accounts(self) -> int:
        """How many there are."""

    def accounts_before(self, day: int, limit: int) -> list[bytes]:
        """Keyed names of accounts whose last login was before that day, at most `limit`."""

    def buried(self, tomb: bytes) -> bool:
        """Whether there is such a tombstone."""

    def invitation(self, token: bytes) -> tuple[int, int] | None:
        """Uses left and last day of an invitation by its keyed name."""

    def devices(self, account: bytes) -> bytes | None:
        """The hidden push tokens of an account."""

    def paper(self, paper: bytes) -> bytes | None:
        """A hidden paper by its keyed name."""

    def papers(self) -> list[tuple[bytes, bytes]]:
        """Keyed name and content of all papers."""

    def parcel(self, place: int) -> bytes | None:
        """The note of a parcel that is held."""

    def parcels(self) -> list[tuple[int, int, bytes]]:
        """Place, day and note of all of them."""

    def parcel_body(self, place: int) -> bytes | None:
        """The wrapped parcel itself."""


class Reception(Protocol):
    """Changes them."""

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

    def put_paper(self, paper: bytes, content: bytes | None) -> None:
        """Make or replace a paper; None: remove it, if it is there."""

    def add_parcel(self, place: int, day: int, note: bytes, body: bytes) -> None:
        """Hold a parcel."""

    def remove_parcels(self, places: Sequence[int]) -> None:
        """Remove parcels, if they are there: the notes first."""


class Traffic(Protocol):
    """Looks at what waits for other relays, and at what is remembered of them."""

    def entry(self, number: int) -> bytes | None:
        """A hidden entry of the queue."""

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Number and hidden entry of all of them, in no order."""

    def cargo(self, cargo: int) -> bytes | None:
        """The wrapped body of a message in the queue."""

    def cargo_note(self, cargo: int) -> bytes | None:
        """What is noted of it."""

    def marked(self, marks: Iterable[bytes]) -> set[bytes]:
        """Those of these marks that are there."""

    def marks_before(self, day: int, limit: int) -> list[bytes]:
        """Marks of before that day, at most `limit`."""

    def peer(self, peer: bytes) -> bytes | None:
        """What is hidden of another relay, by its keyed name."""

    def peers(self) -> list[tuple[bytes, bytes]]:
        """Keyed name and what is hidden of all of them."""


class Conveyance(Protocol):
    """Changes it."""

    def put_entries(self, entries: Iterable[tuple[int, bytes]]) -> None:
        """Make or replace entries of the queue: number, entry."""

    def remove_entry(self, number: int) -> None:
        """Remove an entry."""

    def add_cargo(self, cargo: int, *, note: bytes, body: bytes) -> None:
        """Keep the body of a message in the queue."""

    def put_cargo_note(self, cargo: int, note: bytes) -> None:
        """Replace what is noted of it."""

    def remove_cargo(self, cargo: int) -> None:
        """Remove it, if it is there."""

    def add_marks(self, marks: Iterable[tuple[bytes, int]]) -> None:
        """Add marks: mark, day."""

    def remove_marks(self, marks: Iterable[bytes]) -> None:
        """Remove marks."""

    def put_peer(self, peer: bytes, key: bytes) -> None:
        """Make or replace what is hidden of another relay."""

    def remove_peer(self, peer: bytes) -> None:
        """Remove it, if it is there."""


class RawReading(Register, Traffic, Protocol):
    """Looks at rows, all at one moment."""

    def mailbox(self, account: bytes, name: bytes) -> RawBox | None:
        """A mailbox by its owner and its keyed name."""

    def entered(self, account: bytes, name: bytes) -> tuple[bytes, RawBox] | None:
        """The lock of an account and a mailbox of it, by its keyed name: what every step of a session looks at."""

    def mailboxes(self, account: bytes) -> list[RawBox]:
        """All mailboxes of an account, in no order."""

    def box(self, number: int) -> RawBox | None:
        """A mailbox by its number."""

    def states(self, after: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        """Number, account and state of mailboxes above a number, in order, at most `limit`."""

    def ruins(self) -> list[int]:
        """Numbers of all ruins."""

    def ruin(self, number: int) -> bytes | None:
        """The state of a ruin."""

    def count(self) -> int:
        """How many messages there are, those of ruins included."""

    def messages(self, places: Sequence[int], bits: int = 0) -> list[RawMessage]:
        """The messages at these places that have all these bits among their flags, in no order."""

    def old(self, before_day: int, *, bits: int, after: int | None, limit: int) -> list[tuple[int, bytes]]:
        """Place and note of messages that arrived before a day and have all these bits among their flags,
        above a place (None: from the first), in order of place, at most `limit`."""

    def notes(self, days: Collection[int]) -> Iterator[tuple[int, int, bytes]]:
        """Place, day and note of all messages of these days."""

    def letter(self, place: int, most: int | None) -> tuple[bytes, bytes | None] | None:
        """The record of a message, and the body beside it, unless that is of a size class above `most`."""

    def blob(self, blob: int) -> bytes | None:
        """A body that several share."""

    def blob_note(self, blob: int) -> bytes | None:
        """What is noted of it."""

    def blobs(self) -> list[tuple[int, int, bytes]]:
        """Id, day and note of all of them."""


class RawWriting(RawReading, Reception, Conveyance, Protocol):
    """Changes rows, within one transaction."""

    def add_mailbox(self, account: bytes, name: bytes, box: RawBox) -> None:
        """Make a mailbox."""

    def rename_mailbox(self, number: int, name: bytes, title: bytes) -> None:
        """Give a mailbox another keyed name and sealed title."""

    def put_states(self, states: Iterable[tuple[bytes, int]]) -> None:
        """Replace the states of mailboxes: state, number."""

    def ruin_mailbox(self, number: int) -> None:
        """Remove a mailbox; its number and state become a ruin."""

    def put_ruin(self, number: int, state: bytes) -> None:
        """Replace the state of a ruin."""

    def clear_ruin(self, number: int) -> None:
        """Forget a ruin."""

    def add_messages(self, messages: Iterable[RawMessage]) -> None:
        """Add messages."""

    def add_bodies(self, bodies: Iterable[tuple[int, bytes]]) -> None:
        """Keep bodies beside messages: place, body."""

    def copy_body(self, place: int, to: int) -> None:
        """Keep the body at one place, if there is one, also at another."""

    def put_flags(self, flags: Iterable[tuple[int, bytes, int]]) -> None:
        """Replace flags and notes of messages: flags, note, place."""

    def remove_messages(self, places: Sequence[int]) -> None:
        """Remove messages and the bodies beside them: the records first."""

    def add_blob(self, blob: int, *, day: int, note: bytes, body: bytes) -> None:
        """Keep a body that several share."""

    def put_blob_note(self, blob: int, note: bytes) -> None:
        """Replace what is noted of a blob."""

    def remove_blob(self, blob: int) -> None:
        """Remove a blob, if it is there."""
