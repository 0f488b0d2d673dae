"""Whether a delivery costs more where there is more: a small store and a large one, side by side.

    python bench/growth.py [--small N] [--large N] [--waiting N] [--rounds N] [--messages N] [--size BYTES]
                           [--directory DIR] [--json]

Both stores are filled through the store's own interfaces, `--waiting` messages for each account. Then they take turns:
in each, so many people get a message, fetch it, flag it, expunge it and open their mailbox again, as the apps do. What
is told is the CPU time of each delivery in each store, the median over the rounds, and how much more the large one
took.

The large one as the project promises it (100,000 accounts, a million messages) takes minutes to fill, and 6 GB.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from angarium.store.interfaces import Letter, Owner, Subscription
from angarium.store.sealed import Sealed
from angarium.store.store import Store, open_sqlite
from angarium.wire.imap.entry import Arrived

PEOPLE = 256
"""Who gets messages while it is measured."""
AT_ONCE = 16
MADE_AT_ONCE = 64
FILLED_AT_ONCE = 50
DELETED = frozenset({"\\Deleted"})


@dataclass
class Side:
    """One of the two."""

    store: Store
    owners: list[Owner]
    message: bytes
    open: dict[str, Subscription] = field(default_factory=dict)

    async def listen(self) -> None:
        """Everybody opens their INBOX, as they do after each message."""
        for owner in self.owners:
            self.open[owner.name], _ = await self.store.changes.open(owner, "INBOX")

    async def spent(self, count: int) -> float:
        """CPU seconds of so many deliveries, each with all that follows it."""
        left = iter(range(count))

        async def worker() -> None:
            for at in left:
                await self._life(self.owners[at % len(self.owners)])

        gc.collect()
        began = time.process_time()
        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
        return time.process_time() - began

    async def _life(self, owner: Owner) -> None:
        """One message: what the relay asks of the store between its submission and its end."""
        mailboxes = self.store.mailboxes
        assert owner.name in await mailboxes.usage([owner.name])
        await mailboxes.deliver([Letter(self.message, (owner.name,))], day=2)
        for change in self.open[owner.name].take():
            if isinstance(change, Arrived):
                assert await mailboxes.body(owner, "INBOX", change.entry.uid) == self.message
                await mailboxes.flag(owner, "INBOX", [change.entry.uid], add=DELETED)
        assert await mailboxes.expunge(owner, "INBOX")
        self.open[owner.name].close()
        self.open[owner.name], _ = await self.store.changes.open(owner, "INBOX")


@asynccontextmanager
async def filled(directory: Path, accounts: int, waiting: int, size: int, progress: Progress) -> AsyncIterator[Side]:
    """A store with so many accounts and so many messages for each."""
    store = open_sqlite(directory, Sealed(os.urandom(32), memory=8))
    names = [f"account{at:06}" for at in range(accounts)]
    chosen = set(random.Random(1).sample(names, min(PEOPLE, accounts)))
    owners: list[Owner] = []
    making = progress.add_task(f"{accounts:,} accounts", total=accounts)
    for start in range(0, accounts, MADE_AT_ONCE):
        some = names[start : start + MADE_AT_ONCE]
        made = await asyncio.gather(*(store.accounts.create(name, "password", day=1) for name in some))
        owners += [owner for owner in made if owner.name in chosen]
        progress.advance(making, len(some))
    message = os.urandom(size)
    filling = progress.add_task(f"{accounts * waiting:,} messages", total=accounts * waiting)
    for _ in range(waiting):
        random.Random(2).shuffle(names)
        for start in range(0, accounts, FILLED_AT_ONCE):
            some = names[start : start + FILLED_AT_ONCE]
            await store.mailboxes.deliver([Letter(message, tuple(some))], day=1)
            progress.advance(filling, len(some))
    side = Side(store, owners, message)
    await side.listen()
    yield side
    await store.close()


async def measured(small: Side, large: Side, rounds: int, count: int, progress: Progress) -> tuple[list[float], ...]:
    """Milliseconds of CPU for each delivery, in turns, the first of a pair changing."""
    spent: tuple[list[float], list[float]] = ([], [])
    turns = progress.add_task("turns", total=2 * (rounds + 1))
    for at in range(rounds + 1):  # the first one warms up
        for which in (0, 1) if at % 2 else (1, 0):
            seconds = await (small, large)[which].spent(count)
            if at:
                spent[which].append(seconds / count * 1000)
            progress.advance(turns)
    return spent


async def compared(directory: Path, given: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """Fill both, and measure."""
    async with (
        filled(directory / "small", given.small, given.waiting, given.size, progress) as small,
        filled(directory / "large", given.large, given.waiting, given.size, progress) as large,
    ):
        gc.freeze()
        ours, theirs = await measured(small, large, given.rounds, given.messages, progress)
        return {
            "small": {"accounts": given.small, "messages": await small.store.mailboxes.messages()},
            "large": {"accounts": given.large, "messages": await large.store.mailboxes.messages()},
            "ms_small": quartiles(ours),
            "ms_large": quartiles(theirs),
            "more": quartiles([more / less - 1 for less, more in zip(ours, theirs, strict=True)]),
        }


def quartiles(values: Sequence[float]) -> list[float]:
    """The lower one, the median, the upper one."""
    if len(values) < 2:
        return [*values] * 3
    return [round(value, 4) for value in statistics.quantiles(values, n=4)]


def shown(found: dict[str, Any]) -> str:
    """For a person."""
    lines = [
        f"{found[side]['accounts']:>9,} accounts, {found[side]['messages']:>9,} messages: "
        f"{found[f'ms_{side}'][1]:.3f} ms of CPU each delivery "
        f"({found[f'ms_{side}'][0]:.3f} to {found[f'ms_{side}'][2]:.3f})"
        for side in ("small", "large")
    ]
    low, median, high = found["more"]
    return "\n".join([*lines, f"more in the large one, median of the turns: {median:.1%} ({low:.1%} to {high:.1%})"])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=1_000, help="accounts in the small store")
    parser.add_argument("--large", type=int, default=100_000, help="accounts in the large one")
    parser.add_argument("--waiting", type=int, default=10, help="messages for each account before it is measured")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--messages", type=int, default=1_000, help="in one turn")
    parser.add_argument("--size", type=int, default=1536, help="bytes of a message")
    parser.add_argument("--directory", type=Path, help="where to put the stores (default: a temporary directory)")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(dir=given.directory) as directory,
        Progress(console=Console(stderr=True), disable=given.json) as progress,
    ):
        found = asyncio.run(compared(Path(directory), given, progress))
    print(json.dumps(found) if given.json else shown(found))


if __name__ == "__main__":
    main()
