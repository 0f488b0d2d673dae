"""A database with a page that is not what was written: refused with a way out, and never read as something else."""

import random
import shutil
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import relay
from angarium.lab.clients import Refused
from angarium.lab.mails import sealed
from angarium.store.interfaces import Letter, StoreError
from angarium.store.sealed import Sealed
from angarium.store.store import open_sqlite
from tests.faults.conftest import House

PAGE = 8192
KEY = bytes(32)
WAY_OUT = "the database is damaged: stop the relay and put back a copy of it (angarium restore)"


@pytest.fixture
async def letters(tmp_path: Path) -> list[bytes]:
    """What is in the mailboxes of two people, in `tmp_path/whole`."""
    made = [sealed("ada@127.0.0.1", str(at), size=size) for at, size in enumerate((1500, 1500, 40_000, 90_000) * 3)]
    store = open_sqlite(tmp_path / "whole", Sealed(KEY))
    for name in ("alice", "bobby"):
        await store.accounts.create(name, "password", day=1)
    for letter in made:
        await store.mailboxes.deliver([Letter(letter, ("alice", "bobby"))], day=1)
    await store.close()
    return made


async def test_no_damaged_page_is_read_as_something_else(
    letters: list[bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pages = (tmp_path / "whole" / "store.db").stat().st_size // PAGE
    harmless = seen = 0
    for page in [*range(12), *random.sample(range(12, pages), 30)]:
        data = tmp_path / str(page)
        shutil.copytree(tmp_path / "whole", data)
        spoil(data / "store.db", page, random.choice((PAGE, 16, 1)))
        try:
            harmless += await read_and_write(data, letters)
        except StoreError:
            seen += 1
        shutil.rmtree(data)
    assert seen > 0
    assert WAY_OUT in caplog.text
    assert harmless > 0, "one byte in a free page harms nobody"


async def read_and_write(data: Path, letters: list[bytes]) -> bool:
    """Whether all is there. Raises StoreError where something cannot be read; what is read is right."""
    store = open_sqlite(data, Sealed(KEY))
    try:
        owner = await store.accounts.login("alice", "password", day=1)
        snapshot = await store.mailboxes.snapshot(owner, "INBOX")
        assert len(snapshot.entries) <= len(letters)
        bodies = [await store.mailboxes.body(owner, "INBOX", entry.uid) for entry in snapshot.entries]
        assert {body for body in bodies if body is not None} <= set(letters)
        await store.mailboxes.deliver([Letter(letters[0], ("alice", "bobby"))], day=1)
        return bodies == letters
    finally:
        await store.close()


def spoil(file: Path, page: int, octets: int) -> None:
    """Write noise somewhere into a page."""
    with file.open("r+b") as database:
        database.seek(page * PAGE + random.randint(0, PAGE - octets))
        database.write(random.randbytes(octets))


async def test_no_start_on_what_is_no_database(house: House) -> None:
    async with house.up():
        pass
    spoil(house.data / "store.db", 0, PAGE)
    assert WAY_OUT in await house.fails_to_start()


async def test_a_running_relay_puts_people_off(house: House) -> None:
    async with house.up() as up:
        submission = await house.submission(up, House.ada)
        (await house.imap(up, House.ben)).abort()
        for at in range(40):
            await submission.send(House.ada, [House.ben], sealed(House.ada, str(at), size=9000))
    database = house.data / "store.db"
    for page in range(1, database.stat().st_size // PAGE):
        spoil(database, page, PAGE)
    async with relay(house.data) as up:
        with pytest.raises(Refused, match=r"454 4\.7\.0"):
            await house.submission(up, House.ada)
        with pytest.raises(Refused, match=r"NO \[UNAVAILABLE\]"):
            await house.imap(up, House.ben)
