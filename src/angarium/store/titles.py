"""What mailboxes are called: INBOX in any case, others exactly (RFC 3501, 5.1); and how a new one begins."""

import secrets
from functools import lru_cache

from angarium.store.interfaces import AccountId, NoSuchAccount, NoSuchMailbox, Owner
from angarium.store.rows import AccountRow, MailboxRow, Reading, Writing
from angarium.store.seal import Seal
from angarium.store.uids import Uids

__all__ = ["INBOX", "current", "found", "keyed", "open_mailbox", "spelled"]

INBOX = "INBOX"
_NAMES = 8_192
"""Keyed names kept at hand."""


def spelled(mailbox: str) -> str:
    """A mailbox's name with INBOX in capitals."""
    return INBOX if mailbox.lower() == "inbox" else mailbox


@lru_cache(_NAMES)
def keyed(seal: Seal, account: AccountId, mailbox: str) -> bytes:
    """The name a mailbox is found by on disk: nobody can tell from it that two accounts each have an INBOX.

    Kept at hand: it is asked for at each step of a message's life, and holds nobody's name.
    """
    return seal.name("mailbox", f"{account.hex()}/{spelled(mailbox)}")


def current(rows: Reading, owner: Owner) -> AccountRow | None:
    """The owner's account; None where it is gone, or has begun anew under another key."""
    row = rows.account(owner.account)
    return row if row is not None and owner.key.fits(row.lock) else None


def found(rows: Reading, seal: Seal, owner: Owner, mailbox: str) -> MailboxRow:
    """An account's mailbox. Raises NoSuchMailbox."""
    both = rows.entered(owner.account, keyed(seal, owner.account, mailbox))
    if both is None or not owner.key.fits(both[0]):
        raise NoSuchMailbox
    return both[1]


def open_mailbox(rows: Writing, seal: Seal, account: AccountId, mailbox: str) -> None:
    """Make an empty mailbox in an account; the caller knows that there is none of that name.

    Raises:
        NoSuchAccount: see there.
    """
    owner = rows.account(account)
    if owner is None:
        raise NoSuchAccount
    number = secrets.randbits(31)
    while not number or rows.numbered(number):
        number = secrets.randbits(31)
    rows.put_account(account, owner._replace(validity=owner.validity + 1))
    title = seal.seal(owner.lock, spelled(mailbox).encode())
    row = MailboxRow(number, title, owner.validity, seal.start(), seal.start(), 0, 0, Uids())
    rows.add_mailbox(account, keyed(seal, account, mailbox), row)
