"""What a mailbox holds, and how it changes, in IMAP's own terms.

Plain values shared by the store, which produces them, and the session's view, which turns them into responses.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from msgspec import Struct

__all__ = ["Arrived", "Change", "Entry", "Expunged", "Flagged", "Resync", "Snapshot"]


class Entry(Struct, frozen=True):
    """One message as a mailbox lists it (RFC 3501, 2.3)."""

    uid: int
    size: int
    """Octets of the whole message (RFC822.SIZE)."""
    flags: frozenset[str]
    """System flags with their backslash (``\\Seen``) and keywords, in the case they were first set with."""
    day: int
    """Day of arrival in days since 1970-01-01 (UTC); nothing finer is kept. INTERNALDATE is its midnight."""
    modseq: int
    """Mod-sequence of the last change to this message (RFC 7162)."""


class Snapshot(Struct, frozen=True):
    """A mailbox at one moment. `entries` are in order of UID."""

    uidvalidity: int
    uidnext: int
    modseq: int
    entries: tuple[Entry, ...]


class Arrived(Struct, frozen=True):
    """A message was added."""

    entry: Entry

    @property
    def modseq(self) -> int:
        """Mod-sequence of the mailbox since then."""
        return self.entry.modseq


class Flagged(Struct, frozen=True):
    """A message's flags changed; `entry` is the message as it is now."""

    entry: Entry

    @property
    def modseq(self) -> int:
        """Mod-sequence of the mailbox since then."""
        return self.entry.modseq


@dataclass(frozen=True, slots=True)
class Expunged:
    """A message is gone for good."""

    uid: int
    modseq: int = field(default=0, compare=False)
    """Mod-sequence of the mailbox since then; 0: it is not known, as where a session has removed the message itself."""


class Resync(Struct, frozen=True):
    """More happened than was kept or heard of: take a new snapshot and compare."""


Change: TypeAlias = Arrived | Flagged | Expunged | Resync
