"""Relays that die and come back: nothing is lost, nothing comes twice, and what cannot arrive is told."""

import asyncio
import http.client
import random
from urllib.parse import urlencode

import pytest

from angarium.lab.profile import Profile, join
from tests.e2e.conftest import Angarium, Impatient, trusting
from tests.e2e.federation.conftest import Place, World

TEXTS = 30
FAILED = 24
"""The core's state of an outgoing message that failed."""


async def two(world: World) -> tuple[Place, Place, Profile, Profile, int]:
    """Ada here, Ben there, and Ben's chat with Ada."""
    here, there = await world.relay("here.example"), await world.relay("there.example")
    ada, ben = await world.enter("Ada", here), await world.enter("Ben", there)
    return here, there, ada, ben, await join(ada, ben)


@pytest.mark.timeout(120)
async def test_either_relay_is_killed_under_load(world: World, impatient: Impatient) -> None:
    here, there, ada, ben, chat = await two(world)
    for place in (there, here):
        sending = asyncio.create_task(_say(world, ben, chat, ada))
        await asyncio.sleep(random.uniform(0.2, 1.0))
        await place.kill()
        await asyncio.sleep(random.uniform(0.0, 1.0))
        await place.start()
        await sending
        await impatient(world.trial.ledger.complete("load"))
    tally = await world.tally("load")
    assert (tally.expected, tally.delivered, tally.duplicated) == (2 * TEXTS, 2 * TEXTS, 0)


async def _say(world: World, sender: Profile, chat: int, receiver: Profile) -> None:
    for _ in range(TEXTS):
        await world.trial.send("load", sender, chat, [receiver])
        await asyncio.sleep(0.05)


@pytest.mark.timeout(120)
async def test_what_waits_for_a_relay_that_is_down_arrives_when_it_is_back(
    world: World, angarium: Angarium, impatient: Impatient
) -> None:
    here, there, ada, ben, chat = await two(world)
    await here.stop()
    with ben.when("MsgDelivered", times=5) as taken:
        for _ in range(5):
            await world.trial.send("waiting", ben, chat, [ada])
        await taken
    await there.kill()
    await there.start()
    await here.start()
    await angarium("queue", "retry", "--data", there.data)
    await impatient(world.trial.ledger.complete("waiting"))
    tally = await world.tally("waiting")
    assert (tally.expected, tally.delivered) == (5, 5)


@pytest.mark.timeout(60)
async def test_the_app_shows_that_there_is_nobody_of_that_name(world: World) -> None:
    here, _, ada, ben, chat = await two(world)
    await ada.call("stop_io")
    await leave(here, ada)
    with ben.when("MsgFailed") as failed:
        await ben.say(chat, "Are you there?")
        event = await failed
    message = await ben.call("get_message", event.fields["msgId"])
    assert message["state"] == FAILED
    assert "there is no such address" in message["error"]


async def leave(place: Place, person: Profile) -> None:
    """Delete an account on its relay's page."""

    def post() -> int:
        page = http.client.HTTPSConnection(place.address, 443, timeout=30, context=trusting())
        form = urlencode({"name": person.address, "password": person.password, "sure": "yes"})
        page.request("POST", "/delete", form, {"Content-Type": "application/x-www-form-urlencoded"})
        status = page.getresponse().status
        page.close()
        return status

    assert await asyncio.to_thread(post) == 200
