"""Boxes over HTTP, as whoever comes sees them: over TCP, with a real holder over a store in memory."""

import asyncio
import hashlib
import http.client
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from angarium.edge.box import BOXES, box_inlet, box_routes
from angarium.edge.hold import Hold
from angarium.mail.federation.holder import Holder, Left
from angarium.mail.settings import Federation, Messages
from angarium.reach.envelope import Envelope
from angarium.store.interfaces import StoreError, StoreFull
from angarium.wire.card import encode
from angarium.wire.parcel import Contents

DAY = 20_000
HELD = 4_000_000
MESSAGES = Messages(max_size=65_536)
NEAR = Envelope(X25519PrivateKey.generate())
FAR = Envelope(X25519PrivateKey.generate())


def parcel(octets: int = 10) -> bytes:
    return FAR.seal(NEAR.public, Contents("a@far.example", ("b@near.example",), bytes(octets)))


class Relay:
    """A relay that holds a box."""

    def __init__(self, http_relay: Any) -> None:
        self.pages = http_relay
        self.hold = Hold(HELD)
        self.day = DAY
        store = http_relay.store
        self.boxes = store.boxes
        federation = Federation(hold_bytes_per_peer=1_048_576, hold_days=5)
        self.holder = Holder(federation, store.boxes, store.papers, lambda: self.day)

    def site(self) -> Any:
        inlets = {BOXES: box_inlet(self.holder, MESSAGES, self.hold)}
        return replace(self.pages.site(), inlets=inlets, routes=box_routes(self.holder))

    async def grant(self) -> None:
        number, token = await self.holder.grant("near.example")
        self.number = number
        self.box = f"/box/{encode(number)}"
        self.token = {"Authorization": f"Bearer {encode(token)}"}


@pytest.fixture
async def relay(http_relay: Any) -> AsyncIterator[Relay]:
    relay = Relay(http_relay)
    await relay.grant()
    yield relay
    assert relay.hold.free == HELD


Answer = tuple[int, bytes]
Say = Callable[[http.client.HTTPConnection], Any]


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, /, **headers: str
) -> Answer:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def listed(answer: Answer) -> tuple[str, list[tuple[str, int]]]:
    status, body = answer
    assert status == 200
    first, *lines = body.decode().splitlines()
    assert first.startswith("after ")
    return first[6:], [(line.split()[0], int(line.split()[1])) for line in lines]


async def talk(relay: Relay, http_serve: Any, say: Say) -> Any:
    def talking(port: int) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            return say(connection)
        finally:
            connection.close()

    async with http_serve(relay.site()) as port:
        return await asyncio.to_thread(talking, port)


async def test_left_seen_fetched_and_gone(relay: Relay, http_serve: Any) -> None:
    one, two = parcel(), parcel(100_000)

    def say(connection: http.client.HTTPConnection) -> None:
        for body in (one, two, one):
            assert ask(connection, "POST", relay.box, body) == (200, b"OK\n")
        after, found = listed(ask(connection, "GET", relay.box, **relay.token))
        assert found == [(hashlib.sha256(each).hexdigest(), len(each)) for each in (one, two)]
        for (name, _), whole in zip(found, (one, two), strict=True):
            assert ask(connection, "GET", f"{relay.box}/{name}", **relay.token) == (200, whole)
        assert listed(ask(connection, "GET", f"{relay.box}?after={after}", **relay.token)) == (after, [])
        for _ in range(2):
            assert ask(connection, "DELETE", f"{relay.box}/{found[0][0]}", **relay.token) == (204, b"")
        assert ask(connection, "GET", f"{relay.box}/{found[0][0]}", **relay.token)[0] == 404
        assert listed(ask(connection, "GET", relay.box, **relay.token))[1] == found[1:]

    await talk(relay, http_serve, say)
    assert [each.octets for each in await relay.boxes.all()] == [len(two)]


@pytest.mark.parametrize(
    ("asked", "status", "begin"),
    [
        ("bytes=0-", 206, 0),
        ("bytes=3839-", 206, 3_839),
        ("bytes=1000-", 206, 1_000),
        ("bytes=3840-", 416, None),
        ("bytes=99999999999-", 200, 0),
        ("bytes=-5", 200, 0),
        ("bytes=1-5", 200, 0),
        ("lines=1-", 200, 0),
    ],
)
async def test_the_rest_of_a_parcel(relay: Relay, http_serve: Any, asked: str, status: int, begin: int | None) -> None:
    whole = parcel()
    await relay.holder.leave(relay.number, whole)

    def say(connection: http.client.HTTPConnection) -> tuple[int, bytes, str | None]:
        name = hashlib.sha256(whole).hexdigest()
        connection.request("GET", f"{relay.box}/{name}", headers={**relay.token, "Range": asked})
        response = connection.getresponse()
        return response.status, response.read(), response.getheader("Content-Range")

    found, body, range_ = await talk(relay, http_serve, say)
    assert found == status
    if begin is not None:
        assert body == whole[begin:]
    if status == 206:
        assert range_ == f"bytes {begin}-3839/3840"
    if status == 416:
        assert range_ == "bytes */3840"


