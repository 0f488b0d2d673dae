"""Sending what is in the outbox through the core, each job once, one after the other.

`send_msg` puts a message into the core's database, and the core takes it from there, however long that takes; so a job
is done when the message is in that database. Killed in between, we find it there (`outbox`). A message that the core
had not handed to the relay when both were killed is sent again under its own Message-ID, which every app takes once.
"""

import logging
import os
from typing import Any

from angarium.channel.archive import Archive
from angarium.channel.book import DeskBook
from angarium.channel.carrying import Carrier
from angarium.channel.outbox import CHANNEL, DESK, Delete, Edit, Forget, Job, Outbox, React, Send
from angarium.channel.publisher import Publisher
from angarium.lab.core import CoreError

__all__ = ["Delivery"]

log = logging.getLogger("angarium.channel")

MYSELF = 1
FAILED, DELIVERED = 24, 26
"""States of a message in the core (DC_STATE_OUT_FAILED, DC_STATE_OUT_DELIVERED); read by its receivers is more."""


class Delivery:
    """Sends for one channel."""

    def __init__(
        self, publisher: Publisher, archive: Archive, book: DeskBook, outbox: Outbox, carrier: Carrier
    ) -> None:
        self._publisher = publisher
        self._archive = archive
        self._book = book
        self._outbox = outbox
        self._carrier = carrier

    async def empty(self) -> None:
        """Do all jobs there are.

        Raises:
            CoreEnded: the core is gone; what was not done yet is still there.
        """
        while found := self._outbox.first():
            number, job, before = found
            try:
                await self._do(number, job, before)
            except CoreError as error:
                log.warning("the core refused a job of the kind %s", type(job).__name__)
                with self._archive.writing():
                    self._outbox.done(number)
                    if isinstance(job, Send) and job.draft:
                        self._carrier.not_sent(job.draft, str(error))

    async def _do(self, number: int, job: Job, before: int | None) -> None:
        match job:
            case Send():
                await self._send(number, job, before)
                return
            case Edit():
                await self._edit(job)
            case Delete():
                messages = [message for _, message in self._book.carriers(job.draft)]
                if there := await self._publisher.existing(messages):
                    await self._publisher.call("delete_messages_for_all", there)
                self._book.drop_carriers(job.draft)
            case Forget():
                if there := await self._publisher.existing([job.message]):
                    await self._publisher.call("delete_messages_for_all", there)
                self._outbox.done(number)
                self._archive.scrub()
                return
            case React():
                if await self._publisher.existing([job.message]):
                    await self._publisher.call("send_reaction", job.message, [job.sign])
        self._outbox.done(number)

    async def _send(self, number: int, job: Send, before: int | None) -> None:
        put = job.motion or job.beside
        if put and put not in self._book.motions:  # settled, or put otherwise, meanwhile
            self._outbox.done(number)
            return
        chat = await self._chat(job)
        message = None if before is None else await self._found(chat, before)
        if message is None:
            data = await self._message(job)
            self._outbox.begin(number, await self._last(chat))
            message = await self._publisher.call("send_msg", chat, data)
        with self._archive.writing():
            if job.draft:
                self._book.carry(message, job.draft, job.part)
            if job.beside:
                self._book.put_beside(message, self._book.motions[job.beside].about)
            if job.to == DESK:
                self._publisher.desk(self._book).sent(message, motion=job.motion, reference=job.about)
            self._outbox.done(number)

    async def _chat(self, job: Send) -> int:
        if job.to in (CHANNEL, DESK):
            return self._publisher.channel if job.to == CHANNEL else self._publisher.group
        return int(await self._publisher.call("create_chat_by_contact_id", int(job.to)))

    async def _message(self, job: Send) -> dict[str, Any]:
        data: dict[str, Any] = {"text": job.text}
        if job.sender:
            data["overrideSenderName"] = job.sender
        if job.file:
            if not os.path.exists(job.file):  # noqa: ASYNC240 (a look, on a disk of our own)
                raise CoreError("what was attached is gone")
            data |= {"file": job.file, "filename": job.name, "viewtype": job.view}
        quoted = self._book.motions[job.beside].ballot if job.beside else job.quoted
        if quoted and await self._publisher.existing([quoted]):
            data["quotedMessageId"] = quoted
        return data

    async def _last(self, chat: int) -> int:
        return max(await self._publisher.call("get_message_ids", chat, False, False), default=0)

    async def _found(self, chat: int, before: int) -> int | None:
        """The message of ours behind `before`, if there is one."""
        later = [each for each in await self._publisher.call("get_message_ids", chat, False, False) if each > before]
        for message in sorted(later):
            held = await self._publisher.call("get_message", message)
            if held["fromId"] == MYSELF and not held["isInfo"]:
                return int(message)
        return None

    async def _edit(self, job: Edit) -> None:
        """Change the words of a post. One that had none has them added behind it, since the core adds none."""
        carriers = await self._publisher.existing([message for _, message in self._book.carriers(job.draft)])
        for message in carriers:
            if (await self._publisher.call("get_message", message))["text"]:
                await self._publisher.call("send_edit_request", message, job.text)
                return
        if carriers:
            parts = len(self._book.carriers(job.draft))
            self._outbox.put(Send(to=CHANNEL, text=job.text, draft=job.draft, part=parts))

    async def confirm(self, messages: list[int] | None = None) -> None:
        """See of messages that carry posts, or all that are under way, whether the relay has them.

        Raises:
            CoreEnded: the core is gone.
        """
        waiting = set(self._book.under_way())
        for message in waiting.intersection(waiting if messages is None else messages):
            try:
                held = await self._publisher.call("get_message", message)
            except CoreError:
                self._book.arrived(message)
                continue
            if held["state"] >= DELIVERED:
                self._book.arrived(message)
            elif held["state"] == FAILED:
                with self._archive.writing():
                    self._book.arrived(message)
                    self._carrier.not_sent(self._book.carried(message), held.get("error") or "")

    async def resume(self) -> None:
        """After a start: hand the core again what it has not handed to the relay and no longer means to.

        Raises:
            CoreEnded: the core is gone.
        """
        await self.confirm()
        if (left := self._book.under_way()) and await self._publisher.idle():
            await self._publisher.call("resend_messages", left)
