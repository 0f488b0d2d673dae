"""Marks in memory: once for each mailbox, for some days, and no more of them than there may be."""

import pytest

from angarium.mail import once
from angarium.mail.once import MARK_DAYS, RecentlyDelivered
from angarium.store.interfaces import Letter, StoreFull
from angarium.store.seal import Clear
from angarium.store.store import open_memory

ONE, OTHER = bytes(32), bytes([1]) * 32
DAY = 20_000


@pytest.fixture
async def here() -> RecentlyDelivered:
    store = open_memory(Clear(bytes(32)))
    await store.accounts.create("anna", "password1", day=DAY)
    await store.accounts.create("otto", "password1", day=DAY)
    return RecentlyDelivered(store.mailboxes)


async def test_each_mailbox_takes_a_mark_once(here: RecentlyDelivered) -> None:
    assert await here.deliver(Letter(b"x", ("anna",)), ONE, day=DAY) == ("anna",)
    assert await here.deliver(Letter(b"y", ("anna", "otto")), ONE, day=DAY) == ("otto",)
    assert await here.deliver(Letter(b"z", ("anna", "otto")), ONE, day=DAY + 1) == ()
    assert await here.deliver(Letter(b"z", ("anna",)), OTHER, day=DAY + 1) == ("anna",)
    assert await here._mailboxes.messages() == 3


async def test_after_some_days_it_is_forgotten(here: RecentlyDelivered) -> None:
    await here.deliver(Letter(b"x", ("anna",)), ONE, day=DAY)
    assert await here.deliver(Letter(b"x", ("anna",)), ONE, day=DAY + MARK_DAYS) == ()
    assert await here.deliver(Letter(b"x", ("anna",)), ONE, day=DAY + MARK_DAYS + 1) == ("anna",)


async def test_there_are_never_more_than_so_many(here: RecentlyDelivered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "MARKS", 5)
    for number in range(20):
        await here.deliver(Letter(b"x", ("anna",)), bytes([number]) * 32, day=DAY)
    assert len(here) == 6
    assert await here.deliver(Letter(b"x", ("anna",)), bytes([19]) * 32, day=DAY) == ()


async def test_what_was_not_stored_is_not_remembered(here: RecentlyDelivered, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(letters: object, *, day: int) -> None:
        raise StoreFull

    with monkeypatch.context() as broken:
        broken.setattr(here._mailboxes, "deliver", full)
        with pytest.raises(StoreFull):
            await here.deliver(Letter(b"x", ("anna",)), ONE, day=DAY)
    assert await here.deliver(Letter(b"x", ("anna",)), ONE, day=DAY) == ("anna",)
