"""A newsroom at two relays, of which one and then the other is gone: all goes on through the one that is there.

Everybody but one subscriber is at both too, as the apps make it; that one is reached once their relay is back.
"""

import contextlib
from typing import Any

import msgspec
import pytest

from angarium.channel.publisher import Invitations
from angarium.lab.core import Core
from tests.e2e.conftest import Impatient
from tests.e2e.federation.conftest import World
from tests.e2e.newsroom import Chat, assembled, entered, founded, person, says, serving


@pytest.mark.timeout(400)
async def test_one_of_two_relays_is_gone_and_then_the_other(world: World, apps: Core, impatient: Impatient) -> None:
    north, south = await world.relay("north.example"), await world.relay("south.example")
    made = await founded(world.angarium, world.directory / "newsroom", north.link(), south.link())
    async with serving(made[0]), assembled(apps, made, north.link, south.link) as cast:
        single = await entered(await person(apps, "Single", north.link()), made[1].subscribe, 2)

        async def through(text: str, *readers: Chat) -> None:
            """Posting, approving and receiving."""
            await cast.ada.say(text)

            async def way() -> None:
                draft = (await cast.ben.wait(says(text)))["id"]
                await cast.ben.react(draft)
                await cast.ben.published(draft)
                for reader in readers:
                    await reader.wait(says(text))

            await impatient(way())

        await through("Both are there.", cast.reader, single)
        await north.stop()
        await through("North is gone.", cast.reader)
        await north.start()
        await impatient(missed(single, "North is gone."))
        await south.stop()
        await through("South is gone.", cast.reader, single)
        await south.start()
        for chat in (cast.reader, single):
            texts = [message["text"] for message in await chat.messages()]
            assert texts == ["Both are there.", "North is gone.", "South is gone."]
        await single.who.call("stop_io")


async def missed(chat: Chat, text: str) -> None:
    found: dict[str, Any] = await chat.wait(says(text))
    assert found


@pytest.mark.timeout(300)
async def test_a_channel_moves_to_another_relay_and_subscribers_follow(
    world: World, apps: Core, impatient: Impatient
) -> None:
    north, south = await world.relay("north.example"), await world.relay("south.example")
    room, invited = await founded(world.angarium, world.directory / "newsroom", north.link())
    async with contextlib.AsyncExitStack() as stack:
        async with serving(room):
            cast = await stack.enter_async_context(assembled(apps, (room, invited), south.link))
            await cast.ada.say("From the north.")
            await cast.ben.react((await cast.ben.wait(says("north")))["id"])
            post = await cast.reader.wait(says("From the north."))
        moving = ("channel", "init", "--channel", room.folder, "--relay", south.link(), "--json")
        status, out, complained = await world.angarium(*moving)
        assert (status, complained) == (0, "")
        renewed = msgspec.json.decode(out, type=Invitations)
        status, _, complained = await world.angarium(*moving)
        assert status == 2
        assert "south.example already" in complained

        async def published(text: str) -> None:
            await cast.ada.say(text)
            await cast.ben.react((await cast.ben.wait(says(text)))["id"])
            await cast.reader.wait(says(text))

        async def goes_on() -> None:
            await published("From the south.")
            private = Chat(cast.reader.who, await cast.reader.who.call("create_chat_by_contact_id", post["fromId"]))
            await private.say("I am still here.")
            await cast.ben.wait(says("I am still here."))
            late = await entered(await person(apps, "Late", south.link()), renewed.subscribe, 2)
            stack.push_async_callback(late.who.call, "stop_io")

        async with serving(room):
            await impatient(published("From both."))
            await north.stop()
            await impatient(goes_on())
            channel = [message["text"] for message in await cast.reader.messages()]
            assert channel == ["From the north.", "From both.", "From the south."], "in the same chat"
