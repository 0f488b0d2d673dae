"""`kill -9` under load: what was answered 250 is there exactly once, what was not is there whole or not at all.

Senders submit as fast as they can to one, two or three mailboxes each time; the relay is killed at a random moment and
started again on the same data directory, several times over. At the end every mailbox is read.
"""

import asyncio
import contextlib
import random
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from angarium.apps.check.links import site
from angarium.apps.check.throwaway import Relay
from angarium.apps.check.trial import trial
from angarium.lab.clients import Imap, Submission
from angarium.lab.core import Core
from angarium.lab.mails import mark_of, sealed
from angarium.lab.profile import join

Start = Callable[..., AbstractAsyncContextManager[Relay]]
Impatient = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]
Mails = Callable[[Relay, str, str], Awaitable[list[bytes]]]

ROUNDS = 4
SENDERS = 16
MAILBOXES = 8
FILES = 30
PASSWORD = "the same for everybody"


@dataclass
class Sent:
    """What was submitted, by mark: to which mailboxes, and which of it was answered 250."""

    to: dict[str, tuple[str, ...]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)


async def submit(up: Relay, sender: str, mailboxes: list[str], sent: Sent) -> None:
    """Submit one message after another until the relay is gone."""
    with contextlib.suppress(ConnectionError):
        submission = await Submission.connect("127.0.0.1", up.port("submissions"))
        await submission.login(sender, PASSWORD)
        while True:
            mark = secrets.token_hex(8)
            to = tuple(random.sample(mailboxes, random.randint(1, 3)))
            message = sealed(sender, mark, size=random.choice((1500, 1500, 40_000)))
            sent.to[mark] = to
            await submission.send(sender, to, message)
            sent.answered.add(mark)


async def killed_under_load(up: Relay, senders: list[str], mailboxes: list[str], sent: Sent) -> None:
    enough = len(sent.answered) + 50
    async with asyncio.TaskGroup() as load:
        for sender in senders:
            load.create_task(submit(up, sender, mailboxes, sent))
        while len(sent.answered) < enough:
            await asyncio.sleep(0.01)
        await asyncio.sleep(random.uniform(0, 1))
        up.process.kill()
        await up.process.wait()


@pytest.mark.timeout(120)
async def test_nothing_that_was_answered_is_lost_or_doubled(start: Start, mails: Mails, tmp_path: Path) -> None:
    data = tmp_path / "relay"
    sent = Sent()
    senders: list[str] = []
    mailboxes: list[str] = []
    for _ in range(ROUNDS):
        async with start(data) as up:
            if not senders:
                domain = site(up.ready.invitation).name
                senders = [f"sender{number:03}@{domain}" for number in range(SENDERS)]
                mailboxes = [f"mailbox{number:03}@{domain}" for number in range(MAILBOXES)]
                for address in mailboxes:
                    imap = await Imap.connect("127.0.0.1", up.port("imaps"))
                    await imap.login(address, PASSWORD)
                    imap.abort()
            await killed_under_load(up, senders, mailboxes, sent)
    assert len(sent.answered) >= ROUNDS * 50
    async with start(data) as up:
        found = [(address, mark_of(mail)) for address in mailboxes for mail in await mails(up, address, PASSWORD)]

    copies = Counter(found)
    assert max(copies.values()) == 1, "nothing is there twice"
    expected = {(address, mark) for mark in sent.answered for address in sent.to[mark]}
    assert expected <= copies.keys(), "nothing that was answered is lost"
    for address, mark in copies.keys() - expected:
        assert all((other, mark) in copies for other in sent.to[mark]), "a message is there for all or for none"
        assert address in sent.to[mark]


async def test_an_app_in_the_middle_of_fetching_gets_the_rest_from_the_next_relay(
    start: Start, apps: Core, impatient: Impatient, tmp_path: Path
) -> None:
    data = tmp_path / "relay"
    picture = tmp_path / "picture.bin"
    picture.write_bytes(secrets.token_bytes(100_000))
    async with AsyncExitStack() as stack:
        async with start(data) as up:
            people = await stack.enter_async_context(trial(apps, up.ready.invitation, tmp_path))
            ada, ben = await people.enter("Ada"), await people.enter("Ben")
            await join(ben, ada)
            contact = await ben.call("lookup_contact_id_by_addr", ada.address)
            chat = await ben.call("create_chat_by_contact_id", contact)
            await ada.call("stop_io")
            with ben.when("MsgDelivered", times=FILES) as taken:
                for _ in range(FILES):
                    await people.send("pictures", ben, chat, [ada], picture)
                await taken
            with ada.when("IncomingMsg") as first:
                await ada.call("start_io")
                await first
            up.process.kill()
            await up.process.wait()
        async with start(data):
            await impatient(people.ledger.complete("pictures"))
            tally = people.ledger.tally("pictures", await people.held())
            assert (tally.expected, tally.delivered) == (FILES, FILES)
            for person in people.people:
                await person.call("stop_io")
