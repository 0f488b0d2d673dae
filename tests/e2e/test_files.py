"""A large file, with the same bytes at the other end."""

import asyncio
import secrets
from pathlib import Path

from angarium.apps.check.trial import Trial
from angarium.lab.profile import join

SIZE = 20 << 20


async def test_a_file_of_20_mb(people: Trial, tmp_path: Path) -> None:
    ada, ben = await people.enter("Ada"), await people.enter("Ben")
    chat = await join(ada, ben)
    sent = secrets.token_bytes(SIZE)
    path = tmp_path / "large.bin"
    await asyncio.to_thread(path.write_bytes, sent)
    text = await people.send("file", ben, chat, [ada], path)
    await people.ledger.complete("file")
    assert await asyncio.to_thread(people.file(ada, text).read_bytes) == sent
    assert people.ledger.tally("file", await people.held()).right
