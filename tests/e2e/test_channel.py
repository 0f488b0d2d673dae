"""A newsroom with the real core: editors' group, approval, subscribers' apps, archive and site, there and back.

The channel's service is the program that a newsroom runs, and is killed where that is meant.
"""

import contextlib
import shutil
from pathlib import Path

import msgspec
import pytest

from angarium.apps.check.links import fresh
from angarium.apps.check.throwaway import Relay
from angarium.channel.keys import KeyMissing
from angarium.channel.newsroom import Newsroom
from angarium.channel.post import MediumKind
from angarium.channel.publisher import Invitations, opened, running
from angarium.lab.core import Core
from angarium.lab.profile import MYSELF
from tests.e2e.newsroom import (
    Angarium,
    Cast,
    Chat,
    assembled,
    entered,
    kill,
    person,
    picture,
    says,
    serving,
    until,
    voice,
)

TURNS = 2
LONG = "A long story. " + "and so on " * 2000 + "The end."


async def test_from_the_editors_group_to_apps_and_site_and_back(
    up: Relay, apps: Core, room: tuple[Newsroom, Invitations], tmp_path: Path
) -> None:
    site = tmp_path / "site"
    async with serving(room[0], "--site", str(site)), assembled(apps, room, lambda: fresh(up.ready.invitation)) as cast:
        ada, ben, reader = cast.ada, cast.ben, cast.reader
        await ada.say("/name Parvin")
        await ben.react((await ben.wait(says("/name Parvin")))["id"])
        await ada.wait(lambda message: "Parvin" in message["text"] and message["fromId"] != MYSELF)
        shown = await ada.say("A bridge\n\nIt is open. #roads", picture(tmp_path / "bridge.jpg"), view="Image")
        heard = await ada.say("", voice(tmp_path / "said.wav"), view="Voice")
        first = await ben.wait(says("A bridge"))
        second = await ben.wait(lambda message: message["viewType"] == "Voice")
        await ben.react(first["id"])
        await ben.say("انتشار", quoting=second["id"])

        got = await reader.wait(says("A bridge"))
        assert (got["text"], got["viewType"]) == ("A bridge\n\nIt is open. #roads", "Image")
        assert got["overrideSenderName"] == "Parvin"
        assert len(await reader.who.members(reader.chat)) == 2, "the channel and oneself"
        assert b"secret" not in Path(got["file"]).read_bytes()
        sound = await reader.wait(lambda message: message["viewType"] == "Voice")
        assert Path(sound["file"]).read_bytes() == (tmp_path / "said.wav").read_bytes()

        await ada.edit(shown, "A bridge\n\nIt is closed again. #roads")
        ballot = await ben.wait(says("closed again"))
        ballot = await ben.wait(lambda message: "closed again" in message["text"] and message["id"] != first["id"])
        await ben.react(ballot["id"], "✅")
        changed = await reader.wait(says("closed again"))
        assert (changed["id"], changed["isEdited"]) == (got["id"], True)

        await ada.delete(heard)
        with reader.who.when("MsgDeleted", msgId=sound["id"]) as gone:
            await ben.react((await ben.wait(says("پس گرفته شود")))["id"])
            await gone

        private = Chat(reader.who, await reader.who.call("create_chat_by_contact_id", got["fromId"]))
        await private.say("I was there.", quoting=got["id"])
        letter = await ben.wait(says("I was there."))
        assert "A bridge" in letter["text"]
        await ben.say("/answer Tell us more.", quoting=letter["id"])
        await private.wait(says("Tell us more."))
        await ben.react(letter["id"])
        await ada.say(LONG)
        await ben.react((await ben.wait(says("long story")))["id"])

        with cast.room.archive() as archive:
            await until(lambda: bool(archive.comments(1)) and archive.count() == 2)
            whole, filed = archive.posts()
            assert whole.post.text.words == LONG, "longer than apps show in one piece"
            assert (filed.number, filed.post.title, filed.post.author) == (1, "A bridge", "parvin")
            assert (filed.post.text.words, filed.post.tags) == ("It is closed again. #roads", ("roads",))
            assert [medium.kind for medium in filed.post.media] == [MediumKind.PHOTO]
            assert [comment.words for comment in archive.comments(1)] == ["I was there."]
            assert [(author.name, count) for author, count in archive.authors()] == [("Parvin", 2)]
        await until(lambda: bool(list(site.glob("post/*/1.html"))))
        (page,) = site.glob("post/*/1.html")
        await until(lambda: "closed again" in page.read_text() and "I was there." in page.read_text())
        for held in await reader.who.call("get_contacts", 0, None):
            assert held["address"] not in (ada.who.address, ben.who.address), "nor does the app know more"
        assert not any(name in page.read_text() for name in ("Ada", "Ben", ada.who.address, reader.who.address))


