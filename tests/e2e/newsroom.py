"""A newsroom and the people around it, as tests have them: editors' group, channel, and the program in between.

The channel's service is the program that a newsroom runs, in a process of its own.
"""

import asyncio
import contextlib
import io
import os
import re
import signal
import sys
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image

from angarium.channel.newsroom import Newsroom
from angarium.channel.publisher import Invitations
from angarium.lab.core import Core
from angarium.lab.profile import JOINED, Profile, new_profile

__all__ = [
    *("Angarium", "Cast", "Chat", "Service", "assembled", "entered", "founded", "kill", "person", "picture", "says"),
    *("serving", "until", "voice"),
]

Angarium = Callable[..., Awaitable[tuple[int, str, str]]]
UP = b"The channel is up"
PATIENCE = 90.0
"""Seconds after which what is waited for is said to be missing, by the line that waits for it."""


@dataclass
class Chat:
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

        await self._until(look)
        return found[-1]

    async def _until(self, look: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.who.until(look)

    async def all_in(self, members: int) -> None:
        """Wait until this app knows so many members, itself among them."""

        async def look() -> bool:
            return len(await self.who.members(self.chat)) == members

        await self._until(look)

    async def say(self, text: str, file: Path | None = None, *, quoting: int = 0, view: str = "") -> int:
        """Send something."""
        data: dict[str, object] = {"text": text}
        if file:
            data |= {"file": str(file), "viewtype": view}
        if quoting:
            data["quotedMessageId"] = quoting
        return int(await self.who.call("send_msg", self.chat, data))

    async def react(self, message: int, *signs: str) -> None:
        """React to a message: with a thumb, unless others are given."""
        await self.who.call("send_reaction", message, list(signs or ("👍",)))

    async def take_back(self, message: int) -> None:
        """Have no reaction to a message any more."""
        await self.who.call("send_reaction", message, [])

    async def edit(self, message: int, text: str) -> None:
        """Change what was said."""
        await self.who.call("send_edit_request", message, text)

    async def delete(self, message: int) -> None:
        """Delete what was said, for everybody."""
        await self.who.call("delete_messages_for_all", [message])

    async def gone(self, message: int) -> None:
        """Wait until a message is not there any more."""

        async def look() -> bool:
            return not await self.who.call("get_existing_msg_ids", [message])

        await self._until(look)

    async def published(self, message: int) -> None:
        """Wait until the desk has marked a message as published."""
        await self.marked(message, "📢")

    async def marked(self, message: int, sign: str) -> None:
        """Wait until somebody, such as the desk, has put that sign on a message."""

        async def look() -> bool:
            held = await self.who.call("get_message", message)
            reactions = (held.get("reactions") or {}).get("reactionsByContact", {})
            return any(sign in signs for signs in reactions.values())

        await self._until(look)


@dataclass
class Cast:
    """A newsroom and the people around it."""

    room: Newsroom
    ada: Chat
    ben: Chat
    reader: Chat


@dataclass
class Service:
    """A newsroom's program under way."""

    process: asyncio.subprocess.Process
    said: str
    """What it printed until it was up."""
    log: Path
    """What it complains of."""

    @property
    def form(self) -> int:
        """The port at which it takes comments."""
        found = re.search(r"port (\d+)", self.said)
        assert found, self.said
        return int(found[1])


async def founded(angarium: Angarium, folder: Path, *relays: str) -> tuple[Newsroom, Invitations]:
    """A channel on these relays, with its invitations."""
    options = ("--title", "Caravan", "--language", "fa", *(word for relay in relays for word in ("--relay", relay)))
    status, out, err = await angarium("channel", "init", "--channel", folder, *options, "--json")
    assert (status, err) == (0, "")
    return Newsroom(folder), msgspec.json.decode(out, type=Invitations)


@contextlib.asynccontextmanager
async def serving(room: Newsroom, *options: str) -> AsyncIterator[Service]:
    """The service of a newsroom, until the context ends; in order, unless it was killed."""
    command = (sys.executable, "-m", "angarium", "channel", "run", "--channel", str(room.folder), *options)
    log = room.folder.with_name(f"{room.folder.name}.log")
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=file, start_new_session=True
        )
    assert process.stdout is not None
    said = b""
    try:
        while UP not in said:
            line = await process.stdout.readline()
            assert line, log.read_text()
            said += line
        yield Service(process, said.decode(), log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def person(apps: Core, name: str, link: str, *others: str) -> Profile:
    """Somebody with an app, at these relays, who is no bot: some of what a bot may do a person may not."""
    settings: Mapping[str, str] = {"bot": "0"}
    who = await new_profile(apps, name, link, settings)
    for other in others:
        await who.call("add_transport_from_qr", other)
    return who


async def entered(who: Profile, link: str, members: int) -> Chat:
    """Have somebody scan an invitation, and wait until their app knows so many members."""
    with who.when("SecurejoinJoinerProgress", progress=JOINED) as joined:
        chat = Chat(who, await who.call("secure_join", link))
        async with asyncio.timeout(PATIENCE):
            await joined
    await chat.all_in(members)  # an app is told that it is through before it is in
    return chat


@contextlib.asynccontextmanager
async def assembled(apps: Core, made: tuple[Newsroom, Invitations], *relays: Callable[[], str]) -> AsyncIterator[Cast]:
    """Two editors in the group and a reader in the channel; the service runs. `relays`: each makes links to it."""
    room, invited = made
    people = await asyncio.gather(
        *(person(apps, name, *(link() for link in relays)) for name in ("Ada", "Ben", "Reader"))
    )
    ways = ((invited.edit, 3), (invited.edit, 3), (invited.subscribe, 2))
    chats = await asyncio.gather(*(entered(who, *way) for who, way in zip(people, ways, strict=True)))
    yield Cast(room, *chats)
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
    """Whether a message has that text in it."""
    return lambda message: text in message["text"]


async def until(test: Callable[[], bool]) -> None:
    """Wait until something holds that another process does."""
    while not test():
        await asyncio.sleep(0.05)


def kill(pid: int, *, with_core: bool) -> None:
    """End a service as a power cut would, its core too if that is meant; else the core sees that nobody is there."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(pid, signal.SIGKILL)
    for child in children if with_core else ():
        os.kill(int(child), signal.SIGKILL)
