"""Retention: the settings as rules, and sweeps that go on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from angarium.mail import settings
from angarium.mail.retention import MARK_DAYS, SETTLE_SECONDS, Retention, rules
from angarium.store.interfaces import Letter, Rules, StoreFull
from angarium.store.seal import Clear
from angarium.store.store import Store, open_memory

TODAY = 1000


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    store = open_memory(Clear(bytes(32)))
    yield store
    await store.close()


def retention(store: Store, chosen: settings.Retention | None = None, **more: Any) -> Retention:
    return Retention(
        chosen or settings.Retention(),
        *(store.accounts, store.mailboxes, store.invitations, store.marks),
        lambda: TODAY,
        **more,
    )


def test_the_defaults_are_the_references() -> None:
    assert rules(settings.Retention(), TODAY) == Rules(
        before_day=TODAY - 20,
        large_bytes=200_000,
        large_seen_before_day=TODAY - 7,
        quota_high=393_216_000,
        quota_low=367_001_600,
        quota_before_day=TODAY - 1,
    )


def test_nought_days_keep_for_ever() -> None:
    made = rules(settings.Retention(message_days=0, large_seen_days=0), TODAY)
    assert made.before_day is None
    assert made.large_seen_before_day is None


def test_a_low_mark_above_the_high_one_is_the_high_one() -> None:
    made = rules(settings.Retention(quota_high_percent=50, quota_low_percent=90), TODAY)
    assert made.quota_low == made.quota_high


async def test_a_sweep_forgets_what_is_due(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    await store.accounts.create("gone-for-long", "password", day=TODAY - 91)
    alice = await store.accounts.create("alice", "password", day=TODAY - 90)
    await store.invitations.add("old", uses=1, expires_day=TODAY - 1)
    await store.invitations.add("new", uses=1, expires_day=TODAY)
    for day in (TODAY - 21, TODAY - 20):
        await store.mailboxes.deliver([Letter(b"hello", ("alice",))], day=day)
    with caplog.at_level(logging.INFO):
        await retention(store).sweep()
    assert await store.accounts.count() == 1
    assert [entry.uid for entry in (await store.mailboxes.snapshot(alice, "INBOX")).entries] == [2]
    assert await store.invitations.valid("new", day=TODAY)
    assert await store.invitations.forget(before_day=TODAY) == 0
    assert "alice" not in caplog.text
    assert "gone" not in caplog.text


async def test_what_came_from_other_relays_is_known_for_some_days(store: Store) -> None:
    await store.accounts.create("alice", "password", day=TODAY)
    for day in (TODAY - MARK_DAYS - 1, TODAY - MARK_DAYS):
        assert await store.marks.deliver(Letter(b"hello", ("alice",)), b"%d" % day, day=day)
    await retention(store).sweep()
    assert await store.marks.deliver(Letter(b"hello", ("alice",)), b"%d" % (TODAY - MARK_DAYS - 1), day=TODAY)
    assert not await store.marks.deliver(Letter(b"hello", ("alice",)), b"%d" % (TODAY - MARK_DAYS), day=TODAY)


async def test_accounts_may_stay_for_ever(store: Store) -> None:
    await store.accounts.create("alice", "password", day=0)
    await retention(store, settings.Retention(account_days=0)).sweep()
    assert await store.accounts.count() == 1


async def test_sweeps_go_on_after_a_failing_disk(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []
    done = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 5:
            done.set()
            await asyncio.Event().wait()

    sweeps = []

    async def sweep(rules: Rules) -> None:
        sweeps.append(rules)
        raise StoreFull("the disk is full")

    monkeypatch.setattr(store.mailboxes, "sweep", sweep)
    running = asyncio.create_task(retention(store, sleep=sleep).run())
    await done.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(sweeps) == 4
    assert pauses.pop(0) == SETTLE_SECONDS
    assert all(1800 <= pause <= 5400 for pause in pauses)
    assert len(set(pauses)) > 1
    assert "the disk is full" in caplog.text
