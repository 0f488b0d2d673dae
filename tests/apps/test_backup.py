"""Backup and restore as a keeper does them: while the relay runs, by one command each, and nothing half done."""

import asyncio
import contextlib
import imaplib
import os
import re
import sqlite3
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import OPTIONS, Relay, relay
from angarium.apps.home import Home
from angarium.apps.signing import signing_keys
from angarium.lab.mails import mark_of, sealed
from angarium.store.interfaces import Letter
from angarium.store.outbound import Consigned, Dispatch
from angarium.store.sealed import Sealed
from angarium.store.store import open_sqlite

Command = Callable[..., Awaitable[tuple[int, str, str]]]
Running = Callable[..., AbstractAsyncContextManager[Relay]]

KEPT = ("root.key", "angarium.toml", "ports.json", "tls/key.pem", "tls/cert.pem")
WORDS = "five random words here"


@contextlib.contextmanager
def mailbox(up: Relay, context: ssl.SSLContext) -> Iterator[imaplib.IMAP4_SSL]:
    """Somebody's INBOX, over TLS."""
    with imaplib.IMAP4_SSL("127.0.0.1", up.port("imaps"), ssl_context=context) as client:
        client.login("someone12@127.0.0.1", "long enough")
        client.select("INBOX")
        yield client


def marks(client: imaplib.IMAP4_SSL) -> set[str]:
    """What is in the mailbox, by the marks of the mails."""
    found = client.uid("FETCH", "1:*", "(BODY.PEEK[])")[1]
    return {mark_of(part[1]) for part in found if isinstance(part, tuple)}


class Load(threading.Thread):
    """Puts mails into a mailbox until told to stop."""

    def __init__(self, client: imaplib.IMAP4_SSL) -> None:
        super().__init__()
        self.client = client
        self.acknowledged: list[str] = []
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.is_set():
            mark = f"mail-{len(self.acknowledged)}"
            status, _ = self.client.append("INBOX", "", "", sealed("someone12@127.0.0.1", mark))
            assert status == "OK"
            self.acknowledged.append(mark)


