"""Forgetting by rule, without anybody's key: by day, by size, by quota.

Each rule is planned on a look at the rows, then carried out in short transactions that look again at every message.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from angarium.store.flags import SEEN
from angarium.store.interfaces import Rules, Swept
from angarium.store.removal import AT_ONCE, clear_ruins, remove
from angarium.store.rows import Backend, MessageRow, News, Reading, Writing
from angarium.store.seal import Seal

__all__ = ["sweep"]

BLOBS_AT_ONCE = 2
"""Blobs are large and are overwritten as they go."""

Place: TypeAlias = tuple[int, int]
"""Mailbox number and UID."""


async def sweep(backend: Backend, seal: Seal, rules: Rules) -> Swept:
    """See `store.interfaces.Mailboxes.sweep`."""
    old = large = quota = 0
    if (day := rules.before_day) is not None:
        old = await _aged(backend, seal, before_day=day, above=-1, seen=False)
        while await backend.write(partial(_remove_blobs, before_day=day)):
            pass
    if (day := rules.large_seen_before_day) is not None:
        large = await _aged(backend, seal, before_day=day, above=rules.large_bytes, seen=True)
    for account in await backend.read(lambda rows: rows.accounts_holding(rules.quota_high), heavy=True):
        excess = await backend.read(partial(_excess, account=account, rules=rules), heavy=True)
        quota += await _carry_out(backend, seal, excess, lambda message: message.day < rules.quota_before_day)
    await clear_ruins(backend, seal, await backend.read(lambda rows: rows.ruins()))
    return Swept(old, large, quota)


async def _aged(backend: Backend, seal: Seal, *, before_day: int, above: int, seen: bool) -> int:
    """Remove what arrived before a day, is above a size class and, if `seen`, was seen; return how many."""

    def due(message: MessageRow) -> bool:
        return message.day < before_day and message.size > above and (not seen or SEEN in message.flags)

    removed, after = 0, (0, 0)
    while places := await backend.read(
        partial(_old, before_day=before_day, above=above, seen=seen, after=after), heavy=True
    ):
        removed += await _carry_out(backend, seal, places, due)
        after = places[-1]
    return removed


def _remove_blobs(rows: Writing, news: News, *, before_day: int) -> int:
    return rows.remove_blobs(before_day, BLOBS_AT_ONCE)


def _old(rows: Reading, *, before_day: int, above: int, seen: bool, after: Place) -> list[Place]:
    return rows.old(before_day, above=above, seen=seen, after=after, limit=16 * AT_ONCE)


def _excess(rows: Reading, *, account: bytes, rules: Rules) -> list[Place]:
    """The oldest messages of an account, as many as bring it under its quota."""
    boxes = rows.mailboxes(account)
    over = sum(box.size for box in boxes) - rules.quota_low
    by_age = sorted(
        (message.day, box.number, message.uid, message.size)
        for box in boxes
        for message in rows.messages(box.number)
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
    for start in range(0, len(places), AT_ONCE):
        some = sorted(places[start : start + AT_ONCE])
        removed += await backend.write(partial(_remove, seal=seal, places=some, due=due))
    return removed


def _remove(
    rows: Writing, news: News, *, seal: Seal, places: Iterable[Place], due: Callable[[MessageRow], bool]
) -> int:
    removed = 0
    for number, group in groupby(places, key=itemgetter(0)):
        box = rows.box(number)
        doomed = [message for message in rows.messages(number, [uid for _, uid in group]) if due(message)]
        if box is not None and doomed:
            remove(rows, news, seal, box, doomed)
            removed += len(doomed)
    return removed
