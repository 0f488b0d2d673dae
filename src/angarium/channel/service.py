"""The channel's service: what happens in the editors' group and what readers write, to the desk; what it decides, out.

Events of the core are hints where to look, and nothing more: each look takes a message as it is now. After a start, and
whenever events may have been lost, everything that can still matter is looked at again. So it may be killed any time;
what was approved is published once. Memory is bounded: a message that is to be looked at is a number in a set.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from angarium.channel.archive import Archive
from angarium.channel.book import DeskBook
from angarium.channel.carrying import Carrier
from angarium.channel.decisions import Ask, Decision, Tell, Told
from angarium.channel.delivery import Delivery
from angarium.channel.desk import MYSELF, Desk
from angarium.channel.matters import File, Seen
from angarium.channel.newsroom import Newsroom
from angarium.channel.outbox import Outbox
from angarium.channel.publisher import Publisher, opened, running
from angarium.channel.replies import Replies
from angarium.lab.core import OVERFLOW, CoreEnded, CoreError, Event

__all__ = ["Build", "Service", "restarting", "service"]

log = logging.getLogger("angarium.channel")

Build = Callable[[], Awaitable[None]]
"""Writes the site. Called when something changed, and once after each start."""
APPROVING = frozenset("👍✅")
REFUSING = frozenset("👎❌")
RECENT = 1000
"""Messages of the group that are looked at again after a start."""
MANY = 10_000
"""Hints kept; where there are more, everything is looked at."""
COMPLETE = "Done"
OF_THE_GROUP = frozenset({"ChatModified", "ChatEphemeralTimerModified"})
"""Events that tell of a change to a chat itself."""
UNKNOWN = -1
"""A message that is quoted and not there any more: who quotes it replies all the same."""
AGAIN = 60.0
"""Seconds until what failed is tried again."""
SOON = 2.0
"""Seconds after which the core is asked for the first time to try again what it has not got rid of."""


class Service:
    """One channel under way. Made by `service`."""

    def __init__(self, newsroom: Newsroom, archive: Archive, publisher: Publisher, build: Build | None) -> None:
        settings = newsroom.settings()
        self.publisher = publisher
        self.archive = archive
        self._book = DeskBook(archive)
        self._outbox = Outbox(archive)
        self._carrier = Carrier(archive, self._book, self._outbox, newsroom.media(), settings)
        self._delivery = Delivery(publisher, archive, self._book, self._outbox, self._carrier)
        self.replies = Replies(archive, self._book, self._carrier, self._desk, settings.language)
        self._build = build
        self._hints: set[tuple[int, int]] = set()
        self._everything = True
        self._news = asyncio.Event()
        self._sent = asyncio.Event()
        self._stale = asyncio.Event()

    def hint(self, event: Event | None) -> None:
        """Note where something happened. None: the core has ended."""
        if event is None or event.kind == OVERFLOW or len(self._hints) >= MANY:
            self._everything = True
        elif message := event.fields.get("msgId") or 0:
            self._hints.add((event.fields.get("chatId") or 0, message))
        elif event.kind not in OF_THE_GROUP:
            return
        self._news.set()

    def wake(self) -> None:
        """Look at the outbox: something was put into it."""
        self._news.set()

    async def run(self) -> None:
        """Serve.

        Raises:
            CoreEnded: the core is gone.
        """
        async with asyncio.TaskGroup() as tasks:
            if self._build is not None:
                tasks.create_task(self._write_site(self._build))
            tasks.create_task(self._hurry())
            await self._delivery.empty()
            await self.publisher.call("start_io")
            await self._delivery.resume()
            self._news.set()
            while True:
                await self._news.wait()
                self._news.clear()
                await self._look()
                await self._delivery.empty()
                self._sent.set()
                if self._carrier.changed:
                    self._stale.set()

    def _desk(self) -> Desk:
        return self.publisher.desk(self._book)

    async def _look(self) -> None:
        """Follow the hints."""
        hints, self._hints = sorted(self._hints), set()
        await self.publisher.count_members()
        await self._mind_the_group()
        if self._everything:
            self._everything = False
            await self._look_again()
        carriers = []
        for chat, message in hints:
            if chat == self.publisher.group:
                await self._look_at(message)
            elif chat == self.publisher.channel:
                carriers.append(message)
            else:
                await self._read(message)
        if carriers:
            await self._delivery.confirm(carriers)

    async def _mind_the_group(self) -> None:
        """Whoever left the group, or was put out, is not to come back by the invitation that they had; and nothing of
        what is voted on may delete itself, since that would look as if its author had done so."""
        here, before = self.publisher.members, self._book.members()
        try:
            if MYSELF in here:
                await self.publisher.keep_messages()
                if before - here:
                    await self.publisher.renew(self.archive, withdraw=True)
        except CoreError as error:
            log.warning("the editors' group could not be looked after: %s", error)
            return
        if before != here:
            with self.archive.writing():
                self._book.note_members(here)
                self._carrier.carry(self._on_other_members(before, here))

    def _on_other_members(self, before: frozenset[int], here: frozenset[int]) -> list[Decision]:
        if MYSELF not in here:
            log.error("the channel was put out of its editors' group; once an editor puts it in again, it goes on")
            return []
        decided: list[Decision] = []
        if before and MYSELF not in before:  # what there was to ask meanwhile was sent to nobody
            decided += [Ask(number) for number, motion in self._book.motions.items() if not motion.ballot]
        if before - here:
            decided.append(Tell(Told.RENEWED, 0))
        return decided

    async def _look_again(self) -> None:
        """Look at all that can still matter: the latest messages of the group, ballots and votes, and letters nobody
        has read."""
        there = await self.publisher.call("get_message_ids", self.publisher.group, False, False)
        votes = {message for motion in self._book.motions.values() for message in (motion.ballot, *motion.by_reply)}
        recent = set(sorted(there)[-RECENT:])
        for message in sorted(recent | (votes - {0})):
            await self._look_at(message)
        oldest = min(recent, default=0)
        for number in [draft for draft in self._book.drafts if draft >= oldest and draft not in recent]:
            await self._look_at(number)
        for message in await self.publisher.call("get_fresh_msgs"):
            await self._read(message)
        with self.archive.writing():
            self._book.forget()

    async def _look_at(self, message: int) -> None:
        """Show the desk a message of the group as it is now, and carry out what it decides."""
        if not await self.publisher.existing([message]):
            with self.archive.writing():
                self._carrier.carry(self._desk().gone(message))
            return
        try:
            held = await self.publisher.call("get_message", message)
        except CoreError:
            return  # deleted at this very moment, which is another hint
        if held["isInfo"] or held["chatId"] != self.publisher.group or held["downloadState"] != COMPLETE:
            return
        with self.archive.writing():
            self._carrier.carry(self._desk().see(_seen(held)))

    async def _read(self, message: int) -> None:
        """Read what a person wrote to the channel; of everybody else there is nothing to read."""
        with contextlib.suppress(CoreError):
            held = await self.publisher.call("get_message", message)
            if held["isInfo"] or held["isBot"] or held["fromId"] < 10 or held["downloadState"] != COMPLETE:
                return
            if held["chatId"] in (self.publisher.group, self.publisher.channel):
                return
            quote = held.get("quote") or {}
            self.replies.letter(
                message,
                held["fromId"],
                held["text"],
                self._book.carried(quote.get("messageId") or 0),
                has_file=bool(held["file"]),
            )
            await self.publisher.call("markseen_msgs", [message])

    async def _hurry(self) -> None:
        """Have the core try again what did not get through, by another relay if there is one: by itself it waits
        longer each time, up to an hour, as a phone must."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._sent.wait(), AGAIN)
            self._sent.clear()
            pause = SOON
            while True:
                await asyncio.sleep(pause)
                if await self.publisher.idle():
                    break
                await self.publisher.core.call("maybe_network")
                pause = min(pause * 2, AGAIN)

    async def _write_site(self, build: Build) -> None:
        while True:
            self._carrier.changed = False
            self._stale.clear()
            try:
                await build()
            except Exception as error:
                log.error("the site could not be written (%s: %s); trying again", type(error).__name__, error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stale.wait(), AGAIN)
                continue
            self.archive.scrub()  # it could not be while the site was written
            await self._stale.wait()


