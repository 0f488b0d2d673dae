"""Another process of the same relay, for `test_processes`: joins a store, and does as it is told, a line each time."""

import asyncio
import logging
import sys
from pathlib import Path

from angarium.store.directory import Hold
from angarium.store.interfaces import Letter
from angarium.store.sealed import Sealed
from angarium.store.sqlite import wal
from angarium.store.store import Store, open_sqlite


async def deliver(store: Store, name: str, count: int) -> None:
    for number in range(count):
        await store.mailboxes.deliver([Letter(b"from the other process, %d" % number, (name,))], day=1)
        print(number, flush=True)


async def main() -> None:
    directory, descriptor, wal.LONG = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    logging.basicConfig(stream=sys.stderr)
    store = open_sqlite(directory, Sealed(bytes(32), memory=8, spread=1), shared=Hold(directory, descriptor))
    print("joined", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        match line.split():
            case ["deliver", name, count]:
                await deliver(store, name, int(count))
            case ["expunge", name]:
                owner = await store.accounts.login(name, "password", day=1)
                found = [entry.uid for entry in (await store.mailboxes.snapshot(owner, "INBOX")).entries]
                await store.mailboxes.flag(owner, "INBOX", found, add=frozenset({"\\Deleted"}))
                await store.mailboxes.expunge(owner, "INBOX")
        print("done", flush=True)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
