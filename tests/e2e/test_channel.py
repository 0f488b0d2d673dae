"""A newsroom with the real core: editors' group, approval, subscribers' apps, archive and site, there and back.

The channel's service is the program that a newsroom runs, in a process of its own, and is killed where that is meant.
"""

import asyncio
import contextlib
import io
import os
import signal
import sys
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from PIL import Image

from angarium.apps.check.links import fresh
from angarium.apps.check.throwaway import Relay
from angarium.channel.newsroom import Newsroom
from angarium.channel.post import MediumKind
from angarium.channel.publisher import Invitations
from angarium.lab.core import Core
from angarium.lab.profile import JOINED, Profile, new_profile

Angarium = Callable[..., Awaitable[tuple[int, str, str]]]
Serve = Callable[..., AbstractAsyncContextManager[asyncio.subprocess.Process]]
UP = b"The channel is up"
TURNS = 2
LONG = "A long story. " + "and so on " * 2000 + "The end."


@dataclass
class Place:
    """A chat as one person sees it."""

    who: Profile
    chat: int

    async def messages(self) -> list[dict[str, Any]]:
        """What is in it, the latest last, notes of the app itself left out."""
        ids = await self.who.call("get_message_ids", self.chat, False, False)
        held = await self.who.call("get_messages", ids)
        return [
            held[str(each)] for each in ids if held[str(each)]["kind"] == "message" and not held[str(each)]["isInfo"]
        ]

    async def wait(self, test: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The latest message that passes, once there is one."""
        found: list[dict[str, Any]] = []

        async def look() -> bool:
            found[:] = [message for message in await self.messages() if test(message)]
            return bool(found)

        await self.who.until(look)
        return found[-1]

    async def all_in(self, members: int) -> None:
        """Wait until this app knows so many members, itself among them."""

        async def look() -> bool:
            return len(await self.who.members(self.chat)) == members

        await self.who.until(look)

    async def say(self, text: str, file: Path | None = None, *, quoting: int = 0, view: str = "") -> int:
        """Send something."""
        data: dict[str, object] = {"text": text}
        if file:
            data |= {"file": str(file), "viewtype": view}
        if quoting:
            data["quotedMessageId"] = quoting
        return int(await self.who.call("send_msg", self.chat, data))

    async def react(self, message: int, sign: str = "👍") -> None:
        """React to a message."""
        await self.who.call("send_reaction", message, [sign])


@dataclass
class Cast:
    """A newsroom and the people around it."""

    room: Newsroom
    ada: Place
    ben: Place
    reader: Place


@pytest.fixture
def serve() -> Serve:
    """Starts the service of a newsroom; ends it in order, unless it was killed."""

    @contextlib.asynccontextmanager
    async def on(room: Newsroom, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
        command = (sys.executable, "-m", "angarium", "channel", "run", "--channel", str(room.folder), *options)
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, start_new_session=True)
        assert process.stdout is not None
        try:
            while UP not in (line := await process.stdout.readline()):
                assert line, "it ended"
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await process.wait()

    return on


@pytest_asyncio.fixture(loop_scope="session")
async def room(up: Relay, angarium: Angarium, tmp_path: Path) -> tuple[Newsroom, Invitations]:
    """A channel on the shared relay, with its invitations."""
    folder = tmp_path / "newsroom"
    options = ("--title", "Caravan", "--language", "fa", "--relay", up.ready.invitation, "--json")
    status, out, err = await angarium("channel", "init", "--channel", folder, *options)
    assert (status, err) == (0, "")
    return Newsroom(folder), msgspec.json.decode(out, type=Invitations)


@contextlib.asynccontextmanager
async def assembled(up: Relay, apps: Core, made: tuple[Newsroom, Invitations]) -> AsyncIterator[Cast]:
    """Two editors in the group and a reader in the channel; the service runs."""
    names = ("Ada", "Ben", "Reader")
    people = await asyncio.gather(
        *(new_profile(apps, name, fresh(up.ready.invitation), {"bot": "0"}) for name in names)
    )
    room, invited = made

    async def enter(who: Profile, link: str) -> Place:
        with who.when("SecurejoinJoinerProgress", progress=JOINED) as joined:
            chat = await who.call("secure_join", link)
            await joined
        return Place(who, chat)

    ada, ben, reader = await asyncio.gather(
        *(enter(who, link) for who, link in zip(people, (invited.edit, invited.edit, invited.subscribe), strict=True))
    )
    for place, members in ((ada, 3), (ben, 3), (reader, 2)):  # an app is told that it is through before it is in
        await place.all_in(members)
    yield Cast(room, ada, ben, reader)
    for who in people:
        await who.call("stop_io")


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


def says(text: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: text in message["text"]


async def test_from_the_editors_group_to_apps_and_site_and_back(
    up: Relay, apps: Core, room: tuple[Newsroom, Invitations], serve: Serve, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    async with serve(room[0], "--site", str(site)), assembled(up, apps, room) as cast:
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
        assert not any(name in page.read_text() for name in ("Ada", "Ben", ada.who.address, reader.who.address))


async def until(test: Callable[[], bool]) -> None:
    while not test():
        await asyncio.sleep(0.05)


async def test_killed_again_and_again_each_post_arrives_once(
    up: Relay, apps: Core, room: tuple[Newsroom, Invitations], serve: Serve
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        casts: list[Cast] = []
        for turn in range(TURNS):
            async with serve(room[0]) as process:
                if not casts:
                    casts.append(await stack.enter_async_context(assembled(up, apps, room)))
                (cast,) = casts
                for number in range(3):
                    await cast.ada.say(f"post {turn}.{number}")
                await cast.ben.wait(says(f"post {turn}.2"))
                for message in await cast.ben.messages():
                    if message["text"].startswith(f"post {turn}."):
                        await cast.ben.react(message["id"])
                if turn:  # the first time before anything can have been published, or nearly so
                    await cast.reader.wait(says(f"post {turn}."))
                kill(process.pid, with_core=bool(turn))
                await process.wait()
        async with serve(room[0]):
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


def kill(pid: int, *, with_core: bool) -> None:
    """End a service as a power cut would, its core too if that is meant; else the core sees that nobody is there."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(pid, signal.SIGKILL)
    for child in children if with_core else ():
        os.kill(int(child), signal.SIGKILL)
