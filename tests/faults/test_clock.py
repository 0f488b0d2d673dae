"""A clock that jumps: no mail is deleted for it at once, and numbers in mailboxes only ever grow."""

from pathlib import Path

from angarium.mail import settings
from angarium.mail.retention import Retention
from angarium.store.interfaces import Letter
from angarium.store.sealed import Sealed
from angarium.store.store import open_sqlite

TODAY = 20_000
DAY = 86_400.0


class Machine:
    """A clock, and the time that really passed."""

    day = TODAY
    passed = 0.0


async def test_a_wild_clock_deletes_nothing_and_a_right_one_does(tmp_path: Path) -> None:
    machine = Machine()
    store = open_sqlite(tmp_path, Sealed(bytes(32)))
    retention = Retention(
        settings.Retention(),
        store.accounts,
        store.mailboxes,
        store.invitations,
        lambda: machine.day,
        passed=lambda: machine.passed,
    )
    await store.accounts.create("alice", "password", day=TODAY)
    await store.mailboxes.deliver([Letter(b"hello", ("alice",))], day=TODAY)
    for machine.day in (TODAY + 10_000, 0, TODAY + 91, TODAY):
        for _ in range(3):
            await retention.sweep()
            machine.passed += 3600
        assert await store.mailboxes.messages() == 1
        assert await store.accounts.count() == 1
    machine.day, machine.passed = TODAY + 21, machine.passed + 21 * DAY
    await retention.sweep()
    assert await store.mailboxes.messages() == 0
    await store.close()


async def test_numbers_grow_though_days_do_not(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, Sealed(bytes(32)))
    alice = await store.accounts.create("alice", "password", day=TODAY)
    days = [TODAY, TODAY + 10_000, 0, TODAY]
    for day in days:
        await store.mailboxes.deliver([Letter(b"hello", ("alice",))], day=day)
    entries = (await store.mailboxes.snapshot(alice, "INBOX")).entries
    assert [entry.uid for entry in entries] == sorted(entry.uid for entry in entries)
    assert [entry.modseq for entry in entries] == sorted({entry.modseq for entry in entries})
    assert [entry.day for entry in entries] == days
    for day in (0, TODAY):
        await store.accounts.login("alice", "password", day=day)
    assert await store.accounts.expire(before_day=TODAY) == 0, "the latest login counts"
    await store.close()
