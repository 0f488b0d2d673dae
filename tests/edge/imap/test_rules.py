"""The three hard rules, on the wire; and many devices in any order, which must all count as the relay does.

Breaking one of these loses somebody a message.
"""

import random
import re
from typing import TYPE_CHECKING

import pytest

from angarium.store.interfaces import Letter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.edge.imap.conftest import Client, Relay

    Device = Callable[..., Awaitable[Client]]

TODAY = 20_000


async def test_rule_1_nothing_is_said_between_a_tagged_ok_and_idling(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await relay.deliver(times=2)
    await client.say(b"i IDLE\r\n")
    assert await client.line() == b"+ idling"
    assert await client.line() == b"* 2 EXISTS"
    assert await client.done() == []
    await relay.deliver()
    await client.say(b"a IDLE\r\nDONE\r\n")
    assert await client.until(b"a ") == [b"+ idling", b"* 3 EXISTS", b"a OK Completed"]


async def test_rule_1_mail_that_comes_during_a_command_is_told_before_its_end_or_in_idle(
    relay: "Relay", device: "Device"
) -> None:
    client = await device(b"INBOX")
    await relay.deliver()
    assert await client.ok(b'GETQUOTAROOT "INBOX"') == [
        b"1 EXISTS",
        b'QUOTAROOT "INBOX" "account"',
        b'QUOTA "account" (STORAGE 3 512000)',
    ]
    await client.idle()
    assert await client.done() == []


async def test_rule_2_flags_wait_for_idle_noop_or_check(relay: "Relay", device: "Device") -> None:
    await device()
    await relay.deliver(times=2)
    one, other = await device(b"INBOX"), await device(b"INBOX")
    await other.ok(b"UID STORE 1:2 +FLAGS (\\Seen)")
    fetched = await one.ok(b"UID FETCH 1 (FLAGS BODY.PEEK[])")
    assert [response[:30] for response in fetched] == [b"1 FETCH (UID 1 FLAGS (\\Seen) B"]
    await other.ok(b"UID STORE 1:2 +FLAGS.SILENT (\\Flagged)")
    for command in (
        b"UID FETCH 2 (UID RFC822.SIZE)",
        b"UID SEARCH ALL",
        b'GETQUOTAROOT "INBOX"',
        b"STATUS INBOX (MESSAGES)",
        b"UID STORE 1 +FLAGS.SILENT (x)",
        b"EXPUNGE",
    ):
        assert all(b"FLAGS" not in response for response in await one.ok(command)), command
    assert await one.ok(b"NOOP") == [
        b"1 FETCH (UID 1 FLAGS (\\Flagged \\Seen x))",
        b"2 FETCH (UID 2 FLAGS (\\Flagged \\Seen))",
    ]
    await other.ok(b"UID STORE 1 FLAGS (\\Seen)")
    await one.idle()
    assert await one.line() == b"* 1 FETCH (UID 1 FLAGS (\\Seen))"
    await other.ok(b"UID STORE 1 FLAGS ()")
    assert await one.line() == b"* 1 FETCH (UID 1 FLAGS ())"
    assert await one.done() == []


async def test_rule_3_search_and_fetch_see_new_mail_that_was_not_announced(relay: "Relay", device: "Device") -> None:
    client = await device(b"INBOX")
    await client.idle()
    assert await client.done() == []
    await relay.deliver()
    assert (await client.ok(b"UID SEARCH UNSEEN"))[-1] == b"SEARCH 1"
    await relay.deliver()
    [exists, fetched] = await client.ok(b"UID FETCH 2:501 (UID BODY.PEEK[])")
    assert exists == b"2 EXISTS"
    assert fetched.startswith(b"2 FETCH (UID 2 BODY[] {")
    assert relay.mail in fetched
    assert await client.ok(b"UID FETCH 3:502 (UID)") == []


async def test_expunges_are_not_told_while_numbers_count(relay: "Relay", device: "Device") -> None:
    await device()
    await relay.deliver(times=3)
    one, other = await device(b"INBOX"), await device(b"INBOX")
    await other.ok(b"UID STORE 1 +FLAGS (\\Deleted)")
    assert await other.ok(b"EXPUNGE") == [b"1 EXPUNGE"]
    assert await one.ok(b"FETCH 1:3 UID") == [b"1 FETCH (UID 1)", b"2 FETCH (UID 2)", b"3 FETCH (UID 3)"]
    assert await one.ok(b"SEARCH ALL") == [b"SEARCH 2 3"]
    assert await one.refused(b"FETCH 1 BODY.PEEK[]") == b"NO [EXPUNGEISSUED] Some of these messages are gone"
    assert await one.refused(b"STORE 1 +FLAGS (x)") == b"NO [EXPUNGEISSUED] Some of these messages are gone"
    assert await one.ok(b"UID FETCH 1 BODY.PEEK[]") == []
    assert await one.ok(b"UID STORE 1 +FLAGS (x)") == []
    assert await one.ok(b"CHECK") == [b"1 EXPUNGE"]
    assert await one.ok(b"FETCH 1 UID") == [b"1 FETCH (UID 2)"]


EXISTS = re.compile(rb"\* (\d+) EXISTS")
EXPUNGE = re.compile(rb"\* (\d+) EXPUNGE")
FETCH = re.compile(rb"\* (\d+) FETCH \(UID (\d+)(?: FLAGS \(([^)]*)\))?(?: X)?\)")


class Counting:
    """A device that believes what it is told, and complains when that cannot be."""

    def __init__(self, client: "Client") -> None:
        self.client = client
        self.uids: list[int | None] = []
        """By number; None where the message was announced and not yet asked for."""
        self.idling = False

    async def do(self, command: bytes, *, forbidden: bytes) -> bytes:
        untagged = (await self.client.do(command))[:-1]
        for response in untagged:
            assert not re.search(forbidden, response), (command, response)
            self.hear(response)
        return b"\n".join(untagged)

    def hear(self, response: bytes) -> None:
        if exists := EXISTS.fullmatch(response):
            count = int(exists[1])
            assert count >= len(self.uids)
            self.uids += [None] * (count - len(self.uids))
        elif expunge := EXPUNGE.fullmatch(response):
            del self.uids[int(expunge[1]) - 1]
        elif fetch := FETCH.fullmatch(response):
            number, uid = int(fetch[1]), int(fetch[2])
            assert self.uids[number - 1] in (uid, None), "the relay counts otherwise"
            self.uids[number - 1] = uid

    async def step(self, chance: random.Random) -> None:
        some = chance.randint(1, max(len(self.uids), 1))
        uid = chance.choice([one for one in self.uids if one] or [1])
        flags = rb" FLAGS| EXPUNGE"
        match chance.randrange(9):
            case 0:
                await self.do(b"NOOP", forbidden=rb"$^")
            case 1 if self.uids:
                await self.do(b"FETCH 1:* UID", forbidden=flags)
                assert None not in self.uids
            case 2:
                await self.do(b"UID FETCH 1:* UID", forbidden=flags)
            case 3:
                await self.do(b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid, forbidden=flags)
            case 4 if self.uids:
                await self.do(b"STORE %d +FLAGS.SILENT (x%d)" % (some, chance.randrange(3)), forbidden=flags)
            case 5:
                await self.do(b"EXPUNGE", forbidden=rb" FETCH")
            case 6:
                await self.do(b"UID SEARCH ALL", forbidden=flags)
            case 7:
                await self.do(b"UID EXPUNGE %d" % uid, forbidden=rb" FETCH")
            case 8:
                await self.client.idle()
                for response in await self.client.done():
                    self.hear(response)


@pytest.mark.parametrize("relay", ["memory", "sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(4))
async def test_devices_count_as_the_relay_does(relay: "Relay", device: "Device", seed: int) -> None:
    chance = random.Random(seed)
    devices = [Counting(await device(b"INBOX")) for _ in range(3)]
    for _ in range(60):
        if chance.random() < 0.3:
            await relay.store.mailboxes.deliver(
                [Letter(b"Subject: x\r\n\r\n", ("alice1234",))] * chance.randint(1, 3), day=TODAY
            )
        else:
            await chance.choice(devices).step(chance)
    snapshot = await relay.store.mailboxes.snapshot(await relay.owner(), "INBOX")
    there = [entry.uid for entry in snapshot.entries]
    for one in devices:
        found = await one.client.ok(b"UID SEARCH ALL")
        assert found[-1] == b" ".join([b"SEARCH", *(b"%d" % uid for uid in there)])
        one.hear(b"* " + found[0])
        await one.do(b"NOOP", forbidden=rb"$^")
        if there:
            await one.do(b"FETCH 1:* UID", forbidden=rb"$^")
        assert one.uids == there
