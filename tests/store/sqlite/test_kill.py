"""`kill -9`: whatever was answered before is found afterwards, and the file is whole."""

import asyncio
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

from angarium.store.seal import Clear
from angarium.store.store import open_sqlite

ROUNDS = 3
DELIVERER = """
import asyncio, itertools, sys
from pathlib import Path
from angarium.store.interfaces import Letter, NameTaken
from angarium.store.seal import Clear
from angarium.store.sqlite import wal
from angarium.store.store import open_sqlite

async def main(directory, prefix):
    wal.SIZE, wal.LONG = 65_536, 262_144
    store = open_sqlite(Path(directory), Clear(bytes(32)))
    try:
        await store.accounts.create("alice", "password", day=1)
    except NameTaken:
        pass
    ids = itertools.count()

    async def deliver():
        for at in ids:
            id = f"{prefix}-{at}"
            await store.mailboxes.deliver([Letter(id.encode(), ("alice",))], day=1)
            print(id, flush=True)

    await asyncio.gather(*(deliver() for _ in range(8)))

asyncio.run(main(*sys.argv[1:]))
"""


def killed_after(directory: Path, prefix: str, answers: int) -> set[str]:
    """Run a deliverer, kill it once it has had so many answers, and return every answer it had."""
    process = subprocess.Popen(
        [sys.executable, "-c", DELIVERER, str(directory), prefix], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    answered = [process.stdout.readline() for _ in range(answers)]
    process.kill()
    answered += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    whole = {line.strip() for line in answered if line.endswith("\n")}
    assert len(whole) >= answers
    return whole


async def test_nothing_that_was_answered_is_lost(tmp_path: Path) -> None:
    answered: set[str] = set()
    for at in range(ROUNDS):
        answered |= await asyncio.to_thread(killed_after, tmp_path, str(at), random.randint(1, 200))

    store = open_sqlite(tmp_path, Clear(bytes(32)))
    alice = await store.accounts.login("alice", "password", day=1)
    snapshot = await store.mailboxes.snapshot(alice, "INBOX")
    bodies = [await store.mailboxes.body(alice, "INBOX", entry.uid) for entry in snapshot.entries]
    await store.close()
    found = {body.decode() for body in bodies if body is not None}
    assert answered <= found
    assert len(found) == len(bodies) == snapshot.uidnext - 1
    connection = sqlite3.connect(tmp_path / "store.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
