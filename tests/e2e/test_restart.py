"""A relay that was stopped and started again on its data directory: same ports, same accounts, nothing forgotten."""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Any

from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import trial
from angarium.lab.core import Core
from angarium.lab.profile import join

Impatient = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]
Start = Callable[..., AbstractAsyncContextManager[Relay]]


async def test_everything_is_still_there(start: Start, apps: Core, impatient: Impatient, tmp_path: Path) -> None:
    data = tmp_path / "relay"
    async with AsyncExitStack() as stack:
        async with start(data) as up:
            before = up.ready
            people = await stack.enter_async_context(trial(apps, before.invitation, tmp_path))
            ada, ben = await people.enter("Ada"), await people.enter("Ben")
            chat = await join(ada, ben)
            await ada.call("stop_io")
            with ben.when("MsgDelivered", times=3) as taken:
                for _ in range(3):
                    await people.send("before", ben, chat, [ada])
                await taken
        async with start(data) as up:
            assert up.ready.listening == before.listening
            await ada.call("start_io")
            await impatient(people.ledger.complete("before"))
            await people.send("after", ben, chat, [ada])
            contact = await ada.call("lookup_contact_id_by_addr", ben.address)
            await people.send("after", ada, await ada.call("create_chat_by_contact_id", contact), [ben])
            await impatient(people.ledger.complete("after"))
            held = await people.held()
            assert people.ledger.tally("before", held).right
            assert people.ledger.tally("after", held).right
            for person in (ada, ben):
                await person.call("stop_io")