async def test_a_wrong_token_and_no_box_look_like_no_page(relay: Relay, http_serve: Any) -> None:
    whole = parcel()
    name = hashlib.sha256(whole).hexdigest()
    await relay.holder.leave(relay.number, whole)
    wrong = {"Authorization": "Bearer " + encode(bytes(32))}
    nowhere = "/box/" + encode(bytes(16))

    def say(connection: http.client.HTTPConnection) -> list[Answer]:
        lost = ask(connection, "GET", "/nothing/there")
        found: list[Answer] = [lost]
        for headers in (wrong, {}, {"Authorization": "Basic x"}, {"Authorization": "Bearer short"}):
            found += [
                ask(connection, "GET", relay.box, **headers),
                ask(connection, "GET", f"{relay.box}/{name}", **headers),
                ask(connection, "DELETE", f"{relay.box}/{name}", **headers),
            ]
        for path in (nowhere, f"{nowhere}/{name}", "/box/short", f"{relay.box}/short", f"{relay.box}x"):
            found.append(ask(connection, "GET", path, **relay.token))
        found.append(ask(connection, "POST", nowhere, whole))
        return found

    found = await talk(relay, http_serve, say)
    assert {status for status, _ in found} == {404}
    assert len({body for _, body in found}) == 1
    assert len(await relay.boxes.all()) == 1


async def test_a_box_that_is_not_there_takes_no_more_than_a_page(relay: Relay, http_serve: Any) -> None:
    large = parcel(300_000)

    def say(connection: http.client.HTTPConnection, path: str) -> int:
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(len(large)))
        connection.putheader("Expect", "100-continue")
        connection.endheaders()
        return connection.getresponse().status

    nowhere = "/box/" + encode(bytes(16))
    assert await talk(relay, http_serve, lambda connection: say(connection, nowhere)) == 413
    assert await talk(relay, http_serve, lambda connection: say(connection, "/nothing")) == 413


@pytest.mark.parametrize(
    "body",
    [b"", b"\1", b"From: a@b\r\n\r\nhello\r\n", parcel()[:-1], parcel() + b"\0", b"\2" + parcel()[1:], bytes(3_840)],
    ids=["nothing", "one octet", "a mail", "cut", "longer", "another version", "no version"],
)
async def test_what_is_no_parcel_is_refused_and_not_kept(relay: Relay, http_serve: Any, body: bytes) -> None:
    found = await talk(relay, http_serve, lambda connection: ask(connection, "POST", relay.box, body))
    assert found == (400, b"That is no parcel.\n")
    assert await relay.boxes.all() == []


async def test_cut_off_on_the_way_it_is_not_kept(relay: Relay, http_serve: Any) -> None:
    async with http_serve(relay.site()) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"POST {relay.box} HTTP/1.1\r\nHost: x\r\nContent-Length: 3840\r\n\r\n".encode() + parcel()[:3_000]
        )
        await writer.drain()
        while relay.hold.free == HELD:
            await asyncio.sleep(0.01)
        writer.close()
        while relay.hold.free < HELD:
            await asyncio.sleep(0.01)
    assert await relay.boxes.all() == []


async def test_too_large(relay: Relay, http_serve: Any) -> None:
    def say(connection: http.client.HTTPConnection) -> int:
        connection.putrequest("POST", relay.box)
        connection.putheader("Content-Length", "3000000")
        connection.endheaders()
        return connection.getresponse().status

    assert await talk(relay, http_serve, say) == 413


async def test_a_full_box_takes_no_more_until_something_is_fetched(relay: Relay, http_serve: Any) -> None:
    large = [parcel(400_000) for _ in range(3)]

    def say(connection: http.client.HTTPConnection) -> list[int]:
        found = [ask(connection, "POST", relay.box, each)[0] for each in (*large, large[0])]
        name = hashlib.sha256(large[0]).hexdigest()
        found.append(ask(connection, "DELETE", f"{relay.box}/{name}", **relay.token)[0])
        return [*found, ask(connection, "POST", relay.box, large[2])[0]]

    assert await talk(relay, http_serve, say) == [200, 200, 507, 200, 204, 200]


async def test_many_at_once_do_not_overfill_a_box(relay: Relay) -> None:
    found = await asyncio.gather(*(relay.holder.leave(relay.number, parcel(400_000)) for _ in range(6)))
    assert sorted(each.value for each in found) == ["full"] * 4 + ["held"] * 2
    (shelf,) = relay.holder.shelves()
    assert shelf.octets == sum(each.octets for each in await relay.boxes.all())


