"""From a submission to other relays: one commit, and an answer that knows what the first attempts came to."""

import asyncio
from typing import Any

import pytest

from angarium.mail.delivery import FIRST_SECONDS, Delivery
from angarium.mail.federation.consignment import Fault, Unreachable
from angarium.mail.federation.https import HttpsRoad
from angarium.mail.federation.queue import Queue
from angarium.mail.federation.road_clock import RoadClock
from angarium.mail.federation.roads import Roads
from angarium.mail.federation.smtp import SmtpRoad
from angarium.mail.notices import Notices
from angarium.mail.settings import Federation, Messages, Retention, Route
from angarium.mail.verdict import ACCEPTED, Outcome, Verdict
from angarium.store.seal import Clear
from angarium.store.store import open_memory
from tests.mail.federation.fast import ALICE, DAY, MAIL, World, fast, now

HERE = "bella123@relay.example"
BOB, CAROL, DAVE = "bob12345@there.example", "carol123@there.example", "dave1234@far.example"
NO = Verdict.reject(550, "5.1.1", "nobody of that name")
LATER = Verdict.defer(452, "4.2.2", "full")


def delivery(world: World, *, whole_list: int = 50) -> Delivery:
    return Delivery(
        Messages(rate_per_minute=100_000, rate_burst=100_000),
        Retention(),
        world.store.mailboxes,
        lambda domain: domain == "relay.example",
        Notices(lambda: "relay.example", world.today),
        world.today,
        now,
        world.told.append,
        queue=world.queue,
        whole_list=whole_list,
    )


async def submit(world: World, *recipients: str, whole_list: int = 50) -> Verdict:
    return await delivery(world, whole_list=whole_list).submit(world.owners[ALICE], ALICE, recipients, MAIL)


@fast
async def test_people_here_elsewhere_and_nowhere_in_one_commit(world: World) -> None:
    await world.person(HERE)
    assert await submit(world, HERE, BOB, "bob12345@There.Example", CAROL, DAVE, "nobody12@relay.example") is ACCEPTED
    assert await world.inbox(HERE) == [MAIL]
    (bounce,) = await world.inbox()
    assert b"nobody12@relay.example: there is no such address" in bounce
    assert sorted(await world.waiting()) == [
        ("far.example", (DAVE,)),
        ("there.example", (BOB, CAROL)),
    ]
    assert world.told == [("bella123", "alice1234")]


@fast
async def test_the_answer_comes_with_the_first_acceptance(world: World) -> None:
    await world.start()
    world.abroad.seconds = {"there.example": 0.5, "far.example": 1.5}
    assert await submit(world, BOB, DAVE) is ACCEPTED
    assert now() == pytest.approx(0.5)
    assert len(world.abroad.taken) == 1
    await asyncio.sleep(2)
    assert len(world.abroad.taken) == 2


@fast
async def test_where_everybody_refuses_it_is_refused_and_leaves_the_queue(world: World) -> None:
    await world.start()
    world.abroad.says = lambda destination, recipient: NO
    world.abroad.seconds = {"there.example": 0.5, "far.example": 1.5}
    verdict = await submit(world, BOB, CAROL, DAVE)
    assert verdict == NO
    assert now() == pytest.approx(1.5)
    await asyncio.sleep(0.1)
    assert await world.waiting() == []
    assert await world.inbox() == []
    assert world.queue.desk.totals().messages == 0


@pytest.mark.parametrize("other", [ACCEPTED, LATER, None])
def test_where_one_does_not_refuse_the_others_come_back(other: Verdict | None) -> None:
    @fast
    async def live(world: World) -> None:
        await world.start()
        if other is None:
            world.abroad.down["far.example"] = Unreachable("no answer in time", Fault.TIMEOUT)
        world.abroad.says = lambda destination, recipient: NO if destination == "there.example" else other or ACCEPTED
        world.abroad.seconds = {"there.example": 0.5, "far.example": 1.0}
        assert await submit(world, BOB, DAVE) is ACCEPTED
        assert now() == pytest.approx(1.0)
        await asyncio.sleep(0.1)
        (bounce,) = await world.inbox()
        assert BOB.encode() in bounce
        assert DAVE.encode() not in bounce

    live()


@fast
async def test_who_is_slow_is_not_waited_for(world: World) -> None:
    await world.start()
    world.abroad.says = lambda destination, recipient: NO
    world.abroad.seconds = {"there.example": 30.0}
    assert await submit(world, BOB) is ACCEPTED
    assert now() == pytest.approx(FIRST_SECONDS)
    assert await submit(world, CAROL) is ACCEPTED
    assert now() == pytest.approx(FIRST_SECONDS), "something of the same sender is under way there"
    await asyncio.sleep(100)
    assert len(await world.inbox()) == 2


