"""Writes the data directory of the present release into a folder beside this file, for every later one to open.

Run once, when a release is made, and committed: `python tests/store/directories/generate.py`. Never run again for a
version that has been released: what people have on their disks does not change either.
"""

import asyncio
import hashlib
import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from angarium import __version__
from angarium.apps.home import Home
from angarium.lab.mails import sealed
from angarium.store.interfaces import Letter
from angarium.store.sealed import Sealed
from angarium.store.store import open_sqlite

DAY = 20_600
PASSWORDS = {"somebody-1": "the first long password", "somebody-2": "the second long password"}
LARGE = 70_000


async def fill(home: Home) -> dict[str, Any]:
    """Make accounts, mails of every kind of place, invitations, a tombstone; return what must be found again."""
    store = open_sqlite(home.path, Sealed(home.root_key()))
    one = await store.accounts.create("somebody-1", PASSWORDS["somebody-1"], day=DAY)
    await store.accounts.create("somebody-2", PASSWORDS["somebody-2"], day=DAY)
    gone = await store.accounts.create("somebody-3", "the third long password", day=DAY)
    await store.accounts.delete(gone)
    text, file = sealed("somebody-2@relay.example", "text"), sealed("somebody-2@relay.example", "file", LARGE)
    await store.mailboxes.deliver([Letter(text, ("somebody-1",))], day=DAY)
    await store.mailboxes.deliver([Letter(file, ("somebody-1", "somebody-2"))], day=DAY + 1)
    await store.mailboxes.create(one, "Kept")
    flags = frozenset({"\\Seen", "$Important"})
    await store.mailboxes.append(one, "Kept", text, flags=flags, day=DAY + 2)
    await store.tokens.add(one, "a push token")
    await store.invitations.add("an invitation", uses=3, expires_day=DAY + 30)
    found: dict[str, Any] = {}
    for name, password in PASSWORDS.items():
        owner = await store.accounts.login(name, password, day=DAY)
        found[name] = {"password": password, "mailboxes": {}}
        for mailbox in await store.mailboxes.names(owner):
            snapshot = await store.mailboxes.snapshot(owner, mailbox)
            found[name]["mailboxes"][mailbox] = {
                "uidvalidity": snapshot.uidvalidity,
                "messages": [
                    {
                        "uid": entry.uid,
                        "flags": sorted(entry.flags),
                        "sha256": hashlib.sha256(
                            await store.mailboxes.body(owner, mailbox, entry.uid) or b""
                        ).hexdigest(),
                    }
                    for entry in snapshot.entries
                ],
            }
    await store.close()
    return found


def main() -> None:
    """Write the directory, and beside its files what is in it."""
    path = Path(__file__).parent / __version__
    if path.exists():
        sys.exit(f"{path} is there already: what was released does not change")
    home = Home(path)
    home.make({"names.domain": "relay.example"})
    home.remember_ports({"imaps": 10993})
    try:
        accounts = asyncio.run(fill(home))
        with closing(sqlite3.connect(home.database)) as database:
            (schema,) = database.execute("PRAGMA user_version").fetchone()
        about = {"seal": "sealed", "schema": schema, "day": DAY, "accounts": accounts}
        (path / "about.json").write_text(json.dumps(about, indent=1) + "\n")
    except BaseException:
        shutil.rmtree(path)
        raise
    for name in ("store.lock", "store.db-wal", "store.db-shm"):
        (path / name).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
