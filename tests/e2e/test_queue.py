"""A long absence: a thousand messages wait, and arrive once each."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import Trial
from angarium.lab.profile import MYSELF, Profile

Mails = Callable[[Relay, str, str], Awaitable[list[bytes]]]

SENDERS = 4
EACH = 250


async def introduced(sender: Profile, receiver: Profile) -> int:
    """The sender's chat with somebody whose contact card it was given."""
    (contact,) = await sender.call("import_vcard_contents", await receiver.call("make_vcard", [MYSELF]))
    return int(await sender.call("create_chat_by_contact_id", contact))


@pytest.mark.timeout(280)
async def test_a_thousand_messages_wait_for_somebody_offline(people: Trial, up: Relay, mails: Mails) -> None:
    receiver = await people.enter("Away")
    senders = [await people.enter(f"Sender {number}") for number in range(SENDERS)]
    await receiver.call("stop_io")

    async def send(sender: Profile) -> None:
        chat = await introduced(sender, receiver)
        with sender.when("MsgDelivered", times=EACH) as taken:
            for _ in range(EACH):
                await people.send("queued", sender, chat, [receiver])
            await taken

    await asyncio.gather(*(send(sender) for sender in senders))
    assert len(await mails(up, receiver.address, receiver.password)) == SENDERS * EACH

    await receiver.call("start_io")
    await people.ledger.complete("queued")
    tally = people.ledger.tally("queued", await people.held())
    assert (tally.expected, tally.delivered) == (SENDERS * EACH, SENDERS * EACH)

    async def emptied() -> bool:
        return not await mails(up, receiver.address, receiver.password)

    await receiver.until(emptied)