async def test_written_while_the_relay_works_and_restored_elsewhere(
    running: Running, command: Command, trusting: ssl.SSLContext, tmp_path: Path
) -> None:
    file, elsewhere = tmp_path / "relay.backup", tmp_path / "another machine" / "data"
    async with running() as up:
        signing_keys(Home(tmp_path / "data"))
        with mailbox(up, trusting) as client:
            load = Load(client)
            load.start()
            while len(load.acknowledged) < 50:
                await asyncio.sleep(0.01)
            before = set(load.acknowledged)
            status, said, complained = await command("backup", str(file), "--data", str(tmp_path / "data"))
            load.enough.set()
            load.join()
            assert (status, complained) == (0, "")
        during = len(load.acknowledged)
        ports = {door.name: door.port for door in up.ready.listening}
    assert file.stat().st_mode & 0o777 == 0o600
    kept = sorted(path.name for path in (tmp_path / "data").iterdir())
    assert not [name for name in kept if name.startswith(".")], "no copy of the database is left lying about"
    content = file.read_bytes()
    for secret in ((tmp_path / "data" / "root.key").read_bytes(), b"SQLite format 3", b"PRIVATE KEY", b"angarium.toml"):
        assert secret not in content

    written_down = re.search(r"Recovery code:  (\S+)", said)
    assert written_down
    retyped = written_down[1].upper().replace("-", " ")
    restored = await command("restore", str(file), "--data", str(elsewhere), "--passphrase-fd", "0", typed=retyped)
    assert restored[0] == 0, restored
    for name in (*KEPT, "keys/dkim-rsa.pem", "keys/dkim-ed25519.pem"):
        assert (elsewhere / name).read_bytes() == (tmp_path / "data" / name).read_bytes()
        assert (elsewhere / name).stat().st_mode & 0o777 == 0o600
    async with relay(elsewhere, OPTIONS) as up:
        listening = {(door.name, door.port) for door in up.ready.listening}
        assert len(listening - set(ports.items())) <= 1, "somebody may have taken one meanwhile, and hardly two"
        with mailbox(up, trusting) as client:
            found = marks(client)
    assert before <= found <= set(load.acknowledged)
    assert len(found) <= during
    with contextlib.closing(sqlite3.connect(elsewhere / "store.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture
def kept(tmp_path: Path) -> Home:
    """A data directory with a database in it."""
    home = Home(tmp_path / "kept")
    home.make({})
    home.tls.mkdir()
    (home.tls / "key.pem").write_text("a private key")
    with contextlib.closing(sqlite3.connect(home.database)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE bytes (of BLOB)")
        database.executemany("INSERT INTO bytes VALUES (?)", [(os.urandom(9000),) for _ in range(40)])
        database.commit()
    return home


async def test_what_is_damaged_cut_off_or_not_ours_changes_nothing(
    kept: Home, command: Command, tmp_path: Path
) -> None:
    file, target = tmp_path / "relay.backup", tmp_path / "restored"
    made = await command("backup", str(file), "--data", str(kept.path), "--passphrase-fd", "0", typed=f"{WORDS}\n")
    assert made[0] == 0, made
    assert "Recovery code" not in made[1]
    content, bad = file.read_bytes(), tmp_path / "bad.backup"
    middle = len(content) // 2

    async def refused(what: bytes, words: str, because: str) -> None:
        bad.write_bytes(what)
        status, _, complained = await command(
            *("restore", str(bad), "--data", str(target), "--passphrase-fd", "0"), typed=f"{words}\n"
        )
        assert status == 2
        assert because in complained
        assert "othing was changed" in complained
        assert not target.exists()

    await refused(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :], WORDS, "is damaged")
    await refused(content[:-1], WORDS, "is damaged")
    await refused(content, "other words than these", "does not open")
    await refused(b"PK\3\4" + content, WORDS, "is no backup")
    target.mkdir()
    (target / "something").write_text("else")
    status, _, complained = await command("restore", str(file), "--data", str(target), "--passphrase-fd", "0")
    assert status == 2
    assert "is not empty" in complained
    assert [path.name for path in target.iterdir()] == ["something"]


async def test_a_file_that_is_there_is_not_overwritten(kept: Home, command: Command, tmp_path: Path) -> None:
    file = tmp_path / "relay.backup"
    file.write_text("the only copy of something else")
    status, _, complained = await command("backup", str(file), "--data", str(kept.path))
    assert status == 2
    assert "is there already" in complained
    assert file.read_text() == "the only copy of something else"
    status, _, complained = await command("backup", str(tmp_path / "no" / "such"), "--data", str(kept.path))
    assert status == 2
    assert "No such file" in complained


async def test_a_locked_key_stays_locked(kept: Home, command: Command, tmp_path: Path) -> None:
    key = kept.root_key()
    kept.relock(None, WORDS)
    file, target = tmp_path / "relay.backup", tmp_path / "restored"
    status, said, _ = await command("backup", str(file), "--data", str(kept.path))
    assert status == 0
    written_down = re.search(r"Recovery code:  (\S+)", said)
    assert written_down
    typed = written_down[1]
    status, said, _ = await command("restore", str(file), "--data", str(target), "--passphrase-fd", "0", typed=typed)
    assert status == 0
    assert "angarium up --unlock" in said
    assert Home(target).root_key(WORDS) == key
    assert sorted(path.name for path in target.iterdir()) == ["angarium.toml", "root.key", "store.db", "tls"]


async def test_what_concerns_other_relays_comes_back_too(command: Command, tmp_path: Path) -> None:
    kept, target, file = Home(tmp_path / "kept"), Home(tmp_path / "restored"), tmp_path / "relay.backup"
    kept.make({})
    letter, mark = Letter(b"from elsewhere", ("someone12",)), bytes(32)
    store = open_sqlite(kept.path, Sealed(kept.root_key()))
    try:
        await store.accounts.create("someone12", "long enough", day=1)
        to = Consigned("relay.example", ("bob@relay.example",))
        await store.queue.add(Dispatch("someone12@127.0.0.1", b"to elsewhere", (to,)), [], day=1, age_day=1)
        await store.marks.deliver(letter, mark, day=1)
        await store.keys.put("192.0.2.7", bytes(range(32)))
        waiting = await store.queue.waiting()
        made = await command(
            *("backup", str(file), "--data", str(kept.path), "--passphrase-fd", "0"), typed=f"{WORDS}\n"
        )
        assert made[0] == 0, made
    finally:
        await store.close()
    restored = await command(
        *("restore", str(file), "--data", str(target.path), "--passphrase-fd", "0"), typed=f"{WORDS}\n"
    )
    assert restored[0] == 0, restored
    store = open_sqlite(target.path, Sealed(target.root_key()))
    try:
        assert await store.queue.waiting() == waiting
        assert await store.queue.message(waiting[0].number) == b"to elsewhere"
        assert await store.marks.deliver(letter, mark, day=1) == ()
        assert await store.keys.all() == {"192.0.2.7": bytes(range(32))}
    finally:
        await store.close()
