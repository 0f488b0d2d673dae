"""A newsroom with the real core: editors' group, approval, subscribers' apps, archive and site, there and back.

The channel's service is the program that a newsroom runs, in a process of its own, and is killed where that is meant.
"""

import contextlib
import io
import os
import signal
import wave
from pathlib import Path

import msgspec
from PIL import Image

from angarium.apps.check.links import fresh
from angarium.apps.check.throwaway import Relay
from angarium.channel.newsroom import Newsroom
from angarium.channel.post import MediumKind
from angarium.channel.publisher import Invitations
from angarium.lab.core import Core
from angarium.lab.profile import new_profile
from tests.e2e.conftest import Angarium
from tests.e2e.newsroom import Cast, Place, Serve, assembled, entered, says, until

TURNS = 2
LONG = "A long story. " + "and so on " * 2000 + "The end."


def voice(path: Path) -> Path:
    """A second of silence."""
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 8000, "NONE", "none"))
        sound.writeframes(bytes(16000))
    return path


def picture(path: Path) -> Path:
    """A picture whose camera wrote down a place."""
    drawn = Image.new("RGB", (64, 48), (200, 30, 30))
    exif = drawn.getexif()
    exif[0x010E] = "a place to be kept secret"
    octets = io.BytesIO()
    drawn.save(octets, "JPEG", exif=exif)
    path.write_bytes(octets.getvalue())
    return path


async def test_from_the_editors_group_to_apps_and_site_and_back(
    up: Relay, apps: Core, room: tuple[Newsroom, Invitations], serve: Serve, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    async with serve(room[0], "--site", str(site)), assembled(up.ready.invitation, apps, room[1]) as cast:
        ada, ben, reader = cast.ada, cast.ben, cast.reader
        await ada.say("/name Parvin")
        await ada.wait(says("Parvin"))
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

        await ada.who.call("send_edit_request", shown, "A bridge\n\nIt is closed again. #roads")
        ballot = await ben.wait(says("closed again"))
        ballot = await ben.wait(lambda message: "closed again" in message["text"] and message["id"] != first["id"])
        await ben.react(ballot["id"], "✅")
        changed = await reader.wait(says("closed again"))
        assert (changed["id"], changed["isEdited"]) == (got["id"], True)

        await ada.who.call("delete_messages_for_all", [heard])
        with reader.who.when("MsgDeleted", msgId=sound["id"]) as gone:
            await ben.react((await ben.wait(says("پس گرفته شود")))["id"])
            await gone

        private = Place(reader.who, await reader.who.call("create_chat_by_contact_id", got["fromId"]))
        await private.say("I was there.", quoting=got["id"])
        letter = await ben.wait(says("I was there."))
        assert "A bridge" in letter["text"]
        await ben.say("/answer Tell us more.", quoting=letter["id"])
        await private.wait(says("Tell us more."))
        await ben.react(letter["id"])
        await ada.say(LONG)
        await ben.react((await ben.wait(says("long story")))["id"])

        with room[0].archive() as archive:
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
        assert not any(name in page.read_text() for name in ("Ada", "Ben", ada.who.address, reader.who.address))


async def test_killed_again_and_again_each_post_arrives_once(
    up: Relay, apps: Core, room: tuple[Newsroom, Invitations], serve: Serve
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        casts: list[Cast] = []
        for turn in range(TURNS):
            async with serve(room[0]) as service:
                if not casts:
                    casts.append(await stack.enter_async_context(assembled(up.ready.invitation, apps, room[1])))
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
        async with serve(room[0]):
            expected = sorted(f"post {turn}.{number}" for turn in range(TURNS) for number in range(3))

            async def all_there() -> bool:
                return len(await cast.reader.messages()) >= len(expected)

            await cast.reader.who.until(all_there)
            await cast.ada.say("/help")
            await cast.ada.wait(says("انتشار، پس‌گرفتن"))
            got = await cast.reader.messages()
            assert sorted(message["text"] for message in got) == expected
            with room[0].archive() as archive:
                assert sorted(filed.post.text.words for filed in archive.posts()) == expected


def kill(pid: int, *, with_core: bool) -> None:
    """End a service as a power cut would, its core too if that is meant; else the core sees that nobody is there."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(pid, signal.SIGKILL)
    for child in children if with_core else ():
        os.kill(int(child), signal.SIGKILL)


async def test_whoever_has_left_does_not_come_in_again_by_the_invitation_they_have(
    up: Relay, apps: Core, room: tuple[Newsroom, Invitations], serve: Serve, angarium: Angarium
) -> None:
    newsroom, invited = room
    async with contextlib.AsyncExitStack() as stack:
        async with serve(newsroom):
            cast = await stack.enter_async_context(assembled(up.ready.invitation, apps, invited))
            ada, ben = cast.ada, cast.ben
            await ada.say("Mine")
            mine = await ben.wait(says("Mine"))
            await ben.who.call("remove_contact_from_chat", ben.chat, mine["fromId"])
            await ada.all_in(2)
        status, out, complained = await angarium("channel", "invite", "--renew", "--channel", newsroom.folder, "--json")
        assert (status, complained) == (0, "")
        renewed = msgspec.json.decode(out, type=Invitations)
        assert renewed.subscribe == invited.subscribe
        assert renewed.edit != invited.edit
        async with serve(newsroom):
            with ada.who.when("SmtpMessageSent") as asked:
                await ada.who.call("secure_join", invited.edit)
                await asked
            cid = await entered(await new_profile(apps, "Cid", fresh(up.ready.invitation), {"bot": "0"}), renewed.edit)
            await ben.all_in(3)
            await ben.say("Not for Ada")
            await cid.wait(says("Not for Ada"))
            assert len(await ben.who.members(ben.chat)) == 3
            assert "Not for Ada" not in await ada.who.texts()
            await cid.who.call("stop_io")
