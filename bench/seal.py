"""What sealing costs: messages delivered, fetched and expunged per CPU second, sealed and in clear, side by side.

    python bench/seal.py [--size BYTES ...] [--rounds N] [--messages N] [--directory DIR] [--json]

Each round is a new store under each seal, in turns, the first of a pair changing; what is reported is the median over
rounds, their spread, and the median of the cost within pairs. Two lives of a message:

    online   its owner is connected when it comes: delivered, fetched, flagged, expunged, as the app does it
    offline  it comes while nobody is connected; its owner comes back later and fetches and expunges all
"""

import argparse
import asyncio
import gc
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from angarium.store.interfaces import Letter, Owner
from angarium.store.seal import Clear, Seal
from angarium.store.sealed import Sealed
from angarium.store.store import Store, open_sqlite

ACCOUNTS = 32
DELETED = frozenset({"\\Deleted"})
SEALS: dict[str, Callable[[bytes], Seal]] = {"clear": Clear, "sealed": Sealed}
LIVES = ("online", "offline")


async def fetch_all(store: Store, owner: Owner) -> None:
    """What the app does: list, fetch each, flag it, expunge."""
    for entry in (await store.mailboxes.snapshot(owner, "INBOX")).entries:
        await store.mailboxes.body(owner, "INBOX", entry.uid)
        await store.mailboxes.flag(owner, "INBOX", [entry.uid], add=DELETED)
    await store.mailboxes.expunge(owner, "INBOX")


async def online(store: Store, names: list[str], message: bytes, count: int) -> float:
    """CPU seconds of messages to accounts that are connected."""
    owners = [await store.accounts.login(name, "password", day=1) for name in names]
    each = count // len(owners)

    async def life(owner: Owner) -> None:
        for _ in range(each):
            await store.mailboxes.deliver([Letter(message, (owner.name,))], day=1)
            await fetch_all(store, owner)

    began = time.process_time()
    await asyncio.gather(*map(life, owners))
    return time.process_time() - began


async def offline(store: Store, names: list[str], message: bytes, count: int) -> float:
    """CPU seconds of messages to accounts that connect later; the logins themselves are not counted."""
    each = count // len(names)

    async def filled(name: str) -> None:
        for _ in range(each):
            await store.mailboxes.deliver([Letter(message, (name,))], day=1)

    began = time.process_time()
    await asyncio.gather(*map(filled, names))
    spent = time.process_time() - began
    owners = [await store.accounts.login(name, "password", day=1) for name in names]
    began = time.process_time()
    await asyncio.gather(*(fetch_all(store, owner) for owner in owners))
    return spent + time.process_time() - began


async def run(directory: Path | None, seal: Seal, life: str, size: int, count: int) -> float:
    """Messages per CPU second in a new store."""
    names = [f"account{at:02}" for at in range(ACCOUNTS)]
    with tempfile.TemporaryDirectory(dir=directory) as made:
        store = open_sqlite(Path(made) / "store", seal)
        for name in names:
            await store.accounts.create(name, "password", day=1)
        gc.collect()
        spent = await (online if life == "online" else offline)(store, names, os.urandom(size), count)
        assert await store.mailboxes.messages() == 0
        await store.close()
    return count // ACCOUNTS * ACCOUNTS / spent


def measure(directory: Path | None, life: str, size: int, rounds: int, count: int) -> dict[str, Any]:
    """Rounds in turns."""
    rates: dict[str, list[float]] = {name: [] for name in SEALS}
    for at in range(rounds):
        for name in sorted(SEALS, reverse=at % 2 == 1):
            rates[name].append(asyncio.run(run(directory, SEALS[name](bytes(32)), life, size, count)))
    costs = [1 - sealed / clear for sealed, clear in zip(rates["sealed"], rates["clear"], strict=True)]
    return {
        "life": life,
        "size": size,
        "rounds": rounds,
        **{f"{name}_per_cpu_second": summary(rates[name]) for name in SEALS},
        "cost": summary(costs),
    }


def summary(values: list[float]) -> dict[str, float]:
    """Median and extremes."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", type=Path, help="where to put the databases (default: a temporary directory)")
    parser.add_argument("--size", type=int, nargs="+", default=[1536, 3072], help="bytes of a message")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--messages", type=int, default=1600, help="in one round")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for size in given.size:
        for life in LIVES:
            found = measure(given.directory, life, size, given.rounds, given.messages)
            print(json.dumps(found) if given.json else line(found), flush=True)


def line(found: dict[str, Any]) -> str:
    """One measurement for a person."""
    rates = "  ".join(
        f"{name} {rate['median']:,.0f} ({rate['low']:,.0f} to {rate['high']:,.0f})"
        for name in SEALS
        for rate in [found[f"{name}_per_cpu_second"]]
    )
    cost = found["cost"]
    return (
        f"{found['life']:<8} {found['size']} bytes, messages per CPU second: {rates};  "
        f"cost {cost['median']:.1%} ({cost['low']:.1%} to {cost['high']:.1%})"
    )


if __name__ == "__main__":
    main()