def _seen(held: dict[str, Any]) -> Seen:
    reactions = (held.get("reactions") or {}).get("reactionsByContact", {})
    by_sign = {int(member): {sign.rstrip("\ufe0f") for sign in signs} for member, signs in reactions.items()}
    quote, file = held.get("quote"), None
    if held["file"]:
        size = held["dimensionsWidth"], held["dimensionsHeight"], held["duration"]
        file = File(held["file"], held["fileName"] or "", held["viewType"], *(max(each or 0, 0) for each in size))
    return Seen(
        message=held["id"],
        by=held["fromId"],
        text=held["text"],
        edited=held["isEdited"],
        quoted=quote.get("messageId", UNKNOWN) if quote else 0,
        file=file,
        approving=frozenset(member for member, signs in by_sign.items() if signs & APPROVING),
        refusing=frozenset(member for member, signs in by_sign.items() if signs & REFUSING),
    )


@contextlib.asynccontextmanager
async def service(newsroom: Newsroom, build: Build | None = None) -> AsyncIterator[Service]:
    """The service of a channel, ready to run.

    Raises:
        CoreMissing, NotEstablished, BadSettings, ArchiveError: it cannot be.
        CoreEnded: the core ended, or another one holds the folder.
    """
    with newsroom.archive() as archive:
        async with running(newsroom.folder) as core:
            publisher = await opened(core, archive, newsroom.settings())
            under_way = Service(newsroom, archive, publisher, build)
            with core.listening(publisher.profile, under_way.hint):
                yield under_way


async def restarting(newsroom: Newsroom, build: Build | None, with_: Callable[[Service], Awaitable[None]]) -> None:
    """Run the service, and again whenever the core ended. Raises what `service` raises but CoreEnded."""
    pause = 1.0
    while True:
        began = asyncio.get_running_loop().time()
        try:
            async with service(newsroom, build) as under_way:
                await with_(under_way)
        except* CoreEnded:
            log.warning("the core has ended; starting it again")
        if asyncio.get_running_loop().time() - began > AGAIN:
            pause = 1.0
        await asyncio.sleep(pause)
        pause = min(pause * 2, AGAIN)