@fast
async def test_nobody_waits_for_one_that_is_known_to_fail(world: World) -> None:
    world.abroad.down["there.example"] = Unreachable("connection refused")
    await world.start()
    await submit(world, BOB)
    began = now()
    assert await submit(world, CAROL) is ACCEPTED
    assert now() == began


@fast
async def test_a_part_of_a_long_list_and_one_with_people_here_are_not_waited_for(world: World) -> None:
    await world.person(HERE)
    await world.start()
    world.abroad.says = lambda destination, recipient: NO
    assert await submit(world, BOB, HERE) is ACCEPTED
    assert await submit(world, BOB, CAROL, whole_list=2) is ACCEPTED
    assert now() == 0
    await asyncio.sleep(1)
    assert len(await world.inbox()) == 2


@fast
async def test_an_app_that_hangs_up_meanwhile_loses_nothing(world: World) -> None:
    await world.start()
    world.abroad.says = lambda destination, recipient: NO
    world.abroad.seconds = {"there.example": 1.0}
    asking = asyncio.create_task(submit(world, BOB))
    await asyncio.sleep(0.5)
    asking.cancel()
    await asyncio.wait([asking])
    await asyncio.sleep(1)
    (bounce,) = await world.inbox()
    assert BOB.encode() in bounce


@fast
async def test_a_relay_there_is_no_mail_with(world: World) -> None:
    denied = Verdict.reject(550, "5.7.1", "this relay sends no mail to that one")
    world.abroad.denied = {"far.example": denied}
    assert await submit(world, DAVE) is denied
    assert await world.waiting() == []
    assert await submit(world, DAVE, BOB) is ACCEPTED
    (bounce,) = await world.inbox()
    assert DAVE.encode() in bounce
    assert await world.waiting() == [("there.example", (BOB,))]


@fast
async def test_a_full_queue(world: World) -> None:
    await world.person(HERE)
    world.settings = Federation(queue_messages=1)
    world.queue = world.build()
    assert await submit(world, BOB) is ACCEPTED
    verdict = await submit(world, BOB, HERE)
    assert (verdict.outcome, verdict.code, verdict.enhanced) == (Outcome.DEFER, 452, "4.3.1")
    assert await world.inbox(HERE) == []
    assert await submit(world, HERE) is ACCEPTED


async def test_by_the_real_roads_to_a_real_relay(there: Any, serving: Any) -> None:
    """The whole way: submission, queue, signature, HTTPS or SMTP, the other relay's mailbox."""
    store = open_memory(Clear(bytes(32)))
    owner = await store.accounts.create("alice1234", "a long password", day=DAY)
    trust = there.trust()
    https = HttpsRoad(there.names.addresses, trust)
    smtp = SmtpRoad(there.names.exchanges, there.names.addresses, trust, "relay.example")

    async def sign(message: bytes) -> bytes:
        return message

    for session, transport, name in ((there.https, "https", "bob12345"), (there.mx, "smtp", "carol123")):
        async with serving(there, session) as port:
            federation = Federation(
                routes={"there.example": Route(via=f"127.0.0.1:{port}", transport=transport)}  # type: ignore[arg-type]
            )
            notices = Notices(lambda: "relay.example", lambda: DAY)
            queue = Queue(
                federation,
                store.queue,
                Roads(federation, {"https": https, "smtp": smtp}),
                sign,
                RoadClock(None, lambda: DAY),
                notices=notices,
                today=lambda: DAY,
                on_delivered=lambda names: None,
            )
            sending = Delivery(
                Messages(),
                Retention(),
                store.mailboxes,
                lambda domain: domain == "relay.example",
                notices,
                lambda: DAY,
                asyncio.get_running_loop().time,
                queue=queue,
                whole_list=50,
            )
            running = asyncio.create_task(queue.run())
            await asyncio.sleep(0)
            assert await sending.submit(owner, ALICE, [f"{name}@there.example"], MAIL) is ACCEPTED
            assert len(await there.inbox(name)) == 1
            refused = await sending.submit(owner, ALICE, ["nobody12@there.example"], MAIL)
            assert (refused.code, refused.enhanced) == (550, "5.1.1")
            running.cancel()
            await asyncio.wait([running])
            assert await store.queue.waiting() == []
            assert await store.mailboxes.messages() == 0
    https.close()
    await store.close()
