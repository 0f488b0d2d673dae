"""Whatever the weather: relays go and come back, put off and refuse, and this one is started again in between. In the
end each recipient has had each message once, in order, or its sender has had one bounce for it."""

import asyncio
import random
import re
from collections import Counter

import pytest

from angarium.mail.federation.consignment import Fault, Unreachable
from angarium.mail.verdict import ACCEPTED, Verdict
from tests.mail.federation.fast import DAY_SECONDS, World, fast, numbered

RELAYS = ("a.example", "b.example", "c.example", "192.0.2.7")
SENDERS = tuple(f"sender{number:03}@relay.example" for number in range(4))
MESSAGES = 120
NUMBER = re.compile(rb"<([0-9a-f]{8})-9b1c")


def spelt(name: str, relay: str) -> str:
    return f"{name}@[{relay}]" if relay[0].isdigit() else f"{name}@{relay}"


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_each_message_has_one_end(seed: int, restarts: bool) -> None:
    dice = random.Random(seed)

    def says(destination: str, recipient: str) -> Verdict:
        if recipient.startswith("nobody"):
            return Verdict.reject(550, "5.1.1", "nobody of that name")
        if dice.random() < 0.2:
            return Verdict.defer(
                *dice.choice([(452, "4.2.2", "full"), (451, "4.3.0", "no room"), (421, "4.0.0", "bye")])
            )
        return ACCEPTED

    def weather(world: World) -> None:
        faults = [Unreachable("no route", Fault.ROUTE), Unreachable("refused"), Unreachable("late", Fault.TIMEOUT)]
        world.abroad.down = {relay: dice.choice(faults) for relay in RELAYS if dice.random() < 0.5}
        world.abroad.seconds = {relay: dice.choice([0.01, 1.0, 40.0]) for relay in RELAYS}

    @fast
    async def live(world: World) -> None:
        for sender in SENDERS:
            await world.person(sender)
        world.abroad.says = says
        await world.start()
        expected: dict[str, set[int]] = {}
        senders: dict[int, str] = {}
        for number in range(MESSAGES):
            senders[number] = dice.choice(SENDERS)
            names = [dice.choice(["bob12345", "carol123", "nobody12"]) for _ in range(3)]
            recipients = sorted({spelt(name, dice.choice(RELAYS)) for name in names})
            for each in recipients:
                expected.setdefault(each, set()).add(number)
            await world.send(*recipients, sender=senders[number], message=numbered(number))
            if dice.random() < 0.3:
                weather(world)
                await asyncio.sleep(dice.random() * 3600)
            if restarts and dice.random() < 0.1:
                await world.restart()
        world.abroad.down, world.abroad.seconds = {}, {}
        await asyncio.sleep(2 * DAY_SECONDS)
        assert await world.waiting() == []
        assert world.queue.desk.totals().messages == 0
        arrived: dict[str, list[int]] = {}
        for _, recipient, message in world.abroad.taken:
            arrived.setdefault(recipient, []).append(_number(message))
        bounced: Counter[tuple[str, int]] = Counter()
        for sender in SENDERS:
            for bounce in await world.inbox(sender):
                assert senders[_number(bounce)] == sender
                failed = re.findall(rb"Final-Recipient: rfc822; (\S+)", bounce)
                bounced.update((each.decode(), _number(bounce)) for each in failed)
        for recipient, numbers in expected.items():
            had = arrived.get(recipient, [])
            returned = {number for each, number in bounced if each == recipient}
            assert set(had) | returned == numbers, "nothing is lost"
            assert not set(had) & returned or restarts
            for sender in SENDERS:
                own = [number for number in dict.fromkeys(had) if senders[number] == sender]
                assert own == sorted(own), "in order"
            if not restarts:
                assert len(had) == len(set(had)), "nothing comes twice"
        assert set(bounced.values()) <= {1}, "no bounce comes twice"

    live()


def _number(message: bytes) -> int:
    found = NUMBER.search(message)
    assert found
    return int(found[1], 16)
