"""People with an account on each of two relays, as the app offers it: one of the two may be gone."""

import pytest

from angarium.lab.profile import Profile, join
from tests.e2e.conftest import Impatient
from tests.e2e.federation.conftest import World

DELIVERED = (26, 28)
"""The core's states of an outgoing message that its relay has taken, and that was read."""


@pytest.mark.timeout(150)
async def test_a_message_comes_once_over_two_relays_and_also_over_one(world: World, impatient: Impatient) -> None:
    one, two, three = [await world.relay(f"{name}.example") for name in ("one", "two", "three")]
    ada, ben = await world.enter("Ada", one), await world.enter("Ben", three)
    await ada.call("add_transport_from_qr", two.link())
    assert len(await ada.call("list_transports")) == 2
    chat = await join(ada, ben)
    back = await ada.call("create_chat_by_contact_id", await ada.call("lookup_contact_id_by_addr", ben.address))
    await _talk(world, "both", ada, back, ben, chat, impatient)

    await two.kill()
    await _talk(world, "the first", ada, back, ben, chat, impatient)
    await two.start()
    await one.kill()
    await _talk(world, "the second", ada, back, ben, chat, impatient)
    for step in ("both", "the first", "the second"):
        tally = await world.tally(step)
        assert (step, tally.expected, tally.delivered, tally.duplicated) == (step, 10, 10, 0)


async def _talk(
    world: World, step: str, ada: Profile, back: int, ben: Profile, chat: int, impatient: Impatient
) -> None:
    """Five texts each way; each is told to have been taken."""
    for _ in range(5):
        await world.trial.send(step, ben, chat, [ada])
        await world.trial.send(step, ada, back, [ben])
    await impatient(world.trial.ledger.complete(step))
    for person, where in ((ada, back), (ben, chat)):
        ids = await person.call("get_message_ids", where, False, False)
        states = {
            message["state"] for message in (await person.call("get_messages", ids)).values() if message["fromId"] == 1
        }
        assert states <= set(DELIVERED), states
