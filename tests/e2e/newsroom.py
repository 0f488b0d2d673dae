"""A newsroom and the people around it: two editors in the group, a reader in the channel, each with the real core."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from angarium.apps.check.links import fresh
from angarium.channel.publisher import Invitations
from angarium.lab.core import Core
from angarium.lab.profile import JOINED, Profile, new_profile

__all__ = ["Cast", "Place", "Serve", "Service", "assembled", "entered", "says", "until"]


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

    async def gone(self, message: int) -> None:
        """Wait until a message is not there any more."""

        async def look() -> bool:
            return not await self.who.call("get_existing_msg_ids", [message])

        await self.who.until(look)

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
    """The people around a newsroom."""

    ada: Place
    ben: Place
    reader: Place


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


Serve = Callable[..., AbstractAsyncContextManager[Service]]


async def entered(who: Profile, link: str) -> Place:
    """Somebody scans an invitation, and is through."""
    with who.when("SecurejoinJoinerProgress", progress=JOINED) as joined:
        chat = await who.call("secure_join", link)
        await joined
    return Place(who, chat)


@contextlib.asynccontextmanager
async def assembled(relay: str, apps: Core, invited: Invitations) -> AsyncIterator[Cast]:
    """Two editors and a reader make profiles on a relay and scan their invitations; the channel's service runs."""
    people = await asyncio.gather(
        *(new_profile(apps, name, fresh(relay), {"bot": "0"}) for name in ("Ada", "Ben", "Reader"))
    )

    ada, ben, reader = await asyncio.gather(
        *(entered(who, link) for who, link in zip(people, (invited.edit, invited.edit, invited.subscribe), strict=True))
    )
    for place, members in ((ada, 3), (ben, 3), (reader, 2)):  # an app is told that it is through before it is in
        await place.all_in(members)
    yield Cast(ada, ben, reader)
    for who in people:
        await who.call("stop_io")


def says(text: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a message has that text in it."""
    return lambda message: text in message["text"]


async def until(test: Callable[[], bool]) -> None:
    """Wait for something that nobody announces, such as a file."""
    while not test():
        await asyncio.sleep(0.05)
