"""People on three relays write to each other, by every road there is."""

import asyncio
import secrets
from functools import partial

import pytest

from angarium.lab.profile import Profile, join
from tests.e2e.federation.conftest import World

BY_SMTP = """\
[federation.routes]
"ada.example" = { transport = "smtp" }
"ben.example" = { transport = "smtp" }
"cleo.example" = { transport = "smtp" }
"""

FILE = 3 << 20


async def all_of_it(world: World, people: list[Profile]) -> None:
    """Texts both ways, a group of all, a file and a channel: all of it arrives, and once."""
    ada, ben, cleo = people
    chat = await join(ada, ben)
    back = await ada.call("create_chat_by_contact_id", await ada.call("lookup_contact_id_by_addr", ben.address))
    for _ in range(5):
        await world.trial.send("texts", ben, chat, [ada])
        await world.trial.send("texts", ada, back, [ben])
    await world.trial.ledger.complete("texts")

    group = await ada.group("Three relays")
    chats = {ada: group, ben: await join(ada, ben, group), cleo: await join(ada, cleo, group)}
    for member, where in chats.items():
        await member.until(partial(sees_all, member, where))
    for member, where in chats.items():
        await world.trial.send("group", member, where, [other for other in people if other is not member])
    await world.trial.ledger.complete("group")

    path = world.directory / "picture.bin"
    await asyncio.to_thread(path.write_bytes, secrets.token_bytes(FILE))
    text = await world.trial.send("file", cleo, chats[cleo], [ada, ben], path)
    await world.trial.ledger.complete("file")
    for receiver in (ada, ben):
        arrived = await asyncio.to_thread(world.trial.file(receiver, text).read_bytes)
        assert arrived == await asyncio.to_thread(path.read_bytes)

    channel = await ben.call("create_broadcast", "News")
    await asyncio.gather(*(join(ben, reader, channel) for reader in (ada, cleo)))
    await world.trial.send("channel", ben, channel, [ada, cleo])
    await world.trial.ledger.complete("channel")
    for step, expected in (("texts", 10), ("group", 6), ("file", 2), ("channel", 2)):
        tally = await world.tally(step)
        assert (step, tally.expected, tally.delivered) == (step, expected, expected)


async def sees_all(member: Profile, chat: int) -> bool:
    return len(await member.members(chat)) == 3


@pytest.mark.timeout(120)
@pytest.mark.parametrize("settings", ["", BY_SMTP], ids=["https", "smtp"])
async def test_by_domain(world: World, settings: str) -> None:
    names = ("ada.example", "ben.example", "cleo.example")
    places = [await world.relay(name, settings=settings) for name in names]
    people = [await world.enter(place.name.partition(".")[0].title(), place) for place in places]
    await all_of_it(world, people)
    asked = {name for name, kind in world.dns.asked if kind == "TXT"}
    assert {f"dkim-rsa._domainkey.{name}" for name in names} <= asked, "signatures were checked"


@pytest.mark.timeout(120)
async def test_by_address(world: World) -> None:
    places = [await world.relay() for _ in range(3)]
    people = [await world.enter(name, place) for name, place in zip(("Ada", "Ben", "Cleo"), places, strict=True)]
    await all_of_it(world, people)
    assert not world.dns.asked, "no name was looked up"
