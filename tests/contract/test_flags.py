"""Flags and mod-sequences (RFC 3501, 2.3.2; RFC 7162)."""

from typing import TYPE_CHECKING

import pytest

from angarium.store.interfaces import Owner
from angarium.wire.imap.entry import Entry

if TYPE_CHECKING:
    from tests.contract.conftest import World


def flags(*names: str) -> frozenset[str]:
    return frozenset(names)


@pytest.fixture
async def alice(world: "World") -> Owner:
    alice = await world.account()
    for _ in range(3):
        await world.deliver(b"hello", "alice")
    return alice


async def entries(world: "World", owner: Owner) -> dict[int, Entry]:
    return {entry.uid: entry for entry in (await world.store.mailboxes.snapshot(owner, "INBOX")).entries}


async def test_flags_are_added_and_removed(world: "World", alice: Owner) -> None:
    mailboxes = world.store.mailboxes
    now, newer = await mailboxes.flag(alice, "INBOX", [3, 1, 99], add=flags("\\Seen", "Work"))
    assert [(entry.uid, entry.flags) for entry in now] == [(uid, flags("\\Seen", "Work")) for uid in (1, 3)]
    assert newer == ()
    now, _ = await mailboxes.flag(alice, "INBOX", [1], add=flags("\\Flagged"), remove=flags("\\Seen"))
    assert now[0].flags == flags("\\Flagged", "Work")
    after = await entries(world, alice)
    assert [after[uid].flags for uid in (1, 2, 3)] == [
        flags("\\Flagged", "Work"),
        flags(),
        flags("\\Seen", "Work"),
    ]
    assert after[1] == now[0]


async def test_every_system_flag_and_many_keywords(world: "World", alice: Owner) -> None:
    every = flags("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Forwarded", "$MDNSent", "a", "\\Odd")
    await world.store.mailboxes.flag(alice, "INBOX", [2], add=every)
    assert (await entries(world, alice))[2].flags == every


async def test_case_does_not_matter_and_the_first_spelling_stays(world: "World", alice: Owner) -> None:
    mailboxes = world.store.mailboxes
    await mailboxes.flag(alice, "INBOX", [1], add=flags("\\sEEN", "Work"))
    now, _ = await mailboxes.flag(alice, "INBOX", [1], add=flags("\\SEEN", "WORK"))
    assert now[0].flags == flags("\\Seen", "Work")
    now, _ = await mailboxes.flag(alice, "INBOX", [1], remove=flags("wORK", "\\seen"))
    assert now[0].flags == flags()


async def test_a_change_gets_a_higher_modseq_and_no_change_keeps_it(world: "World", alice: Owner) -> None:
    mailboxes = world.store.mailboxes
    before = await mailboxes.snapshot(alice, "INBOX")
    now, _ = await mailboxes.flag(alice, "INBOX", [1, 2], add=flags("\\Seen"))
    assert all(entry.modseq > before.modseq for entry in now)
    middle = await mailboxes.snapshot(alice, "INBOX")
    assert middle.modseq == max(entry.modseq for entry in now)
    again, _ = await mailboxes.flag(alice, "INBOX", [1, 2, 3], add=flags("\\seen"), remove=flags("Other"))
    assert again[:2] == now
    assert again[2].modseq > middle.modseq
    unchanged, _ = await mailboxes.flag(alice, "INBOX", [1, 2, 3], add=flags("\\Seen"))
    assert unchanged == again
    assert (await mailboxes.snapshot(alice, "INBOX")).modseq == again[2].modseq


async def test_what_was_changed_since_is_left_alone(world: "World", alice: Owner) -> None:
    mailboxes = world.store.mailboxes
    since = (await mailboxes.snapshot(alice, "INBOX")).modseq
    await mailboxes.flag(alice, "INBOX", [2], add=flags("\\Seen"))
    now, newer = await mailboxes.flag(alice, "INBOX", [1, 2, 3], add=flags("\\Flagged"), unchanged_since=since)
    assert [entry.uid for entry in now] == [1, 3]
    assert newer == (2,)
    assert (await entries(world, alice))[2].flags == flags("\\Seen")
    now, newer = await mailboxes.flag(alice, "INBOX", [1, 2, 3], add=flags("x"), unchanged_since=0)
    assert (now, newer) == ((), (1, 2, 3))


async def test_every_change_of_a_mailbox_raises_its_modseq(world: "World", alice: Owner) -> None:
    mailboxes = world.store.mailboxes
    seen = [(await mailboxes.snapshot(alice, "INBOX")).modseq]
    for change in (
        lambda: world.deliver(b"hello", "alice"),
        lambda: mailboxes.flag(alice, "INBOX", [4], add=flags("\\Deleted")),
        lambda: mailboxes.expunge(alice, "INBOX"),
        lambda: mailboxes.append(alice, "INBOX", b"hello", flags=flags(), day=1),
        lambda: mailboxes.copy(alice, "INBOX", [1], "INBOX"),
    ):
        await change()
        seen.append((await mailboxes.snapshot(alice, "INBOX")).modseq)
    assert seen == sorted(set(seen))


async def test_no_message_has_a_higher_modseq_than_its_mailbox(world: "World", alice: Owner) -> None:
    await world.store.mailboxes.flag(alice, "INBOX", [1], add=flags("\\Seen"))
    await world.store.mailboxes.copy(alice, "INBOX", [1, 2], "INBOX")
    snapshot = await world.store.mailboxes.snapshot(alice, "INBOX")
    assert max(entry.modseq for entry in snapshot.entries) <= snapshot.modseq
