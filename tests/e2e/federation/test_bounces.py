"""A message that is given up late comes back, and the app that shows bounces shows the failure.

Core 2.65 passes over every message in clear, bounces too (docs/quirks.md): the second test holds that fact fast, so
that a release that shows them is noticed.
"""

import asyncio
from pathlib import Path

import pytest

from angarium.apps.check.trial import trial
from angarium.lab.core import Event, core
from angarium.lab.profile import Profile, join, new_profile
from tests.e2e.conftest import Angarium
from tests.e2e.federation.conftest import Place, World

FAILED = 24
"""The core's state of an outgoing message that failed."""
DELIVERED = 26


async def given_up(world: World, angarium: Angarium, here: Place, there: Place, ben: Profile, chat: int) -> int:
    """Ben writes to somebody whose relay is down, and the keeper of his gives the message up; returns the message."""
    await there.stop()
    with ben.when("MsgDelivered") as taken:
        await ben.say(chat, "Are you there?")
        event = await taken
    status, _, complained = await angarium("queue", "drop", there.name, "--yes", "--data", here.data)
    assert (status, complained) == (0, "")
    return int(event.fields["msgId"])


@pytest.mark.timeout(120)
async def test_an_app_that_reads_bounces_shows_the_failure(
    world: World, angarium: Angarium, oldest_core: Path, tmp_path: Path
) -> None:
    here, there = await world.relay("here.example"), await world.relay("there.example")
    async with core(oldest_core, tmp_path / "old") as old, trial(old, "", tmp_path) as people:
        ada, ben = await new_profile(old, "Ada", there.link()), await new_profile(old, "Ben", here.link())
        for profile in (ada, ben):
            people.attend(profile)
        chat = await join(ada, ben)
        with ben.when("MsgFailed") as failed:
            message = await given_up(world, angarium, here, there, ben, chat)
            event = await failed
        assert event.fields["msgId"] == message
        told = await ben.call("get_message", message)
        assert told["state"] == FAILED
        assert "dropped by the keeper" in told["error"]


@pytest.mark.timeout(120)
async def test_todays_app_passes_over_the_bounce_as_over_all_mail_in_clear(world: World, angarium: Angarium) -> None:
    here, there = await world.relay("here.example"), await world.relay("there.example")
    ada, ben = await world.enter("Ada", there), await world.enter("Ben", here)
    chat = await join(ada, ben)
    passed_over = asyncio.Event()

    def look(event: Event | None) -> None:
        if event is not None and "unencrypted" in str(event.fields.get("msg", "")):
            passed_over.set()

    with world.trial.core.listening(ben.number, look):
        message = await given_up(world, angarium, here, there, ben, chat)
        await passed_over.wait()
    assert (await ben.call("get_message", message))["state"] == DELIVERED
