"""The real core on two relays that reach only a third: contact, texts, a file, a group, with relays killed meanwhile.

No port that other relays are sought at is listened on, so neither HTTPS nor SMTP leads from one to the other.
"""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from angarium.apps.check.links import fresh
from angarium.apps.check.throwaway import Relay, relay
from angarium.apps.check.trial import trial
from angarium.lab.core import Core
from angarium.lab.profile import MYSELF, Profile, join, new_profile

Angarium = Callable[..., Awaitable[tuple[int, str, str]]]
Impatient = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]

TEXTS = 10
GENEROUS = "[messages]\nrate_per_minute = 1000000\nrate_burst = 100000\n"
"""Otherwise the app, asked to hurry, tries too often while the relay slows it down, and gives a message up."""


class Side:
    """A relay with an address of its own."""

    def __init__(self, data: Path, address: str, angarium: Angarium) -> None:
        self.data = data
        self.address = address
        self._angarium = angarium
        self._up = AsyncExitStack()

    async def start(self) -> Relay:
        if not self.data.exists():
            self.data.mkdir(0o700)
            (self.data / "angarium.toml").write_text(GENEROUS)
        self.relay = await self._up.enter_async_context(relay(self.data, ("--listen", self.address, "--ports", "any")))
        return self.relay

    async def stop(self) -> None:
        await self._up.aclose()

    async def kill(self) -> None:
        self.relay.process.kill()
        await self.stop()

    async def peer(self, *words: str) -> Any:
        status, said, complained = await self._angarium("peer", *words, "--data", self.data)
        assert status == 0, complained
        return json.loads(said) if "--json" in words else said

    async def enter(self, apps: Core, name: str) -> Profile:
        return await new_profile(apps, name, fresh(self.relay.ready.invitation))


@pytest.mark.timeout(400)
async def test_people_on_two_relays_that_reach_only_a_third(
    apps: Core, angarium: Angarium, impatient: Impatient, tmp_path: Path
) -> None:
    far, holder, near = (
        Side(tmp_path / name, address, angarium)
        for name, address in (("far", "127.0.0.3"), ("holder", "127.0.0.2"), ("near", "127.0.0.4"))
    )
    async with AsyncExitStack() as stack:
        for side in (far, holder, near):
            await side.start()
            stack.push_async_callback(side.stop)
        for side in (far, near):
            await side.peer("fetch", (await holder.peer("hold", side.address, "--json"))["agreement"])
        await far.peer("add", (await near.peer("card", "--json"))["card"])
        await near.peer("add", (await far.peer("card", "--json"))["card"])

        people = await stack.enter_async_context(trial(apps, far.relay.ready.invitation, tmp_path))
        ada, ben, cleo = await far.enter(apps, "Ada"), await near.enter(apps, "Ben"), await near.enter(apps, "Cleo")
        for person in (ada, ben, cleo):
            people.attend(person)
            stack.push_async_callback(person.call, "stop_io")
        to_ada = await join(ada, ben)
        to_ben = await ada.call("create_chat_by_contact_id", await ada.call("lookup_contact_id_by_addr", ben.address))

        for _ in range(TEXTS):
            await people.send("texts", ada, to_ben, [ben])
            await people.send("texts", ben, to_ada, [ada])
        picture = tmp_path / "picture.bin"
        picture.write_bytes(secrets.token_bytes(300_000))
        caption = await people.send("file", ada, to_ben, [ben], picture)
        await impatient(people.ledger.complete("texts"))
        await impatient(people.ledger.complete("file"))
        assert people.file(ben, caption).read_bytes() == picture.read_bytes()

        group = await ada.group("Three")
        for other in (ben, cleo):
            (contact,) = await ada.call("import_vcard_contents", await other.call("make_vcard", [MYSELF]))
            await ada.call("add_contact_to_chat", group, contact)
        await people.send("group", ada, group, [ben, cleo])
        await impatient(people.ledger.complete("group"))

        async def speaking() -> None:
            for _ in range(TEXTS):
                await people.send("killed", ada, to_ben, [ben])
                await people.send("killed", ben, to_ada, [ada])

        killing = asyncio.create_task(speaking())
        await asyncio.sleep(0.5)
        await holder.kill()
        await near.kill()
        await holder.start()
        await near.start()
        await killing
        await impatient(people.ledger.complete("killed"))
        held = await people.held()
        for step, expected in (("texts", 2 * TEXTS), ("file", 1), ("group", 2), ("killed", 2 * TEXTS)):
            tally = people.ledger.tally(step, held)
            assert (tally.expected, tally.delivered) == (expected, expected), step
        assert all(count == 1 for texts_held in held.values() for text, count in texts_held.items() if "(" in text)
        boxes = [peer for peer in await holder.peer("list", "--json") if peer["kind"] == "box"]
        assert [peer["name"] for peer in boxes] == ["127.0.0.3", "127.0.0.4"]
