"""Somebody hostile in the editors' group, who is then put out of it, with the real core.

What a changed app could send after that, the real one sends by itself if it was offline and does not know yet.
"""

import contextlib
import json
from pathlib import Path

import pytest

from angarium.apps.check.links import fresh
from angarium.apps.check.throwaway import Relay
from angarium.channel.archive import Archive
from angarium.lab.core import Core
from angarium.lab.profile import MYSELF
from tests.e2e.conftest import Impatient
from tests.e2e.newsroom import Angarium, Chat, assembled, entered, founded, person, says, serving
from tests.e2e.test_approvals import heard

RENEWED = "angarium channel invite"


async def put_out(by: Chat, address: str) -> None:
    """Remove somebody from the group, and wait until the desk knows."""
    contacts = await by.who.call("get_contacts_by_ids", await by.who.members(by.chat))
    (contact,) = [int(number) for number, held in contacts.items() if held["address"] == address]
    await by.who.call("remove_contact_from_chat", by.chat, contact)
    await by.wait(says(RENEWED))


@pytest.mark.timeout(240)
async def test_who_was_put_out_changes_nothing_and_does_not_come_back(
    up: Relay, apps: Core, angarium: Angarium, impatient: Impatient, tmp_path: Path
) -> None:
    room, invited = await founded(angarium, tmp_path / "newsroom", up.ready.invitation)

    def account() -> str:
        return fresh(up.ready.invitation)

    async with contextlib.AsyncExitStack() as stack:
        archive = stack.enter_context(Archive(room.folder / "posts.db"))
        await stack.enter_async_context(serving(room))
        cast = await stack.enter_async_context(assembled(apps, (room, invited), account))
        ada, ben, reader = cast.ada, cast.ben, cast.reader
        eve = await entered(await person(apps, "Eve", account()), invited.edit, 4)
        stack.push_async_callback(eve.who.call, "stop_io")
        for chat in (ada, ben):
            await chat.all_in(4)

        published = await eve.say("A true story.")
        await ben.react((await ben.wait(says("true story")))["id"])
        post = await reader.wait(says("true story"))
        waiting = await eve.say("A dull story.")
        dull = (await ben.wait(says("dull")))["id"]
        await ben.marked(dull, "⏳")
        await ada.say("Ada's story.")
        hers = (await eve.wait(says("Ada's")))["id"]
        await eve.marked(hers, "⏳")

        await eve.who.call("stop_io")
        await put_out(ada, eve.who.address)
        await eve.edit(published, "A false story.")
        await eve.edit(waiting, "A libel.")
        await eve.react(hers)
        await eve.say("publish", quoting=hers)
        await eve.say("/name Ada")
        await eve.who.call("start_io")
        await impatient(ben.marked(dull, "🗑"))  # what she wrote into it since is dropped, whoever approves of it
        assert (await ben.who.call("get_message", dull))["text"] == "A libel.", "the app takes it"
        await ben.react(dull)
        await heard(ben)
        assert [filed.post.text.words for filed in archive.posts()] == ["A true story."]
        assert (await reader.who.call("get_message", post["id"]))["text"] == "A true story."
        assert archive.authors() == []
        assert not [
            message
            for message in await ben.messages()
            if "false story" in message["text"] and message["fromId"] != MYSELF and message["id"] > dull
        ], "nobody is asked"

        with contextlib.suppress(TimeoutError):
            await eve.who.call("secure_join", invited.edit)
        status, out, _ = await angarium("channel", "invite", "--channel", room.folder, "--json")
        assert status == 0
        renewed = json.loads(out)
        assert renewed["subscribe"] == invited.subscribe
        assert renewed["edit"] != invited.edit
        dan = await entered(await person(apps, "Dan", account()), renewed["edit"], 4)
        stack.push_async_callback(dan.who.call, "stop_io")
        contacts = await dan.who.call("get_contacts_by_ids", await dan.who.members(dan.chat))
        assert eve.who.address not in {held["address"] for held in contacts.values()}


async def test_messages_that_delete_themselves_are_not_taken_for_withdrawn(
    up: Relay, apps: Core, angarium: Angarium, tmp_path: Path
) -> None:
    room, invited = await founded(angarium, tmp_path / "newsroom", up.ready.invitation)
    async with serving(room), assembled(apps, (room, invited), lambda: fresh(up.ready.invitation)) as cast:
        ada, ben, reader = cast.ada, cast.ben, cast.reader
        await ben.who.call("set_chat_ephemeral_timer", ben.chat, 1)

        async def unset() -> bool:
            return not await ben.who.call("get_chat_ephemeral_timer", ben.chat)

        await ben.who.until(unset)
        await ada.say("A story.")
        story = (await ben.wait(says("A story.")))["id"]
        await ben.react(story)
        await reader.wait(says("A story."))
        await ben.published(story)


@pytest.mark.timeout(180)
async def test_the_desk_itself_is_put_out_and_goes_on_once_it_is_back(
    up: Relay, apps: Core, angarium: Angarium, tmp_path: Path
) -> None:
    room, invited = await founded(angarium, tmp_path / "newsroom", up.ready.invitation)

    def account() -> str:
        return fresh(up.ready.invitation)

    async with serving(room), assembled(apps, (room, invited), account) as cast:
        ada, ben, reader = cast.ada, cast.ben, cast.reader
        eve = await entered(await person(apps, "Eve", account()), invited.edit, 4)
        for chat in (ada, ben):
            await chat.all_in(4)
        await ada.say("A story.")
        mark = await eve.wait(says("A story."))
        await eve.marked(mark["id"], "⏳")
        (desk,) = {
            int(number)
            for number, held in (await ada.who.call("get_contacts_by_ids", await ada.who.members(ada.chat))).items()
            if held["displayName"] == "Caravan"
        }
        (at_eve,) = {
            int(number)
            for number, held in (await eve.who.call("get_contacts_by_ids", await eve.who.members(eve.chat))).items()
            if held["displayName"] == "Caravan"
        }
        await eve.who.call("remove_contact_from_chat", eve.chat, at_eve)
        await ada.all_in(3)
        await ben.all_in(3)
        (channel,) = set(await reader.who.members(reader.chat)) - {MYSELF}
        private = Chat(reader.who, await reader.who.call("create_chat_by_contact_id", channel))
        await private.say("What is going on?")
        await ben.react((await ben.wait(says("A story.")))["id"])
        contacts = await ada.who.call("get_contacts_by_ids", await ada.who.members(ada.chat))
        (hostile,) = [int(number) for number, held in contacts.items() if held["address"] == eve.who.address]
        await ada.who.call("remove_contact_from_chat", ada.chat, hostile)
        await ada.who.call("add_contact_to_chat", ada.chat, desk)
        await ada.wait(says("What is going on?"))
        await ada.say("Another story.")
        await ben.react((await ben.wait(says("Another story.")))["id"])
        await reader.wait(says("Another story."))
        status, out, _ = await angarium("channel", "invite", "--channel", room.folder, "--json")
        assert status == 0
        assert json.loads(out)["edit"] != invited.edit
        await eve.who.call("stop_io")