async def test_killed_again_and_again_each_post_arrives_once(
    up: Relay, apps: Core, room: tuple[Newsroom, Invitations]
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        casts: list[Cast] = []
        for turn in range(TURNS):
            async with serving(room[0]) as service:
                if not casts:
                    casts.append(
                        await stack.enter_async_context(assembled(apps, room, lambda: fresh(up.ready.invitation)))
                    )
                (cast,) = casts
                for number in range(3):
                    await cast.ada.say(f"post {turn}.{number}")
                await cast.ben.wait(says(f"post {turn}.2"))
                for message in await cast.ben.messages():
                    if message["text"].startswith(f"post {turn}."):
                        await cast.ben.react(message["id"])
                if turn:  # the first time before anything can have been published, or nearly so
                    await cast.reader.wait(says(f"post {turn}."))
                kill(service.process.pid, with_core=bool(turn))
                await service.process.wait()
        async with serving(room[0]):
            expected = sorted(f"post {turn}.{number}" for turn in range(TURNS) for number in range(3))

            async def all_there() -> bool:
                return len(await cast.reader.messages()) >= len(expected)

            await cast.reader.who.until(all_there)
            await cast.ada.say("/help")
            await cast.ada.wait(says("انتشار، پس‌گرفتن"))
            got = await cast.reader.messages()
            assert sorted(message["text"] for message in got) == expected
            with cast.room.archive() as archive:
                assert sorted(filed.post.text.words for filed in archive.posts()) == expected


async def test_a_copy_of_the_folder_speaks_as_the_channel(
    up: Relay, apps: Core, angarium: Angarium, room: tuple[Newsroom, Invitations], tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with serving(room[0]):
            cast = await stack.enter_async_context(assembled(apps, room, lambda: fresh(up.ready.invitation)))
            await cast.ada.say("A draft.")
            await cast.ben.marked((await cast.ben.wait(says("A draft.")))["id"], "⏳")
        copy = Newsroom(shutil.copytree(room[0].folder, tmp_path / "first copy"))
        assert str(copy.keys.load().public) in room[0].keys.public.read_text(), "it signs what it likes"
        secret = tmp_path / "passphrase"
        secret.write_text("five words that nobody knows\n")
        status, _, complained = await angarium(
            "channel", "passphrase", "--channel", room[0].folder, "--new-file", secret
        )
        assert (status, complained) == (0, "")
        taken = Newsroom(shutil.copytree(room[0].folder, tmp_path / "copy"))
        with pytest.raises(KeyMissing, match="behind a passphrase"):
            taken.keys.load()
        archive = stack.enter_context(taken.archive())
        core = await stack.enter_async_context(running(taken.folder))
        thief = await opened(core, archive, taken.settings())
        known = [
            held["address"]
            for chat in (thief.channel, thief.group)
            for held in (await thief.call("get_contacts_by_ids", await thief.call("get_chat_contacts", chat))).values()
        ]
        assert {who.address for who in (cast.ada.who, cast.ben.who, cast.reader.who)} <= set(known)
        drafts = await thief.call("get_messages", await thief.call("get_message_ids", thief.group, False, False))
        assert "A draft." in {message.get("text") for message in drafts.values()}
        await thief.call("start_io")
        await thief.call("send_msg", thief.channel, {"text": "Nobody approved of this."})
        await cast.reader.wait(says("Nobody approved"))


async def test_an_invitation_of_editors_that_got_about_lets_nobody_in_once_it_is_replaced(
    up: Relay, apps: Core, room: tuple[Newsroom, Invitations], angarium: Angarium
) -> None:
    newsroom, invited = room

    def account() -> str:
        return fresh(up.ready.invitation)

    async with contextlib.AsyncExitStack() as stack:
        async with serving(newsroom):
            cast = await stack.enter_async_context(assembled(apps, room, account))
        status, out, complained = await angarium("channel", "invite", "--renew", "--channel", newsroom.folder, "--json")
        assert (status, complained) == (0, "")
        renewed = msgspec.json.decode(out, type=Invitations)
        assert renewed.subscribe == invited.subscribe
        assert renewed.edit != invited.edit
        async with serving(newsroom):
            eve = await person(apps, "Eve", account())
            stack.push_async_callback(eve.call, "stop_io")
            with eve.when("SmtpMessageSent") as asked:
                await eve.call("secure_join", invited.edit)
                await asked
            cid = await entered(await person(apps, "Cid", account()), renewed.edit, 4)
            stack.push_async_callback(cid.who.call, "stop_io")
            await cast.ben.all_in(4)
            await cast.ben.say("Not for Eve")
            await cid.wait(says("Not for Eve"))
            known = await cast.ben.who.call("get_contacts_by_ids", await cast.ben.who.members(cast.ben.chat))
            assert eve.address not in {held["address"] for held in known.values()}
            assert "Not for Eve" not in await eve.texts()
