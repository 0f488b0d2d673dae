"""A large group: one submission names them all, and everybody hears everybody."""

import asyncio

import pytest

from angarium.apps.check.trial import Trial
from tests.e2e.conftest import gathered

MEMBERS = 20
SPEAKERS = 3


@pytest.mark.timeout(200)
async def test_a_group_of_twenty(people: Trial) -> None:
    ada, chat, others = await gathered(people, MEMBERS)
    first = await people.send("opening", ada, chat, others)
    await people.ledger.complete("opening")

    async def speak(number: int) -> None:
        speaker = others[number]
        (found,) = await speaker.call("search_messages", first, None)
        where = (await speaker.call("get_message", found))["chatId"]
        assert len(await speaker.members(where)) == MEMBERS
        await people.send("round", speaker, where, [person for person in people.people if person is not speaker])

    await asyncio.gather(*(speak(number) for number in range(SPEAKERS)))
    await people.ledger.complete("round")
    held = await people.held()
    for step, expected in (("opening", MEMBERS - 1), ("round", SPEAKERS * (MEMBERS - 1))):
        tally = people.ledger.tally(step, held)
        assert (tally.expected, tally.delivered) == (expected, expected)
