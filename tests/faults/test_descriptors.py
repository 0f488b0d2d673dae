"""Too few file descriptors: who is in is served, and newcomers wait."""

import asyncio
import os
import resource
import secrets

from angarium.lab.mails import sealed
from tests.faults.conftest import House

ROOM = 12
"""Descriptors left for newcomers."""
CROWD = 40


async def test_who_is_in_is_served_and_newcomers_come_in_later(house: House) -> None:
    async with house.up() as up:
        bens = await house.imap(up, House.ben)
        submission = await house.submission(up, House.ada)
        open_now = max(map(int, os.listdir(f"/proc/{up.process.pid}/fd"))) + 1
        resource.prlimit(up.process.pid, resource.RLIMIT_NOFILE, (open_now + ROOM, open_now + ROOM))
        port = up.port("imaps")
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CROWD)]
        newcomer = asyncio.create_task(house.imap(up, House.ben))
        for _ in range(3):
            mark = secrets.token_hex(8)
            await submission.send(House.ada, [House.ben], sealed(House.ada, mark, size=90_000))
            ((_, mail),) = await bens.fetch_new()
            assert mark.encode() in mail
        assert not newcomer.done()
        for _, writer in crowd:
            writer.transport.abort()
        late = await asyncio.wait_for(newcomer, 20)
        assert len(await late.fetch_new()) == 3
