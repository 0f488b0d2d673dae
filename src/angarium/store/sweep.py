"""Forgetting by rule, without anybody's key: by day, by size, by quota.

Each rule is planned on a look at the rows, then carried out in short transactions that look again at every message.

Bodies that several share are counted out by who has the owner's key. What is left over where nobody had it goes by a
rule of its own: when no message of its day and size class is left, nobody can hold it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter

from angarium.store.flags import SEEN
from angarium.store.interfaces import Rules, Swept
from angarium.store.removal import AT_ONCE, clear_ruins, remove
from angarium.store.rows import Backend, MessageRow, News, Place, Reading, Writing
from angarium.store.seal import Seal

__all__ = ["sweep"]

LOOKED_AT = 16_384
"""Messages in one look for old ones. They lie anywhere: those of one mailbox are best removed together."""
BOXES_AT_ONCE = 1_024
"""Mailboxes in one look for those that hold too much."""


async def sweep(backend: Backend, seal: Seal, rules: Rules) -> Swept:
    """See `store.interfaces.Mailboxes.sweep`."""
    old = large = quota = 0
    if (day := rules.before_day) is not None:
        old = await _aged(backend, seal, before_day=day, above=-1, seen=False)
    if (day := rules.large_seen_before_day) is not None:
        large = await _aged(backend, seal, before_day=day, above=rules.large_bytes, seen=True)
    for account in await _holding(backend, rules.quota_high):
        excess = await backend.read(partial(_excess, account=account, rules=rules), heavy=True)
        quota += await _carry_out(backend, seal, excess, lambda message: message.day < rules.quota_before_day)
    await clear_ruins(backend, seal, await backend.read(lambda rows: rows.ruins()))
    for blob in await backend.read(_orphans, heavy=True):
        await backend.write(partial(_remove_blob, blob=blob), heavy=True)
    return Swept(old, large, quota)


async def _aged(backend: Backend, seal: Seal, *, before_day: int, above: int, seen: bool) -> int:
    """Remove what arrived before a day, is above a size class and, if `seen`, was seen; return how many."""

    def due(message: MessageRow) -> bool:
        return message.day < before_day and message.size > above and (not seen or SEEN in message.flags)

    def look(rows: Reading, after: int | None) -> tuple[list[Place], int | None]:
        return rows.old(before_day, above=above, seen=seen, after=after, limit=LOOKED_AT)

    places, after = await backend.read(partial(look, after=None), heavy=True)
    removed = await _carry_out(backend, seal, places, due)
    while after is not None:
        places, after = await backend.read(partial(look, after=after), heavy=True)
        removed += await _carry_out(backend, seal, places, due)
    return removed


async def _holding(backend: Backend, more_than: int) -> list[bytes]:
    """Keyed names of accounts whose mailboxes hold more bytes than that, in size classes."""

    def look(rows: Reading, after: int) -> list[tuple[int, bytes, int]]:
        return rows.holdings(after, BOXES_AT_ONCE)

    held, after = Counter[bytes](), 0
    while boxes := await backend.read(partial(look, after=after), heavy=True):
        for _, account, size in boxes:
            held[account] += size
        after = boxes[-1][0]
    return [account for account, size in held.items() if size > more_than]


def _orphans(rows: Reading) -> list[int]:
    """Blobs that nobody holds, whatever they count: who holds one has a message of its day and of its size.

    All in one look, so that no message is missed that moves to another place meanwhile. None that is found then can be
    held again: a copy is made of a message that is there.
    """
    blobs = rows.blobs()
    held = rows.kinds({day for _, day, _ in blobs}) if blobs else set()
    return [blob for blob, day, size in blobs if (day, size) not in held]


def _remove_blob(rows: Writing, news: News, *, blob: int) -> None:
    rows.remove_blob(blob)


def _excess(rows: Reading, *, account: bytes, rules: Rules) -> list[Place]:
    """The oldest messages of an account, as many as bring it under its quota."""
    boxes = rows.mailboxes(account)
    over = sum(box.size for box in boxes) - rules.quota_low
    by_age = sorted(
        (message.day, box.number, message.uid, message.size)
        for box in boxes
        for message in rows.messages(box)
        if message.day < rules.quota_before_day
    )
    places: list[Place] = []
    for _, number, uid, size in by_age:
        if over <= 0:
            break
        places.append((number, uid))
        over -= size
    return places


async def _carry_out(backend: Backend, seal: Seal, places: Sequence[Place], due: Callable[[MessageRow], bool]) -> int:
    removed = 0
    together = sorted(places)
    for start in range(0, len(together), AT_ONCE):
        some = together[start : start + AT_ONCE]
        removed += await backend.write(partial(_remove, seal=seal, places=some, due=due), heavy=True)
    return removed


def _remove(
    rows: Writing, news: News, *, seal: Seal, places: Iterable[Place], due: Callable[[MessageRow], bool]
) -> int:
    removed = 0
    for number, group in groupby(places, key=itemgetter(0)):
        box = rows.box(number)
        if box is None:
            continue
        doomed = [message for message in rows.messages(box, [uid for _, uid in group]) if due(message)]
        if doomed:
            remove(rows, news, seal, box, doomed)
            removed += len(doomed)
    return removed
