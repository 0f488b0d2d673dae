"""`angarium peer`, and what it is for: two relays in processes of their own exchange mail through a third."""

import asyncio
import imaplib
import json
import smtplib
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from angarium.apps.check.throwaway import Relay, relay
from angarium.apps.envelope import FILE, envelope_key
from angarium.apps.home import Home, HomeError
from angarium.lab.mails import sealed
from angarium.wire.card import Card, read_agreement, read_card
from tests.apps.command import angarium

ALICE, BOB = "alice1234@_far.localhost", "bobby1234@_near.localhost"


@dataclass
class Keeper:
    """A relay and who keeps it."""

    name: str
    data: Path
    options: tuple[str, ...]
    running: AsyncExitStack = field(default_factory=AsyncExitStack)
    relay: Relay | None = None

    async def start(self) -> None:
        self.relay = await self.running.enter_async_context(relay(self.data, self.options))

    async def stop(self) -> None:
        await self.running.aclose()
        self.relay = None

    async def kill(self) -> None:
        assert self.relay
        self.relay.process.kill()
        await self.stop()

    async def peer(self, *words: str, typed: str = "") -> str:
        status, said, complained = await angarium("peer", *words, "--data", str(self.data), typed=typed)
        assert status == 0, complained
        return said

    async def refused(self, *words: str) -> str:
        status, said, complained = await angarium("peer", *words, "--data", str(self.data))
        assert (status, said) == (2, ""), said
        return complained

    async def card(self) -> str:
        return str(json.loads(await self.peer("card", "--json"))["card"])

    async def listed(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(await self.peer("list", "--json"))
        return found

    def submit(self, sender: str, to: str, message: bytes) -> None:
        assert self.relay
        with smtplib.SMTP_SSL(
            self.options[1],
            self.relay.port("submissions"),
            context=taking_all(),
            timeout=60,
        ) as smtp:
            smtp.login(sender, "long enough")
            assert smtp.sendmail(sender, [to], message) == {}

    def inbox(self, who: str, count: int) -> list[bytes]:
        """What is in a mailbox, once it is so much."""
        assert self.relay
        with imaplib.IMAP4_SSL(self.options[1], self.relay.port("imaps"), ssl_context=taking_all()) as client:
            client.login(who, "long enough")
            until = time.monotonic() + 60
            while True:
                client.select("INBOX")
                found = [part[1] for part in client.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(part, tuple)]
                if len(found) >= count or time.monotonic() > until:
                    return found
                time.sleep(0.1)


def taking_all() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[tuple[Keeper, Keeper, Keeper]]:
    far = Keeper("_far.localhost", tmp_path / "far", ("--listen", "127.0.0.3", "--ports", "any", "--domain"))
    near = Keeper("_near.localhost", tmp_path / "near", ("--listen", "127.0.0.4", "--ports", "any", "--domain"))
    for each in (far, near):
        each.options = (*each.options, each.name)
    holder = Keeper("127.0.0.2", tmp_path / "holder", ("--listen", "127.0.0.2", "--ports", "any"))
    for each in (far, holder, near):
        await each.start()
    yield far, holder, near
    for each in (far, holder, near):
        await each.stop()


async def agree(far: Keeper, holder: Keeper, near: Keeper) -> None:
    for each in (far, near):
        line = (await holder.peer("hold", each.name)).splitlines()[0]
        assert "mail that is left there is fetched" in await each.peer("fetch", typed=line + "\n")
    await far.peer("add", await near.card())
    await near.peer("add", await far.card())


@pytest.mark.timeout(300)
async def test_two_relays_that_reach_only_a_third(three: tuple[Keeper, Keeper, Keeper]) -> None:
    far, holder, near = three
    await agree(far, holder, near)
    await asyncio.to_thread(near.inbox, BOB, 0)
    await asyncio.to_thread(far.inbox, ALICE, 0)
    there = sealed(ALICE, "there")
    await asyncio.to_thread(far.submit, ALICE, BOB, there)
    (arrived,) = await asyncio.to_thread(near.inbox, BOB, 1)
    assert b"Message-ID: <there@localhost>" in arrived
    await asyncio.to_thread(near.submit, BOB, ALICE, sealed(BOB, "back"))
    assert len(await asyncio.to_thread(far.inbox, ALICE, 1)) == 1

    # The one that fetches is away, and the holder is killed meanwhile.
    await near.stop()
    await asyncio.to_thread(far.submit, ALICE, BOB, sealed(ALICE, "while-away", 100_000))
    await asyncio.to_thread(far.submit, ALICE, "nobody123@_near.localhost", sealed(ALICE, "to-nobody"))
    while sum(int(str(peer["parcels"])) for peer in await holder.listed() if peer["kind"] == "box") < 2:
        await asyncio.sleep(0.2)
    port = holder.relay.port("https") if holder.relay else 0
    await holder.kill()
    written = b"".join(
        path.read_bytes() for path in holder.data.rglob("*") if path.is_file() and path.name != "control"
    )
    for clear in (b"alice1234", b"bobby1234", b"while-away", b"to-nobody", b"_far.localhost", b"_near.localhost"):
        assert clear not in written
    await holder.start()
    assert holder.relay
    assert holder.relay.port("https") == port
    await near.start()
    assert len(await asyncio.to_thread(near.inbox, BOB, 2)) == 2
    found = await asyncio.to_thread(far.inbox, ALICE, 2)
    assert b"nobody123@_near.localhost: there is no such address at this relay" in found[1]
    boxes = [peer for peer in await holder.listed() if peer["kind"] == "box"]
    while any(peer["parcels"] for peer in boxes):
        await asyncio.sleep(0.2)
        boxes = [peer for peer in await holder.listed() if peer["kind"] == "box"]
    assert [peer["name"] for peer in boxes] == ["_far.localhost", "_near.localhost"]
    assert len(await asyncio.to_thread(near.inbox, BOB, 2)) == 2


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Keeper]:
    """A relay that was started once, and does not run."""
    keeper = Keeper("127.0.0.1", tmp_path / "data", ("--listen", "127.0.0.1", "--ports", "any"))
    await keeper.start()
    await keeper.stop()
    yield keeper
    await keeper.stop()


