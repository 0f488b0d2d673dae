"""One attempt, and what becomes of each recipient."""

import asyncio

from angarium.mail.federation.schedule import FIRST_SECONDS
from angarium.mail.verdict import ACCEPTED, Verdict
from tests.mail.federation.fast import World, fast, numbered, report

BOB, CAROL, DAVE = "bob12345@there.example", "carol123@there.example", "dave1234@far.example"
REFUSED = Verdict.reject(550, "5.1.1", "nobody of that name")
LATER = Verdict.defer(452, "4.2.2", "full")


@fast
async def test_the_envelope_is_written_as_smtp_has_it(world: World) -> None:
    await world.start()
    await world.send("b@192.0.2.7", sender="alice1234@127.0.0.1")
    await asyncio.sleep(0.1)
    ((_, destination, sent),) = world.abroad.tried
    assert (destination, sent.sender, sent.recipients) == ("192.0.2.7", "alice1234@[127.0.0.1]", ("b@[192.0.2.7]",))


@fast
async def test_who_cannot_have_it_now_holds_up_nobody_else(world: World) -> None:
    full = {BOB}
    world.abroad.says = lambda destination, recipient: LATER if recipient in full else ACCEPTED
    await world.start()
    await world.send(BOB, CAROL, message=numbered(0))
    await asyncio.sleep(1)
    await world.send(BOB, CAROL, message=numbered(1))
    await world.send(CAROL, message=numbered(2))
    await asyncio.sleep(1)

    def got(person: str) -> list[bytes]:
        return [message for _, recipient, message in world.abroad.taken if recipient == person]

    signed = [b"X-Signed: yes\r\n" + numbered(number) for number in range(3)]
    assert got(CAROL) == signed
    assert got(BOB) == []
    assert await world.waiting() == [("there.example", (BOB,))] * 2
    (seen,) = world.queue.desk.destinations()
    assert (seen.state, seen.fault, seen.messages) == ("waiting", "puts messages off: 452 4.2.2", 2)
    full.clear()
    await asyncio.sleep(2 * FIRST_SECONDS)
    assert got(BOB) == signed[:2]
    assert got(CAROL) == signed


@fast
async def test_who_is_refused_is_bounced_at_once_and_the_others_are_served(world: World) -> None:
    world.abroad.says = lambda destination, recipient: REFUSED if recipient == BOB else ACCEPTED
    await world.start()
    await world.send(BOB, CAROL)
    await asyncio.sleep(1)
    (bounce,) = await world.inbox()
    text, statuses = report(bounce)
    assert statuses == {BOB: "5.1.1"}
    assert f"{BOB}: nobody of that name." in text
    assert b"6f0b2a1e-9b1c-4a64-8a55-0c7fd9a3d0b7@localhost" in bounce
    assert [recipient for _, recipient, _ in world.abroad.taken] == [CAROL]
    assert await world.waiting() == []


@fast
async def test_a_fault_of_ours_costs_one_message_its_turn_and_no_more(world: World) -> None:
    world.abroad.fault = ZeroDivisionError("bob12345")
    await world.start()
    await world.send(BOB)
    await asyncio.sleep(1)
    world.abroad.fault = None
    await world.send(DAVE)
    await asyncio.sleep(2 * FIRST_SECONDS)
    assert len(world.abroad.taken) == 2
