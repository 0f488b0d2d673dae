"""What is written down of a message's end. What it is for stands in test_queue; here, what may go wrong with it."""

from collections.abc import Sequence

import pytest

from angarium.mail.bounce import Failure
from angarium.mail.federation.chain import Entry
from angarium.mail.federation.settlement import Settlement
from angarium.mail.notices import Notices
from angarium.mail.verdict import Verdict
from angarium.store.outbound import Waiting
from angarium.wire.message import Malformed
from tests.mail.federation.fast import ALICE, World, fast

NO = Failure("bob12345@there.example", Verdict.reject(550, "5.1.1", "no"))


async def queued(world: World) -> Entry:
    await world.send(NO.address)
    (waiting,) = await world.store.queue.waiting()
    return Entry.of(waiting)


def settlement(world: World, told: list[Sequence[str]]) -> Settlement:
    async def sign(message: bytes) -> bytes:
        return message

    def tell(names: Sequence[str]) -> None:
        told.append(names)
        raise RuntimeError(f"no phone of {names}")

    return Settlement(world.store.queue, Notices(lambda: "relay.example", world.today, sign), world.today, tell)


def test_a_listener_that_fails_undoes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    @fast
    async def live(world: World) -> None:
        told: list[Sequence[str]] = []
        await settlement(world, told).settle(await queued(world), (), [NO])
        assert told == [("alice1234",)]
        assert len(await world.inbox(ALICE)) == 1
        assert await world.waiting() == []

    live()
    assert "RuntimeError" in caplog.text
    assert "alice" not in caplog.text


@fast
async def test_what_was_settled_before_is_not_told_again(world: World) -> None:
    told: list[Sequence[str]] = []
    entry = await queued(world)
    await world.store.queue.settle(entry.number, (), [], day=world.today())
    await settlement(world, told).settle(entry, (), [NO])
    assert told == []
    assert await world.inbox(ALICE) == []


@fast
async def test_reports_are_counted_and_others_are_not(world: World) -> None:
    made = settlement(world, [])
    await made.settle(Entry.of(Waiting(1, 1, "there.example", "", ("b",), 10, 1)), (), [NO])
    await made.settle(Entry.of(Waiting(2, 2, "there.example", "", ("b",), 10, 1)), (), [])
    await made.settle(Entry.of(Waiting(3, 3, "there.example", ALICE, ("b",), 10, 1)), (), [NO])
    assert made.dropped == 1


@fast
async def test_a_notice_that_cannot_be_signed_comes_all_the_same(world: World) -> None:
    async def sign(message: bytes) -> bytes:
        raise Malformed("the From field has no address")

    notices = Notices(lambda: "relay.example", world.today, sign)
    made = Settlement(world.store.queue, notices, world.today, world.told.append)
    await made.settle(await queued(world), (), [NO])
    (bounce,) = await world.inbox(ALICE)
    assert bounce.startswith(b"From: Mail Delivery")
