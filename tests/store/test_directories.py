"""A data directory of every release is opened by this one, with all that was in it; what cannot be is refused whole.

The directories are written by `directories/generate.py` when a release is made, and do not change afterwards.
"""

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from angarium.apps.home import Home
from angarium.lab.mails import sealed
from angarium.store.interfaces import Letter, NameTaken, StoreError
from angarium.store.outbound import Consigned, Dispatch
from angarium.store.sealed import Sealed
from angarium.store.sqlite import schema
from angarium.store.store import Store, open_sqlite

RELEASES = sorted((Path(__file__).parent / "directories").glob("*/about.json"))


@pytest.fixture(params=RELEASES, ids=lambda path: path.parent.name)
def about(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What is in one release's directory."""
    told: dict[str, Any] = json.loads(request.param.read_text())
    return told | {"path": request.param.parent}


@pytest.fixture
def home(about: dict[str, Any], tmp_path: Path) -> Home:
    """A copy of it."""
    return Home(Path(shutil.copytree(about["path"], tmp_path / "data")))


def opened(home: Home) -> Store:
    return open_sqlite(home.path, Sealed(home.root_key()))


def version(home: Home) -> int:
    with closing(sqlite3.connect(home.database)) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])


async def contents(store: Store, about: dict[str, Any]) -> dict[str, Any]:
    """Everything that people find in their mailboxes, in the form of about.json."""
    found: dict[str, Any] = {}
    for name, account in about["accounts"].items():
        owner = await store.accounts.login(name, account["password"], day=about["day"])
        found[name] = {"password": account["password"], "mailboxes": {}}
        for mailbox in await store.mailboxes.names(owner):
            snapshot = await store.mailboxes.snapshot(owner, mailbox)
            bodies = [await store.mailboxes.body(owner, mailbox, entry.uid) or b"" for entry in snapshot.entries]
            messages = [
                {"uid": entry.uid, "flags": sorted(entry.flags), "sha256": hashlib.sha256(body).hexdigest()}
                for entry, body in zip(snapshot.entries, bodies, strict=True)
            ]
            found[name]["mailboxes"][mailbox] = {"uidvalidity": snapshot.uidvalidity, "messages": messages}
    return found


def test_the_present_schema_has_its_directory() -> None:
    kept = [json.loads(path.read_text())["schema"] for path in RELEASES]
    assert 1 in kept
    assert max(kept) <= len(schema.MIGRATIONS)


async def test_all_that_was_there_is_there(about: dict[str, Any], home: Home) -> None:
    store = opened(home)
    try:
        assert await contents(store, about) == about["accounts"]
        assert await store.tokens.of("somebody-1") == ["a push token"]
        assert await store.invitations.valid("an invitation", day=about["day"])
        with pytest.raises(NameTaken):
            await store.accounts.create("somebody-3", "another long password", day=about["day"])
    finally:
        await store.close()
    assert version(home) == len(schema.MIGRATIONS)
    assert home.config().names.domain == "relay.example"
    assert home.ports() == {"imaps": 10993}


async def test_it_goes_on_from_there(about: dict[str, Any], home: Home) -> None:
    mail = sealed("somebody-1@relay.example", "new")
    store = opened(home)
    await store.mailboxes.deliver([Letter(mail, ("somebody-2",))], day=about["day"] + 9)
    away = Dispatch("somebody-1@relay.example", mail, (Consigned("192.0.2.7", ("somebody@[192.0.2.7]",)),))
    queued = await store.queue.add(away, [], day=about["day"] + 9, age_day=1)
    await store.close()
    store = opened(home)
    try:
        assert await store.queue.waiting() == queued
        digest = hashlib.sha256(mail).hexdigest()
        inbox = (await contents(store, about))["somebody-2"]["mailboxes"]["INBOX"]
        assert [message["sha256"] for message in inbox["messages"]][-1] == digest
        assert len(inbox["messages"]) == len(about["accounts"]["somebody-2"]["mailboxes"]["INBOX"]["messages"]) + 1
    finally:
        await store.close()


async def test_its_accounts_take_a_duress_password(about: dict[str, Any], home: Home) -> None:
    store = opened(home)
    account = about["accounts"]["somebody-1"]
    try:
        await store.accounts.set_duress("somebody-1", account["password"], "give me that", day=about["day"])
        assert await contents(store, about) == about["accounts"]
        emptied = await store.accounts.login("somebody-1", "give me that", day=about["day"])
        assert (await store.mailboxes.snapshot(emptied, "INBOX")).entries == ()
    finally:
        await store.close()


async def test_a_later_schema_takes_over_what_is_there(
    about: dict[str, Any], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = ("ALTER TABLE blobs ADD COLUMN later INTEGER NOT NULL DEFAULT 7", "CREATE TABLE later (of INTEGER) STRICT")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, later))
    for _ in range(2):  # the second time there is nothing left to do
        store = opened(home)
        try:
            assert await contents(store, about) == about["accounts"]
        finally:
            await store.close()
        assert version(home) == len(schema.MIGRATIONS)


def test_a_migration_that_fails_changes_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def tables() -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(home.database)) as database:
            return database.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()

    before, at = tables(), version(home)
    broken = ("CREATE TABLE halfway (of INTEGER) STRICT", "ALTER TABLE nowhere ADD COLUMN later INTEGER")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
    with pytest.raises(StoreError):
        opened(home)
    assert (tables(), version(home)) == (before, at)


async def test_a_newer_schema_is_refused_and_left_alone(
    about: dict[str, Any], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        later.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE later (of INTEGER) STRICT",)))
        await opened(home).close()
    with pytest.raises(StoreError, match="newer release of Angarium: install that one again"):
        opened(home)
    assert version(home) == len(schema.MIGRATIONS) + 1
