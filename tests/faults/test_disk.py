"""A disk that fails while the relay runs: what cannot be kept is refused for now, and the relay goes on afterwards.

Each test ends with a look into the mailboxes: what was answered 250 is there once, what was refused is not there.
"""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from angarium.lab.clients import Imap, Refused, Submission
from angarium.lab.mails import sealed
from tests.faults.conftest import Faulty, House, Small

T = TypeVar("T")

SYNCS = "fsync,fdatasync"
WRITES = "write,pwrite64,ftruncate"


async def send(submission: Submission, size: int = 1500) -> str:
    """Ada sends Ben a message; its mark."""
    mark = secrets.token_hex(8)
    await submission.send(House.ada, [House.ben], sealed(House.ada, mark, size=size))
    return mark


async def append(imap: Imap) -> None:
    """Ada's phone puts a message into her own INBOX."""
    mail = sealed(House.ada, secrets.token_hex(8)).decode()
    await imap.command(f"APPEND INBOX {{{len(mail)}+}}\r\n{mail}")


@pytest.mark.parametrize(
    ("calls", "what", "said", "told"),
    [
        (SYNCS, "error=EIO", "451 4.3.0", "the disk fails to read or write"),
        (WRITES, "error=EROFS", "451 4.3.0", "the disk fails to read or write"),
        (WRITES, "error=ENOSPC", "452 4.3.1", "the disk is full"),
    ],
)
async def test_what_cannot_be_written_is_refused_until_it_can(
    house: House, faulty: Faulty, calls: str, what: str, said: str, told: str
) -> None:
    async with house.up() as up:
        bens, adas = await house.imap(up, House.ben), await house.imap(up, House.ada)
        submission = await house.submission(up, House.ada)
        sent = [await send(submission)]
        async with faulty(up, calls, what, only=house.data / "store.db-wal"):
            for _ in range(3):
                with pytest.raises(Refused) as refused:
                    await send(submission)
                assert str(refused.value).startswith(said)
            with pytest.raises(Refused, match=r"NO \[UNAVAILABLE\]"):
                await append(adas)
            ((_, mail),) = await bens.fetch_new()
            assert sent[0].encode() in mail, "what is there can be read"
            assert told in await house.told()
        sent.append(await send(submission))
        await append(adas)
        assert await house.marks(up, House.ben) == sent
        up.process.kill()
        await up.process.wait()
    async with house.up() as up:
        assert await house.marks(up, House.ben) == sent


async def test_a_slow_disk_makes_senders_wait_and_readers_not(house: House, faulty: Faulty) -> None:
    async with house.up() as up:
        bens = await house.imap(up, House.ben)
        submissions = [await house.submission(up, House.ada) for _ in range(20)]
        sent = [await send(submissions[0])]
        async with faulty(up, SYNCS, "delay_enter=2000000:when=1", only=house.data / "store.db-wal"):
            sending = [asyncio.create_task(send(submission)) for submission in submissions]
            assert len(await bens.fetch_new()) == 1
            assert not any(task.done() for task in sending), "a reader does not wait for the disk"
            sent += await asyncio.wait_for(asyncio.gather(*sending), 20)
        assert sorted(await house.marks(up, House.ben)) == sorted(sent)


async def test_a_disk_that_is_really_full(house: House, small: Small) -> None:
    house.data = small(3_000_000) / "relay"
    House.__init__(house, house.data)
    async with house.up() as up:
        bens, adas = await house.imap(up, House.ben), await house.imap(up, House.ada)
        submission = await house.submission(up, House.ada)
        sent = [await send(submission, 10_000)]
        fill(house.data.parent / "filler")
        assert (await until_refused(lambda: send(submission, 10_000), sent)).startswith("452 4.3.1")
        assert "NO [UNAVAILABLE]" in await until_refused(lambda: append(adas), [])
        assert len(await bens.fetch_new()) == len(sent), "what is there can be read"
        assert "the disk is full" in await house.told()
        (house.data.parent / "filler").unlink()
        sent.append(await send(submission))
        assert await house.marks(up, House.ben) == sent


async def test_no_start_on_a_disk_that_is_full(house: House, small: Small) -> None:
    house.data = small(100_000) / "relay"
    fill(house.data.parent / "filler")
    assert "No space left" in await house.fails_to_start()


async def until_refused(once: Callable[[], Awaitable[T]], done: list[T]) -> str:
    """Do it again and again, noting each time in `done`, until it is refused; the refusal."""
    try:
        for _ in range(200):
            done.append(await once())  # noqa: PERF401 - what was done before the refusal counts
    except Refused as refused:
        return str(refused)
    return "never"


def fill(filler: Path) -> None:
    """Take all the room there is."""
    with filler.open("wb", buffering=0) as file:
        for piece in (65_536, 4096):
            try:
                while True:
                    file.write(os.urandom(piece))
            except OSError:
                continue