async def test_the_same_with_a_relay_that_runs_and_without(alone: Keeper) -> None:
    other = str(Card("other.example", bytes(range(32))))
    offline = await alone.card()
    agreement = read_agreement((await alone.peer("hold", "far.example", "--at", "holder.example:8443")).splitlines()[0])
    assert (agreement.name, agreement.box.host, agreement.box.port) == ("far.example", "holder.example", 8_443)
    assert "the card is known" in await alone.peer("add", other)
    await alone.start()
    assert await alone.card() == offline
    assert read_card(offline).name == "127.0.0.1"
    again = read_agreement((await alone.peer("hold", "far.example")).splitlines()[0])
    assert alone.relay
    assert (again.box.host, again.box.port) == ("127.0.0.1", alone.relay.port("https"))
    assert (again.box.number, again.box.pin) == (agreement.box.number, agreement.box.pin)
    assert again.token != agreement.token
    assert "takes the place" in await alone.peer("add", typed=other)
    assert [(peer["name"], peer["kind"]) for peer in await alone.listed()] == [
        ("far.example", "box"),
        ("other.example", "card"),
    ]
    text = await alone.peer("list")
    assert "held for it here" in text
    assert "no box" in text
    await alone.stop()
    for name in ("far.example", "OTHER.example."):
        await alone.peer("remove", name)
    assert await alone.listed() == []
    assert await alone.peer("list") == "Nothing is known of other relays.\n"


async def test_what_is_refused(alone: Keeper) -> None:
    assert "not whole" in await alone.refused("add", (await alone.card())[:-1])
    assert "begins with angarium:card/" in await alone.refused("add", "dcaccount:x")
    assert "own card" in await alone.refused("add", await alone.card())
    assert "own name" in await alone.refused("hold", "127.0.0.1")
    assert "a domain or an IP address" in await alone.refused("hold", "not a name")
    assert "--at: expected" in await alone.refused("hold", "far.example", "--at", "x")
    assert "no relay runs" in await alone.refused("accept", "192.0.2.7")
    assert "nothing is known" in await alone.refused("remove", "far.example")
    line = (await alone.peer("hold", "far.example")).splitlines()[0]
    assert "this agreement is for far.example" in await alone.refused("fetch", line)
    await alone.start()
    assert "shown no other key" in await alone.refused("accept", "192.0.2.7")


async def test_a_card_is_shown_as_a_code_too(alone: Keeper) -> None:
    shown = (await alone.peer("card")).splitlines()
    assert shown[-1] == await alone.card()
    assert len(shown) > 20


def test_a_damaged_envelope_key_is_not_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path / "relay")
    home.make({})
    made = envelope_key(home).public_key()
    assert envelope_key(home).public_key() == made
    (home.keys / FILE).write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(HomeError, match="put it back from a copy"):
        envelope_key(home)
    (home.keys / FILE).unlink()
    (home.keys / FILE).mkdir()
    with pytest.raises(HomeError, match="cannot read or write"):
        envelope_key(home)
