"""`kill -9`: whatever was answered before is found afterwards, and the file is whole; also of what goes elsewhere."""

import asyncio
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from angarium.store.interfaces import Letter
from angarium.store.seal import Clear
from angarium.store.sealed import Sealed
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

FORWARDER = """
import asyncio, itertools, sys
from pathlib import Path
from angarium.store.interfaces import Letter, NameTaken
from angarium.store.outbound import Consigned, Dispatch
from angarium.store.sealed import Sealed
from angarium.store.sqlite import wal
from angarium.store.store import open_sqlite

TO = tuple(Consigned(f"{name}.example", (f"bob@{name}.example",)) for name in ("one", "two"))

async def main(directory, prefix):
    wal.SIZE, wal.LONG = 65_536, 262_144
    store = open_sqlite(Path(directory), Sealed(bytes(32), memory=8))
    try:
        await store.accounts.create("alice", "password", day=1)
    except NameTaken:
        pass
    ids = itertools.count()

    async def forward():
        for at in ids:
            id = f"{prefix}-{at}"
            letters = [Letter(b"letter " + id.encode(), ("alice",))]
            first, second = await store.queue.add(Dispatch("", id.encode(), TO), letters, day=1, age_day=1)
            print("queued", id, flush=True)
            await store.queue.settle(first.number, (), [Letter(b"report " + id.encode(), ("alice",))], day=1)
            print("half", id, flush=True)
            if at % 2:
                await store.queue.settle(second.number, (), [], day=1)
                print("settled", id, flush=True)
            await store.marks.deliver(Letter(b"marked " + id.encode(), ("alice",)), id.encode(), day=1)
            print("marked", id, flush=True)

    await asyncio.gather(*(forward() for _ in range(8)))

asyncio.run(main(*sys.argv[1:]))
"""


def killed_after(directory: Path, prefix: str, answers: int, program: str = DELIVERER) -> set[str]:
    """Run a deliverer, kill it once it has had so many answers, and return every answer it had."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(directory), prefix], stdout=subprocess.PIPE, text=True
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


async def test_what_goes_elsewhere_is_queued_settled_and_marked_with_its_letters_or_not_at_all(tmp_path: Path) -> None:
    answers: set[str] = set()
    for at in range(ROUNDS):
        answers |= await asyncio.to_thread(killed_after, tmp_path, str(at), random.randint(50, 400), FORWARDER)
    told: dict[str, set[str]] = {"queued": set(), "half": set(), "settled": set(), "marked": set()}
    for answer in answers:
        what, _, serial = answer.partition(" ")
        told[what].add(serial)

    store = open_sqlite(tmp_path, Sealed(bytes(32), memory=8))
    try:
        waiting: dict[str, set[str]] = {}
        for each in await store.queue.waiting():
            message = await store.queue.message(each.number)
            assert message is not None, "an entry never outlives its body"
            waiting.setdefault(message.decode(), set()).add(each.destination)
        alice = await store.accounts.login("alice", "password", day=1)
        found: dict[str, set[str]] = {"letter": set(), "report": set(), "marked": set()}
        for entry in (await store.mailboxes.snapshot(alice, "INBOX")).entries:
            kind, _, serial = (await store.mailboxes.body(alice, "INBOX", entry.uid) or b"").decode().partition(" ")
            assert serial not in found[kind], "nothing is there twice"
            found[kind].add(serial)
        again = [
            await store.marks.deliver(Letter(b"again", ("alice",)), serial.encode(), day=1)
            for serial in found["marked"]
        ]
    finally:
        await store.close()

    assert told["queued"] <= found["letter"]
    assert told["half"] <= found["report"]
    assert told["marked"] <= found["marked"]
    assert not any(again), "what was delivered is marked"
    assert not told["settled"] & waiting.keys(), "what was settled does not wait again"
    assert waiting.keys() <= found["letter"], "what waits was delivered here too"
    for serial in found["letter"]:
        half = serial in found["report"]
        expected = {"two.example"} if half else {"one.example", "two.example"}
        done = half and int(serial.partition("-")[2]) % 2 and serial not in waiting
        assert done or waiting[serial] == expected
    with closing(sqlite3.connect(tmp_path / "store.db")) as database:
        (bodies,) = database.execute("SELECT count(*) FROM cargo_bodies").fetchone()
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert bodies == len(waiting)
