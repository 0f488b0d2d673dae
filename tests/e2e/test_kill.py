"""`kill -9` while an app fetches: it has the rest from the next relay. More of it: `tests/faults/test_kill.py`."""

import secrets
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import trial
from angarium.lab.core import Core
from angarium.lab.profile import join

Start = Callable[..., AbstractAsyncContextManager[Relay]]
Impatient = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]

FILES = 30


async def test_an_app_in_the_middle_of_fetching_gets_the_rest_from_the_next_relay(
    start: Start, apps: Core, impatient: Impatient, tmp_path: Path
) -> None:
    data = tmp_path / "relay"
    picture = tmp_path / "picture.bin"
    picture.write_bytes(secrets.token_bytes(100_000))
    async with AsyncExitStack() as stack:
        async with start(data) as up:
            people = await stack.enter_async_context(trial(apps, up.ready.invitation, tmp_path))
            ada, ben = await people.enter("Ada"), await people.enter("Ben")
            await join(ben, ada)
            contact = await ben.call("lookup_contact_id_by_addr", ada.address)
            chat = await ben.call("create_chat_by_contact_id", contact)
            await ada.call("stop_io")
            with ben.when("MsgDelivered", times=FILES) as taken:
                for _ in range(FILES):
                    await people.send("pictures", ben, chat, [ada], picture)
                await taken
            with ada.when("IncomingMsg") as first:
                await ada.call("start_io")
                await first
            up.process.kill()
            await up.process.wait()
        async with start(data):
            await impatient(people.ledger.complete("pictures"))
            tally = people.ledger.tally("pictures", await people.held())
            assert (tally.expected, tally.delivered) == (FILES, FILES)
            for person in people.people:
                await person.call("stop_io")
