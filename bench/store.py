"""How fast the store is: deliveries at several depths of the queue, the delay until durable, reads.

    python bench/store.py [--directory DIR] [--messages N] [--size BYTES]

The directory decides: a memory file system shows the cost in CPU, a disk shows the disk.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from angarium.store.interfaces import Letter, Owner
from angarium.store.seal import Clear
from angarium.store.store import Store, open_sqlite

ACCOUNTS = 64


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--directory", type=Path, help="where to put the database (default: a temporary directory)")
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--size", type=int, default=2800)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.directory) as directory:
        store = open_sqlite(Path(directory) / "store", Clear(bytes(32)))
        names = [f"account{at:02}" for at in range(ACCOUNTS)]
        owners = [await store.accounts.create(name, "password", day=1) for name in names]
        for depth in (1, 16, 256):
            await deliveries(store, names, bytes(given.size), depth, given.messages if depth > 1 else 500)
        await paced(store, names, bytes(given.size))
        await one_to_many(store, names, bytes(given.size))
        await reads(store, owners[0])
        await session(store, owners, bytes(given.size))
        await store.close()


async def deliveries(store: Store, names: list[str], message: bytes, depth: int, count: int) -> None:
    """Deliver, `depth` at once."""
    left = iter(range(count))
    delays: list[float] = []

    async def worker() -> None:
        for at in left:
            began = time.perf_counter()
            await store.mailboxes.deliver([Letter(message, (names[at % ACCOUNTS],))], day=1)
            delays.append(time.perf_counter() - began)

    await measured(f"deliver, {depth} at once", count, lambda: gather(worker, depth), delays)


async def paced(store: Store, names: list[str], message: bytes, per_second: int = 200, seconds: int = 5) -> None:
    """Deliver at a steady pace: the delay a person sees."""
    delays: list[float] = []

    async def one(at: int) -> None:
        began = time.perf_counter()
        await store.mailboxes.deliver([Letter(message, (names[at % ACCOUNTS],))], day=1)
        delays.append(time.perf_counter() - began)

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as tasks:
            for at in range(per_second * seconds):
                tasks.create_task(one(at))
                await asyncio.sleep(1 / per_second)

    await measured(f"deliver, {per_second} a second", per_second * seconds, all_of_them, delays)


async def one_to_many(store: Store, names: list[str], message: bytes) -> None:
    """One letter to many names."""
    delays: list[float] = []

    async def all_of_them() -> None:
        for _ in range(20):
            began = time.perf_counter()
            await store.mailboxes.deliver([Letter(message, tuple(names))], day=1)
            delays.append(time.perf_counter() - began)

    await measured(f"one letter to {ACCOUNTS}, per copy", 20 * ACCOUNTS, all_of_them, delays)


async def reads(store: Store, owner: Owner) -> None:
    """What an IMAP session asks for."""
    snapshot = await store.mailboxes.snapshot(owner, "INBOX")

    async def snapshots() -> None:
        for _ in range(50):
            await store.mailboxes.snapshot(owner, "INBOX")

    async def bodies() -> None:
        for at in range(2000):
            await store.mailboxes.body(owner, "INBOX", snapshot.entries[at % len(snapshot.entries)].uid)

    await measured(f"snapshot of {len(snapshot.entries)}", 50, snapshots, [])
    await measured("body", 2000, bodies, [])


async def session(store: Store, owners: list[Owner], message: bytes) -> None:
    """What the app does with each message: fetch it, flag it \\Deleted, CLOSE, SELECT."""
    for owner in owners:
        await store.mailboxes.flag(owner, "INBOX", range(1, 1000), add=frozenset({"\\Deleted"}))
        await store.mailboxes.expunge(owner, "INBOX")
    left = iter(range(2000))

    async def worker() -> None:
        for at in left:
            owner = owners[at % ACCOUNTS]
            await store.mailboxes.deliver([Letter(message, (owner.name,))], day=1)
            for entry in (await store.mailboxes.snapshot(owner, "INBOX")).entries:
                await store.mailboxes.body(owner, "INBOX", entry.uid)
                await store.mailboxes.flag(owner, "INBOX", [entry.uid], add=frozenset({"\\Deleted"}))
            await store.mailboxes.expunge(owner, "INBOX")

    await measured("deliver, fetch, flag, expunge, 16 at once", 2000, lambda: gather(worker, 16), [])


async def gather(worker: Callable[[], Awaitable[None]], depth: int) -> None:
    await asyncio.gather(*(worker() for _ in range(depth)))


async def measured(what: str, count: int, work: Callable[[], Awaitable[None]], delays: list[float]) -> None:
    """Run and print: rate, CPU of each, delays."""
    cpu, began = time.process_time(), time.perf_counter()
    await work()
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    line = f"{what:<44} {count / took:>9,.0f}/s  {cpu / count * 1e6:>7,.0f} µs CPU"
    if delays:
        p50, p99 = (statistics.quantiles(delays, n=100)[at] * 1000 for at in (49, 98))
        line += f"  p50 {p50:6.2f} ms  p99 {p99:6.2f} ms"
    print(line)


if __name__ == "__main__":
    asyncio.run(main())
