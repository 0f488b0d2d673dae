"""Two relays that reach only a third exchange mail through it; it learns nothing, and nothing is lost or doubled."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from angarium.lab.mails import sealed
from angarium.mail.federation import box, pull
from angarium.mail.federation.consignment import LEFT, Consignment, Fault, Unreachable
from angarium.mail.federation.pull import Collector
from angarium.mail.federation.roads import Roads
from angarium.mail.settings import Federation, Route
from angarium.mail.signer import Signer
from angarium.mail.verdict import Verdict
from angarium.reach.resolver import NoSuchName
from angarium.reach.transport import Connection
from angarium.store.interfaces import StoreFull
from angarium.wire.card import Card
from angarium.wire.dkim.record import write_record
from angarium.wire.parcel import Contents
from tests.mail.federation.relays import Side, agree, befriend, collector, relay

FAR, HOLDER, NEAR = "far.example", "holder.example", "_near.localhost"


@dataclass
class Three:
    far: Side
    holder: Side
    near: Side
    port: int
    alice: str = ""
    bob: str = ""

    async def round(self, side: Side | None = None) -> Collector:
        """Let a relay fetch what waits for it, once."""
        one = collector(side or self.near)
        await one._round("")
        return one

    @contextlib.asynccontextmanager
    async def fetching(self, *sides: Side) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(side.collectors.run(partial(collector, side))) for side in sides]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def waiting(self) -> int:
        return sum(len(shelf.parcels) for shelf in self.holder.holder.shelves())


@pytest.fixture
async def three(authority: trustme.CA, serving: Any, tmp_path: Path) -> AsyncIterator[Three]:
    async with (
        relay(FAR, authority) as far,
        relay(HOLDER, authority, directory=tmp_path / "holder") as holder,
        relay(NEAR, authority) as near,
        serving(holder, lambda connection: holder.https(connection)) as port,
    ):
        for side in (far, near):
            await agree(side, holder, port)
        await befriend(far, near)
        made = Three(far, holder, near, port)
        made.alice, made.bob = await far.account("alice1234"), await near.account("bobby1234")
        yield made
        for side in (far, near):
            side.client.close()


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_there_and_back_through_a_third(three: Three) -> None:
    async with three.fetching(three.far, three.near):
        there = await three.far.send(three.alice, three.bob)

        async def has(side: Side, who: str, count: int) -> bool:
            return len(await side.inbox(who)) == count

        await eventually(lambda: has(three.near, three.bob, 1))
        back = await three.near.send(three.bob, three.alice)
        await eventually(lambda: has(three.far, three.alice, 1))

        async def empty() -> bool:
            return three.waiting() == 0

        await eventually(empty)
    assert [len(await three.near.inbox(three.bob)), len(await three.far.inbox(three.alice))] == [1, 1]
    assert (await three.near.inbox(three.bob))[0].count(b"\r\n") == there.count(b"\r\n")  # type: ignore[union-attr]
    assert back
    assert await three.holder.store.boxes.all() == []


async def test_the_holder_learns_no_address_no_subject_and_no_message_id(three: Three) -> None:
    await three.far.send(three.alice, three.bob, mark="the-message-id")
    await three.round()
    await three.far.send(three.alice, three.bob, mark="one-that-waits")
    assert three.waiting() == 1
    await three.holder.close()
    written = b"".join(path.read_bytes() for path in (three.holder.directory or Path()).rglob("*") if path.is_file())
    assert len(written) > 10_000
    assert b"POST /box/" in three.holder.heard
    assert b"HTTP/1.1 200" in three.holder.heard
    for clear in (
        *(three.alice.encode(), three.bob.encode(), b"alice1234", b"bobby1234", b"message-id", b"one-that-waits"),
        *(b"Subject", b"[...]", b"From:", FAR.encode(), NEAR.encode(), b"PGP MESSAGE", three.far.envelope.public),
    ):
        assert clear not in written
        assert clear not in three.holder.heard
    three.holder.open()


async def test_a_holder_sees_classes_of_sizes_only(three: Three) -> None:
    for size in (100, 1_000, 1_900):
        await three.far.send(three.alice, three.bob, mark=f"size-{size}", size=size)
    held = await three.holder.store.boxes.all()
    assert {each.octets for each in held} == {3_840}
    assert len({each.name for each in held}) == 3


async def test_the_holder_is_killed_and_started_again(three: Three, serving: Any) -> None:
    await three.far.send(three.alice, three.bob, mark="one")
    one = collector(three.near)
    holder = three.holder
    three.far.client.close()
    await holder.close()  # what was held is on its disk, and nowhere else
    holder.open()
    await holder.load()
    assert three.waiting() == 1
    await three.far.send(three.alice, three.bob, mark="two")
    await one._round("a-cursor-of-the-one-before.7")
    assert len(await three.near.inbox(three.bob)) == 2
    assert three.waiting() == 0


async def test_a_crash_before_the_acknowledgement_is_no_second_message(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    await three.far.send(three.alice, three.bob)
    with monkeypatch.context() as patched:

        async def crashed(*_: object) -> None:
            raise Unreachable("crashed")

        patched.setattr(three.near.client, "remove", crashed)
        with pytest.raises(Unreachable):
            await three.round()
    assert len(await three.near.inbox(three.bob)) == 1
    assert three.waiting() == 1
    await three.round()
    assert len(await three.near.inbox(three.bob)) == 1
    assert three.waiting() == 0


async def test_a_parcel_played_again_is_no_second_message(three: Three) -> None:
    await three.far.send(three.alice, three.bob)
    (held,) = await three.holder.store.boxes.all()
    parcel = await three.holder.store.boxes.parcel(held.box, held.name)
    assert parcel is not None
    for _ in range(2):
        await three.round()
        await three.holder.holder.leave(held.box, parcel)
    await three.round()
    assert len(await three.near.inbox(three.bob)) == 1
    assert three.near.reports == []


async def test_a_large_parcel_goes_on_where_it_broke(three: Three, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection ends after so many octets."""
    sent = await three.far.send(three.alice, three.bob, size=600_000)
    three.far.client.close()
    before, connections = len(three.holder.heard), three.holder.connections
    write = Connection.write

    async def breaking(self: Connection, data: bytes, *, timeout: float | None = None) -> None:
        if len(data) > 400_000:
            await write(self, data[:400_000], timeout=timeout)
            await asyncio.sleep(0.05)
            raise ConnectionResetError
        await write(self, data, timeout=timeout)

    monkeypatch.setattr(Connection, "write", breaking)
    await three.round()
    assert three.waiting() == 0
    (arrived,) = await three.near.inbox(three.bob)
    assert arrived is not None
    assert arrived[-100_000:] == sent[-100_000:]
    assert three.holder.connections - connections >= 3
    asked = bytes(three.holder.heard[before:])
    assert asked.count(b"Range: bytes=") >= 2
    assert asked.count(b"HTTP/1.1 206 ") >= 2


