"""What a keeper is told of what a thief would read: counts that are right, nobody named, the disk left as it was."""

import hashlib
import json
import secrets
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from angarium.apps.home import Home, HomeError
from angarium.apps.seizure import examine, lines
from angarium.lab.mails import sealed
from angarium.store.interfaces import Letter
from angarium.store.outbound import Consigned, Dispatch
from angarium.store.sealed import CLASSES, Sealed
from angarium.store.sqlite import wal
from angarium.store.sqlite.census import Traffic
from angarium.store.store import Store, open_sqlite

Command = Callable[..., Awaitable[tuple[int, str, str]]]

PEOPLE = [f"person-{number:03}" for number in range(12)]
DAY = 20_600


async def filled(home: Home) -> Store:
    """A data directory whose relay still runs: twelve people, of whom the first has had twelve mails."""
    home.make({"names.domain": "relay.example", "tls.acme_email": "keeper@example.org"})
    home.remember_ports({"imaps": 10993})
    store = open_sqlite(home.path, Sealed(home.root_key()))
    for number, name in enumerate(PEOPLE):
        owner = await store.accounts.create(name, secrets.token_hex(11), day=DAY + number % 2)
        if number == 0:
            await store.tokens.add(owner, "a push token")
            for _ in range(12):
                mail = sealed("person-001@relay.example", secrets.token_hex(8))
                await store.mailboxes.append(owner, "INBOX", mail, flags=frozenset({"\\Seen"}), day=DAY)
        if number == 1:
            await store.accounts.delete(owner)
    await store.invitations.add("an invitation", uses=7, expires_day=DAY + 7)
    away = [Consigned("one.example", ("stranger-1@one.example",)), Consigned("192.0.2.7", ("stranger-2@[192.0.2.7]",))]
    for to, length in ((away, 1500), (away[:1], 1600), (away, 100_000)):
        mail = sealed("person-002@relay.example", secrets.token_hex(8), size=length)
        await store.queue.add(Dispatch("person-002@relay.example", mail, tuple(to)), [], day=DAY, age_day=3)
    for day in (DAY, DAY, DAY + 1):
        letter = Letter(sealed("stranger-1@one.example", secrets.token_hex(8)), ("person-003", "person-004"))
        await store.marks.deliver(letter, secrets.token_bytes(32), day=day)
    await store.keys.put("192.0.2.7", bytes(32))
    for number in range(3):
        await store.boxes.put(bytes(16), bytes([number]) * 32, bytes(3_840), day=DAY)
    await store.papers.put("card", "one.example", b"a card")
    return store


def state(path: Path) -> dict[str, str]:
    """Every file with a hash of it, but for the index that all readers of a database share."""
    files = [file for file in path.rglob("*") if file.is_file() and not file.name.endswith("-shm")]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


async def test_counts_and_classes_and_nothing_else(command: Command, tmp_path: Path) -> None:
    home = Home(tmp_path / "relay")
    store = await filled(home)
    try:
        status, said, complained = await command("seizure", str(home.path), "--json")
        assert (status, complained) == (0, "")
        _, screen, _ = await command("seizure", "--data", str(home.path))
    finally:
        await store.close()
    told = json.loads(said)
    counted = told["database"]
    assert told["root_key"] == "open"
    assert told["domain"] == "relay.example"
    assert told["acme_email"] is True
    assert told["ports"] == {"imaps": 10993}
    assert counted["accounts"] == 11
    assert counted["last_logins"] == [{"day": DAY, "count": 6}, {"day": DAY + 1, "count": 5}]
    assert counted["with_push"] == 1
    assert counted["invitations"] == [{"day": DAY + 7, "count": 7}]
    assert counted["mailboxes"] == 11
    assert sum(row["count"] for row in counted["messages"] if row["day"] == DAY) == counted["seen"] + 4 == 16
    assert {row["day"] for row in counted["messages"]} == {DAY, DAY + 1}
    assert counted["traffic"]["queued"] == 5
    assert [row["count"] for row in counted["traffic"]["bodies"]] == [2, 1]
    assert counted["traffic"]["bodies"][0]["size"] == CLASSES[0]
    assert counted["traffic"]["marks"] == [{"day": DAY, "count": 4}, {"day": DAY + 1, "count": 2}]
    assert counted["traffic"]["peers"] == 1
    assert counted["traffic"]["parcels"] == [{"day": DAY, "size": CLASSES[0], "count": 3}]
    assert counted["traffic"]["papers"] == 1
    for text in (said, screen):
        for secret in (
            "person-",
            "stranger-",
            "one.example",
            "192.0.2.7",
            "keeper@",
            "push token",
            "an invitation",
            home.root_key().hex(),
        ):
            assert secret not in text
    assert "angarium passphrase" in " ".join(screen.split())


async def test_a_copy_of_what_a_killed_relay_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "REST", 3600.0)  # it does not come to cutting its log
    home = Home(tmp_path / "relay")
    store = await filled(home)
    copy = Home(tmp_path / "seized")
    shutil.copytree(home.path, copy.path, ignore=shutil.ignore_patterns("control", "*-shm"))
    expected = examine(home).database
    await store.close()
    assert (copy.path / "store.db-wal").stat().st_size > 0, "what was written last is in the log alone"
    before = state(copy.path)
    assert examine(copy).database == expected
    assert state(copy.path) == before
    assert sorted(path.name for path in copy.path.iterdir() if "store" in path.name) == [
        *("store.db", "store.db-wal", "store.lock")
    ]
    assert examine(home).database == expected


def test_a_directory_of_the_first_release_is_counted_as_it_is(tmp_path: Path) -> None:
    """Before any newer relay has opened it, and without changing it."""
    first = Path(__file__).parents[1] / "store" / "directories" / "0.1.0"
    home = Home(shutil.copytree(first, tmp_path / "data"))
    before = state(home.path)
    counted = examine(home).database
    assert counted
    assert (counted.traffic, state(home.path)) == (Traffic(), before)


def test_every_line_is_explained(tmp_path: Path) -> None:
    home = Home(tmp_path / "relay")
    home.make({})
    for key in ("open", "locked", "damaged", "missing"):
        if key == "locked":
            home.relock(None, "five random words")
        elif key == "damaged":
            home.root_key_file.write_bytes(b"half of")
        elif key == "missing":
            home.root_key_file.unlink()
        seen = examine(home)
        assert seen.root_key == key
        assert all(what and here and means for what, here, means in lines(seen))


async def test_nothing_there_or_nothing_readable(command: Command, tmp_path: Path) -> None:
    status, _, complained = await command("seizure", str(tmp_path / "nowhere"))
    assert status == 2
    assert "there is no relay" in complained
    home = Home(tmp_path)
    home.make({})
    home.database.write_bytes(b"not a database at all" * 100)
    with pytest.raises(HomeError, match="damaged"):
        examine(home)
