"""How messages end: one by one, or with their mailbox.

Who removes with the owner's key at hand reads from each record which shared body it held, and counts it out. Where
there is no key (retention, expiry) and the seal shows the relay nothing, the count stays too high; such a body goes
when no message of its day and size is left (`store.sweep`).

A mailbox is gone in one short transaction, whatever it held; its messages are then a ruin, cleared piece by piece.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice

from msgspec.structs import replace

from angarium.store.record import Record
from angarium.store.rows import Backend, MailboxRow, MessageRow, News, Writing
from angarium.store.seal import Key, Seal
from angarium.wire.imap.entry import Expunged

__all__ = ["AT_ONCE", "clear_ruins", "remove", "ruin"]

AT_ONCE = 256
"""Messages removed in one transaction, so that deliveries pass in between."""


def remove(
    rows: Writing, news: News, seal: Seal, mailbox: MailboxRow, messages: Sequence[MessageRow], key: Key | None = None
) -> None:
    """Destroy messages of a mailbox, and their bodies unless others hold them."""
    destroy(rows, seal, mailbox.number, messages, key)
    modseq = mailbox.modseq + 1
    rows.put_mailboxes([replace(depart(mailbox, messages), modseq=modseq)])
    news.extend((mailbox.number, Expunged(message.uid, modseq)) for message in messages)


def depart(mailbox: MailboxRow, messages: Sequence[MessageRow]) -> MailboxRow:
    """A mailbox, or what is left of one, after messages were removed."""
    return replace(
        mailbox,
        messages=mailbox.messages - len(messages),
        size=mailbox.size - sum(message.size for message in messages),
        live=mailbox.live.without(message.uid for message in messages),
    )


def destroy(rows: Writing, seal: Seal, number: int, messages: Sequence[MessageRow], key: Key | None) -> None:
    """Remove the rows of messages and count their shared bodies out."""
    held = Counter[int]()
    for message in messages:
        packed = key.open(message.record) if key else seal.peek(message.record)
        if packed is not None:
            held[Record.unpack(packed).blob] += 1
    del held[0]
    rows.remove_messages(number, [message.uid for message in messages])
    for blob, times in held.items():
        rows.hold_blob(blob, -times)


def ruin(rows: Writing, news: News, number: int) -> None:
    """Take a mailbox away at once; its messages wait for `clear_ruins`."""
    rows.ruin_mailbox(number)
    news.append((number, None))


async def clear_ruins(backend: Backend, seal: Seal, numbers: Iterable[int], key: Key | None = None) -> None:
    """Destroy what is left of mailboxes that are gone. `key` is their owner's, where it is at hand."""
    for number in numbers:
        while await backend.write(partial(_clear, seal=seal, number=number, key=key), heavy=True):
            pass


def _clear(rows: Writing, news: News, *, seal: Seal, number: int, key: Key | None) -> bool:
    ruin = rows.ruin(number)
    if ruin is None:
        return False
    messages = rows.messages(ruin, list(islice(ruin.live, AT_ONCE)))
    destroy(rows, seal, number, messages, key)
    if messages:
        rows.put_ruin(depart(ruin, messages))
        return True
    rows.clear_ruin(number)
    return False