@pytest.mark.parametrize(("error", "status"), [(StoreFull("full"), 507), (StoreError("broken"), 503)])
async def test_a_store_that_fails(
    relay: Relay, http_serve: Any, monkeypatch: pytest.MonkeyPatch, error: StoreError, status: int
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(relay.boxes, "put", fails)
    found = await talk(relay, http_serve, lambda connection: ask(connection, "POST", relay.box, parcel()))
    assert found[0] == status
    (shelf,) = relay.holder.shelves()
    assert (shelf.octets, shelf.parcels) == (0, {})


async def test_who_waits_hears_of_what_comes_at_once(relay: Relay, http_serve: Any) -> None:
    whole = parcel()

    def wait(port: int) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        return ask(connection, "GET", f"{relay.box}?wait=50", **relay.token)

    async with http_serve(relay.site()) as port:
        first = asyncio.create_task(asyncio.to_thread(wait, port))
        (shelf,) = relay.holder.shelves()
        while shelf.waiter is None:
            await asyncio.sleep(0.01)
        waiter = shelf.waiter
        second = asyncio.create_task(asyncio.to_thread(wait, port))
        assert listed(await first)[1] == []  # who comes later is the one who waits
        while shelf.waiter in (None, waiter):
            await asyncio.sleep(0.01)
        await relay.holder.leave(relay.number, whole)
        assert listed(await second)[1] == [(hashlib.sha256(whole).hexdigest(), 3_840)]


async def test_nothing_comes(relay: Relay, http_serve: Any) -> None:
    found = await talk(relay, http_serve, lambda c: ask(c, "GET", f"{relay.box}?wait=1", **relay.token))
    assert listed(found)[1] == []


async def test_many_are_listed_in_portions(relay: Relay) -> None:
    names = []
    for _ in range(260):
        whole = parcel()
        names.append(hashlib.sha256(whole).digest())
        await relay.holder.leave(relay.number, whole)
    first = await relay.holder.listing(relay.number, "", 0)
    second = await relay.holder.listing(relay.number, first.after, 0)
    assert [name for name, _ in (*first.parcels, *second.parcels)] == names
    assert len(first.parcels) == 256
    for strange in ("x", ".", "1.1", "9" * 30 + "." + "9" * 30, first.after.partition(".")[0] + ".x"):
        assert (await relay.holder.listing(relay.number, strange, 0)).parcels == first.parcels


async def test_what_nobody_fetches_is_thrown_away_in_the_end(relay: Relay) -> None:
    await relay.holder.leave(relay.number, parcel())
    relay.day += 3
    await relay.holder.leave(relay.number, parcel())
    relay.day += 2
    assert await relay.holder.forget() == 0
    relay.day += 1
    assert await relay.holder.forget() == 1
    (held,) = await relay.boxes.all()
    assert held.day == DAY + 3
    (shelf,) = relay.holder.shelves()
    assert shelf.octets == held.octets


async def test_a_new_token_for_the_same_box(relay: Relay, http_serve: Any) -> None:
    old, box = relay.token, relay.box
    await relay.holder.leave(relay.number, parcel())
    await relay.grant()
    assert relay.box == box

    def say(connection: http.client.HTTPConnection) -> list[int]:
        return [ask(connection, "GET", box, **token)[0] for token in (old, relay.token)]

    assert await talk(relay, http_serve, say) == [404, 200]
    again = Holder(Federation(), relay.boxes, relay.pages.store.papers, lambda: DAY)
    await again.load()
    assert [len(shelf.parcels) for shelf in again.shelves()] == [1]


async def test_a_box_that_is_withdrawn(relay: Relay, http_serve: Any) -> None:
    await relay.holder.leave(relay.number, parcel())
    assert await relay.holder.withdraw("near.example")
    assert not await relay.holder.withdraw("near.example")
    assert await relay.boxes.all() == []
    assert await relay.holder.leave(relay.number, parcel()) is Left.NONE
    found = await talk(relay, http_serve, lambda connection: ask(connection, "GET", relay.box, **relay.token))
    assert found[0] == 404
    await relay.boxes.put(relay.number, bytes(32), b"left over from a crash", day=DAY)
    await Holder(Federation(), relay.boxes, relay.pages.store.papers, lambda: DAY).load()
    assert await relay.boxes.all() == []


async def test_what_the_holder_keeps_does_not_open_the_box(relay: Relay) -> None:
    (content,) = (await relay.pages.store.papers.all("box")).values()
    token = relay.token["Authorization"].removeprefix("Bearer ").encode()
    assert token not in content
    assert not relay.holder.opens(relay.number, content[-32:])
