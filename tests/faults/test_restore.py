"""Restoring a backup where it cannot be done, or not to its end: all of it is there, or nothing is begun from it."""

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from angarium.apps.backup import backup
from angarium.apps.home import Home
from angarium.mail.calendar import Believed
from angarium.store.interfaces import Letter
from angarium.store.sealed import Sealed
from angarium.store.store import open_sqlite
from tests.faults.conftest import House, Small, may_trace

WORDS = "five random words here"
LETTER = os.urandom(400_000)
MOVED = ["angarium.toml", "calendar.json", "ports.json", "store.db", "tls", "root.key"]
"""What a restore puts in its place, in that order."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The backup of a relay on which a message waits for Ben."""
    home = Home(tmp_path_factory.mktemp("kept") / "relay")
    home.make({})
    home.remember_ports({"imaps": 10993})
    home.remember_calendar(Believed(1))
    home.tls.mkdir()
    (home.tls / "key.pem").write_text("a private key")

    async def fill() -> None:
        store = open_sqlite(home.path, Sealed(home.root_key()))
        await store.accounts.create("ben", "password", day=1)
        await store.mailboxes.deliver([Letter(LETTER, ("ben",))], day=1)
        await store.close()

    asyncio.run(fill())
    reading, writing = os.pipe()
    os.write(writing, f"{WORDS}\n".encode())
    file = home.path.with_name("relay.backup")
    assert backup(file, data=home.path, passphrase_fd=reading) == 0
    os.close(reading)
    os.close(writing)
    return file


def restored(file: Path, data: Path, *under: str) -> tuple[int, str]:
    """Run `angarium restore`, by another program if given: its exit status, and what it complained of."""
    done = subprocess.run(
        [*under, sys.executable, "-m", "angarium", "restore", file, "--data", data, "--passphrase-fd", "0"],
        input=WORDS,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def is_whole(data: Path) -> bool:
    """Whether Ben's message can be read."""

    async def read() -> bytes | None:
        store = open_sqlite(data, Sealed(Home(data).root_key()))
        try:
            ben = await store.accounts.login("ben", "password", day=1)
            (entry,) = (await store.mailboxes.snapshot(ben, "INBOX")).entries
            return await store.mailboxes.body(ben, "INBOX", entry.uid)
        finally:
            await store.close()

    return asyncio.run(read()) == LETTER


def test_a_full_disk_changes_nothing(kept: Path, small: Small) -> None:
    room = small(len(LETTER))
    filler, target = room / "filler", room / "relay"
    for size in (len(LETTER) // 2, len(LETTER)):
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            file.write(bytes(size))
        status, complained = restored(kept, target)
        assert status == 2
        assert f"{target}: No space left on device. Nothing was changed." in complained
        assert list(room.iterdir()) == [filler]
    subprocess.run(["mount", "-o", f"remount,size={10 * len(LETTER)}", room], check=True)
    assert restored(kept, target)[0] == 0
    assert is_whole(target)


def in_renaming(number: int, what: str) -> list[str]:
    """Debian's strace, which has something happen as a file is renamed for the so-manieth time."""
    if not may_trace():
        pytest.skip("Debian's strace is missing or may not trace here")
    return ["strace", "-f", "-o", "/dev/null", "-e", "trace=rename", "-e", f"inject=rename:{what}:when={number}"]


def test_what_fails_in_the_middle_is_taken_back(kept: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    status, complained = restored(kept, target, *in_renaming(len(MOVED), "error=EIO"))
    assert status == 2
    assert f"{target}: Input/output error. Nothing was changed." in complained
    assert not target.exists()


@pytest.mark.parametrize("moved", [0, 5])
async def test_a_restore_that_is_cut_off_is_not_taken_for_a_relay(house: House, kept: Path, moved: int) -> None:
    target = house.data.with_name("target")
    await asyncio.to_thread(restored, kept, target, *in_renaming(moved + 1, "signal=KILL"))
    assert [name for name in MOVED if (target / name).exists()] == MOVED[:moved]
    house.data = target
    assert "remove the directory, and restore again" in await house.fails_to_start()
    status, complained = await asyncio.to_thread(restored, kept, target)
    assert (status, "is not empty" in complained) == (2, True)
