"""A censor that freezes each connection after 16 KB: with `breath_bytes` the texts of the real core get through it.

Nobody has the chat open: left to itself the app would come back once a minute (docs/decisions/breath.md), which is more
than the test waits.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import trial
from angarium.lab.core import Core
from angarium.lab.freeze import FROZEN_AT, freezer
from angarium.lab.profile import join
from bench.breath import SETTINGS, through

Start = Callable[..., AbstractAsyncContextManager[Relay]]

TEXTS = 30
BREATH = 14_336
PATIENCE = 20.0


async def exchanged(start: Start, apps: Core, directory: Path, breath: int) -> tuple[int, int, int, list[int]]:
    """How many of the texts arrived, how many twice, how many connections froze, and what each carried.

    One text waits for the other; whoever does not hear one in time says nothing more.
    """
    async with (
        start(directory / "relay", settings=SETTINGS.format(breath=breath)) as up,
        freezer(up.port("imaps"), FROZEN_AT) as imap,
        freezer(up.port("submissions"), FROZEN_AT) as smtp,
        trial(apps, through(up.ready.invitation, {"ip": imap.port, "sp": smtp.port}), directory) as people,
    ):
        ada, ben = await people.enter("Ada"), await people.enter("Ben")
        there = await join(ben, ada)
        back = await ada.call("create_chat_by_contact_id", await ada.call("lookup_contact_id_by_addr", ben.address))
        for number in range(TEXTS):
            sender, chat, receiver = (ada, back, ben) if number % 2 == 0 else (ben, there, ada)
            await people.send("texts", sender, chat, [receiver])
            try:
                await asyncio.wait_for(people.ledger.complete("texts"), PATIENCE if breath else 3)
            except TimeoutError:
                break
        tally = people.ledger.tally("texts", await people.held())
        for person in people.people:
            await person.call("stop_io")
        return (
            *(tally.delivered, tally.duplicated, imap.frozen + smtp.frozen),
            [one.counted for one in imap.connections + smtp.connections],
        )


@pytest.mark.timeout(150)
async def test_texts_pass_where_connections_freeze(start: Start, apps: Core, tmp_path: Path) -> None:
    arrived, twice, frozen, carried = await exchanged(start, apps, tmp_path, BREATH)
    assert (arrived, twice, frozen) == (TEXTS, 0, 0)
    assert max(carried) <= BREATH
    assert sum(carried) > 2 * 2 * FROZEN_AT, "each of the two would have been frozen more than once"


@pytest.mark.timeout(150)
async def test_without_the_setting_they_freeze(start: Start, apps: Core, tmp_path: Path) -> None:
    arrived, _, frozen, _ = await exchanged(start, apps, tmp_path, 0)
    assert frozen > 0
    assert arrived < TEXTS