async def test_a_holder_that_breaks_every_time_is_given_up_for_now(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    await three.far.send(three.alice, three.bob)
    with monkeypatch.context() as patched:

        async def dead(*_: object) -> None:
            raise ConnectionResetError

        patched.setattr(three.holder.holder, "parcel", dead)
        with pytest.raises(Unreachable, match="answered 500"):
            await three.round()
    await three.round()
    assert len(await three.near.inbox(three.bob)) == 1


async def test_who_cannot_have_it_is_told_to_the_sender_by_the_same_road(three: Three) -> None:
    await three.far.send(three.alice, f"nobody123@{NEAR}", three.bob, mark="to-two")
    await three.round()
    assert len(await three.near.inbox(three.bob)) == 1
    await three.round(three.far)
    (report,) = await three.far.inbox(three.alice)
    assert report is not None
    assert f"Final-Recipient: rfc822; nobody123@{NEAR}\r\nAction: failed\r\nStatus: 5.1.1".encode() in report
    assert three.bob.encode() not in report
    assert b"Message-ID: <to-two@localhost>" in report
    assert three.waiting() == 0


async def test_no_report_answers_a_report(three: Three) -> None:
    await three.far.report(f"nobody123@{NEAR}", b"From: mailer-daemon@far.example\r\n\r\n")
    await three.round()
    assert (three.near.reports, three.waiting()) == ([], 0)


async def test_in_the_name_of_another_relay(three: Three, authority: trustme.CA) -> None:
    """Mallory has everybody's card, and a key of their own."""
    async with relay("mallory.example", authority) as mallory:
        for card in three.far.cards.all():
            await mallory.cards.add(card)
        for sender in (three.alice, "king@_other.localhost", "king@192.0.2.1", f"bobby1234@{NEAR}"):
            await mallory.send(sender, three.bob, f"nobody@{NEAR}", mark=sender)
        three.near.signed._texts = none_such
        one = await three.round()
    assert await three.near.inbox(three.bob) == []
    assert three.near.reports == []
    assert three.waiting() == one.strangers == 2, "of relays that only a card could vouch for"


async def test_a_known_relay_in_the_name_of_another(three: Three) -> None:
    await three.far.send("king@_other.localhost", three.bob)
    await three.round()
    assert await three.near.inbox(three.bob) == []
    assert (three.near.reports, three.waiting()) == ([], 0)


async def test_what_comes_before_its_card_waits_for_it(
    three: Three, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "WAIT_SECONDS", 0.0)
    async with relay("_early.localhost", authority) as early:
        early_alice = "alice1234@_early.localhost"
        for card in three.far.cards.all():
            await early.cards.add(card)
        await early.send(early_alice, three.bob, mark="early")
        one = await three.round()
        for _ in range(3):
            await one._round("")
        assert (one.strangers, three.waiting(), await three.near.inbox(three.bob)) == (1, 1, [])
        await three.near.cards.add(Card("_early.localhost", early.envelope.public, ()))
        await one._round("")
    assert len(await three.near.inbox(three.bob)) == 1
    assert (one.strangers, three.waiting(), three.near.reports) == (0, 0, [])


async def test_strangers_have_little_room(three: Three, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "STRANGERS", 3)
    monkeypatch.setattr(pull, "WAIT_SECONDS", 0.0)
    async with relay("_early.localhost", authority) as early:
        for card in three.far.cards.all():
            await early.cards.add(card)
        for number in range(5):
            await early.send("alice1234@_early.localhost", three.bob, mark=f"early{number}")
        one = await three.round()
        assert (one.strangers, three.waiting()) == (3, 3)
        await three.near.cards.add(Card("_early.localhost", early.envelope.public, ()))
        await one._round("")
    assert len(await three.near.inbox(three.bob)) == 3


async def test_what_the_holder_has_thrown_away_takes_no_room(
    three: Three, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "STRANGERS", 3)
    monkeypatch.setattr(pull, "WAIT_SECONDS", 0.0)
    async with relay("_early.localhost", authority) as early:
        for card in three.far.cards.all():
            await early.cards.add(card)
        for first in range(3):
            await early.send("alice1234@_early.localhost", three.bob, mark=f"early{first}")
        one = await three.round()
        (shelf,) = [shelf for shelf in three.holder.holder.shelves() if shelf.parcels]
        box = next(box for box, each in three.holder.holder._shelves.items() if each is shelf)
        for name in list(shelf.parcels)[:2]:
            await three.holder.holder.remove(box, name)
        for later in range(3):
            await early.send("alice1234@_early.localhost", three.bob, mark=f"late{later}")
        await one._round("")
    assert (one.strangers, three.waiting()) == (3, 3)


async def none_such(name: str) -> tuple[bytes, ...]:
    raise NoSuchName


async def test_without_a_card_a_signature_counts(three: Three) -> None:
    key = Ed25519PrivateKey.generate()
    signer = Signer([("a", key)])

    async def texts(name: str) -> tuple[bytes, ...]:
        assert name == f"a._domainkey.{FAR}"
        return (write_record(key.public_key()).encode(),)

    async def signed(mark: str) -> None:
        message = await signer.sign(sealed(three.alice, mark))
        assert (await three.far.carry(three.alice, (three.bob, f"nobody123@{NEAR}"), message))[0].accepted

    await three.near.cards.remove(FAR)
    await signed("one")
    one = await three.round()  # DNS does not answer: it stays where it is
    assert three.waiting() == 1
    assert await three.near.inbox(three.bob) == []

    three.near.signed._texts = texts
    await signed("two")
    await one._round("")
    assert len(await three.near.inbox(three.bob)) == 1  # the first one is not tried again at once
    one._later = {name: (0.0, octets) for name, (_, octets) in one._later.items()}
    await signed("three")
    await one._round("")
    assert len(await three.near.inbox(three.bob)) == 3
    assert three.waiting() == 0
    assert len(three.near.reports) == 3


async def test_what_nobody_can_open_stands_in_nobodys_way(three: Three) -> None:
    (agreement,) = three.near.collectors.all().values()
    number = agreement.box.number
    for junk in (b"\1" + bytes(3_839), three.far.envelope.seal(three.far.envelope.public, _contents(three))):
        await three.holder.holder.leave(number, junk)
    await three.far.send(three.alice, three.bob)
    await three.round()
    assert len(await three.near.inbox(three.bob)) == 1
    assert three.waiting() == 0


def _contents(three: Three) -> Any:
    return Contents(three.alice, (three.bob,), b"x")


async def test_a_parcel_that_brings_a_fault_to_light_ends_nothing(
    three: Three, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receive = three.near.incoming.receive
    await three.far.send(three.alice, three.bob, mark="cursed")
    await three.far.send(three.alice, three.bob, mark="blessed")

    async def faulty(sender: str, recipients: Any, message: bytes, **how: Any) -> Any:
        if b"cursed" in message:
            raise ZeroDivisionError
        return await receive(sender, recipients, message, **how)

    monkeypatch.setattr(three.near.incoming, "receive", faulty)
    await three.round()
    assert len(await three.near.inbox(three.bob)) == 1
    assert three.waiting() == 1
    assert "ZeroDivisionError" in caplog.text
    assert three.alice not in caplog.text


async def test_a_holder_that_gives_something_else(three: Three, monkeypatch: pytest.MonkeyPatch) -> None:
    await three.far.send(three.alice, three.bob)

    async def other(*_: object) -> bytes:
        return bytes(3_840)

    monkeypatch.setattr(three.holder.holder, "parcel", other)
    await three.round()
    assert await three.near.inbox(three.bob) == []
    assert three.waiting() == 1


async def test_where_there_is_no_room_it_stays_where_it_is(three: Three, monkeypatch: pytest.MonkeyPatch) -> None:
    await three.far.send(three.alice, three.bob)
    with monkeypatch.context() as patched:

        async def full(*_: object, **__: object) -> None:
            raise StoreFull("full")

        patched.setattr(three.near.store.marks, "deliver", full)
        await three.round()
    assert three.waiting() == 1
    await three.round()
    assert len(await three.near.inbox(three.bob)) == 1
    assert three.waiting() == 0


async def test_who_waits_is_woken(three: Three) -> None:
    one = collector(three.near)
    waiting = asyncio.create_task(one._round(""))
    while not any(shelf.waiter for shelf in three.holder.holder.shelves()):
        await asyncio.sleep(0.01)
    await three.far.send(three.alice, three.bob)
    await asyncio.wait_for(waiting, 10)
    assert len(await three.near.inbox(three.bob)) == 1


async def test_patience_with_a_holder_that_is_away(three: Three) -> None:
    (agreement,) = three.near.collectors.all().values()
    await three.holder.holder.withdraw(NEAR)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 9:
            raise asyncio.CancelledError

    one = Collector(agreement, three.near.client, three.near.desk, 1 << 20, sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await one.run()
    assert "ask its keeper" in one.problem
    for number, seconds in enumerate(slept):
        most = min(300, 5 * 2**number)
        assert most / 2 <= seconds <= most
    assert len(set(slept)) == 9


async def test_a_wrong_token(three: Three) -> None:
    (agreement,) = three.near.collectors.all().values()
    await three.far.send(three.alice, three.bob)
    wrong = type(agreement)(agreement.name, agreement.box, bytes(32))
    one = Collector(wrong, three.near.client, three.near.desk, 1 << 20)
    with pytest.raises(Unreachable, match="its token is another"):
        await one._round("")
    assert three.waiting() == 1


async def test_agreements_come_and_go_while_the_relay_runs(three: Three) -> None:
    (holder,) = three.near.collectors.all()
    assert holder == f"{HOLDER}:{three.port}"
    async with three.fetching(three.near):
        await three.near.collectors.remove(holder)
        assert not await three.near.collectors.remove(holder)
        await asyncio.sleep(0.05)
        await three.far.send(three.alice, three.bob)
        await asyncio.sleep(0.1)
        assert three.waiting() == 1
        await agree(three.near, three.holder, three.port)  # a new token, the same box

        async def arrived() -> bool:
            return len(await three.near.inbox(three.bob)) == 1

        await eventually(arrived)
        assert three.near.collectors.problem(holder) == ""


async def test_a_road_only_for_those_whose_card_names_a_box(three: Three) -> None:
    await three.far.cards.add(Card(HOLDER, three.holder.envelope.public))
    for destination in ("unknown.example", HOLDER):
        with pytest.raises(NoSuchName):
            await three.far.carry(three.alice, (f"x@{destination}",), b"")


async def test_a_full_box_keeps_the_message_with_its_sender(three: Three) -> None:
    three.holder.holder._bytes = 3_840
    await three.far.send(three.alice, three.bob)
    with pytest.raises(Unreachable, match="the box is full"):
        await three.far.send(three.alice, three.bob, mark="another")
    await three.round()
    await three.far.send(three.alice, three.bob, mark="another")
    assert three.waiting() == 1


async def test_too_large_for_the_holder(three: Three) -> None:
    three.holder.messages = type(three.holder.messages)(max_size=65_536)
    (verdict,) = await three.far.carry(three.alice, (three.bob,), bytes(3_000_000))
    assert (verdict.code, verdict.enhanced) == (552, "5.3.4")
    assert three.waiting() == 0


async def test_of_several_boxes_one_that_is_there(three: Three) -> None:
    card = three.far.cards.of(NEAR)
    assert card is not None
    away = type(card.boxes[0])("127.0.0.1", 1, bytes(16), bytes(32))
    await three.far.cards.add(Card(NEAR, card.key, (away, *card.boxes)))
    await three.far.send(three.alice, three.bob)
    assert three.waiting() == 1
    await three.far.cards.add(Card(NEAR, card.key, (away, away)))
    with pytest.raises(Unreachable, match=r"^connection refused$"):
        await three.far.send(three.alice, three.bob, mark="another")


async def test_a_holder_known_by_its_pin(three: Three) -> None:
    card = three.far.cards.of(NEAR)
    assert card is not None
    (there,) = card.boxes
    pinned = type(there)("127.0.0.1", there.port, there.number, bytes(32))
    await three.far.cards.add(Card(NEAR, card.key, (pinned,)))
    with pytest.raises(Unreachable, match="another key than the one agreed upon"):
        await three.far.send(three.alice, three.bob)
    assert three.waiting() == 0


async def test_a_key_stands_on_one_card(three: Three) -> None:
    with pytest.raises(ValueError, match=f"is that of {NEAR}"):
        await three.far.cards.add(Card("other.example", three.near.envelope.public))
    assert box.path(bytes(16), bytes(32)).startswith("/box/AAAA")


class Shut:
    """A road that leads nowhere."""

    def __init__(self, tried: list[str], fault: Fault = Fault.OTHER) -> None:
        self._tried = tried
        self._fault = fault

    async def carry(self, destination: str, via: Any, consignment: Any) -> list[Verdict]:
        self._tried.append(destination)
        raise Unreachable("shut", self._fault)


async def test_the_third_road_is_taken_where_the_others_lead_nowhere(three: Three) -> None:
    tried: list[str] = []
    ways: dict[str, Any] = {"https": Shut(tried), "smtp": Shut(tried), "box": three.far.road}
    roads = Roads(Federation(), ways)
    for number in range(2):
        message = Consignment(three.alice, (three.bob,), sealed(three.alice, f"message-{number}"))
        assert await roads.carry(NEAR, message) == [LEFT]
    assert tried == [NEAR] * 2  # what worked is tried first from then on
    with pytest.raises(Unreachable, match=r"^https: shut; smtp: shut$"):
        await roads.carry("unknown.example", Consignment(three.alice, ("a@unknown.example",), b""))
    only = Roads(Federation(routes={NEAR: Route(transport="box")}), ways)
    assert await only.carry(NEAR, Consignment(three.alice, (three.bob,), sealed(three.alice, "last"))) == [LEFT]
    assert len(tried) == 4
    await three.round()
    assert len(await three.near.inbox(three.bob)) == 3
    three.holder.holder._bytes = 0
    ways["https"] = ways["smtp"] = Shut(tried, Fault.ROUTE)
    with pytest.raises(Unreachable, match="box: the box is full") as full:
        await Roads(Federation(), ways).carry(NEAR, message)
    assert full.value.fault is Fault.ROUTE  # that the holder answers is no road to the destination
