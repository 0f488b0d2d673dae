"""Sealing what comes in: what is known of an account from before saves a look, and is never taken for what is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from angarium.store.delivery import Intake
from angarium.store.interfaces import Letter
from angarium.store.sealed import Sealed
from angarium.store.store import Store, open_memory, open_sqlite


@pytest.fixture
def store() -> Store:
    return open_memory(Sealed(bytes(32), memory=8, spread=1))


def looks(store: Store) -> list[object]:
    """Counts looks from now on."""
    backend = cast("Any", store._backend)
    read = backend.read
    counted: list[object] = []

    async def counting(look: Callable[..., Any], **how: bool) -> Any:
        counted.append(look)
        return await read(look, **how)

    backend.read = counting
    return counted


async def deliver(store: Store, *names: str) -> None:
    await store.mailboxes.deliver([Letter(b"hello", names)], day=1)


async def test_who_got_something_lately_is_known(store: Store) -> None:
    owner = await store.accounts.create("alice", "password", day=1)
    counted = looks(store)
    for _ in range(3):
        await deliver(store, "alice", "nobody")
    assert len(counted) == 3, "nobody is looked for every time"
    await deliver(store, "alice")
    assert len(counted) == 3
    assert len((await store.mailboxes.snapshot(owner, "INBOX")).entries) == 4


async def test_who_was_known_and_is_gone_is_passed_over(store: Store) -> None:
    owner = await store.accounts.create("alice", "password", day=1)
    await deliver(store, "alice")
    await store.accounts.delete(owner)
    await deliver(store, "alice")
    assert await store.mailboxes.messages() == 0


async def test_who_was_known_and_began_anew_is_sealed_to_anew(store: Store) -> None:
    await store.accounts.create("alice", "password", day=1)
    await deliver(store, "alice")
    await store.accounts.set_duress("alice", "password", "duress", day=1)
    anew = await store.accounts.login("alice", "duress", day=1)
    await deliver(store, "alice")
    await deliver(store, "alice")
    entries = (await store.mailboxes.snapshot(anew, "INBOX")).entries
    assert [await store.mailboxes.body(anew, "INBOX", entry.uid) for entry in entries] == [b"hello"] * 2


async def test_what_is_known_has_its_limit(store: Store) -> None:
    intake = Intake(store._backend, Sealed(bytes(32), memory=8), most=2)
    for name in "abc":
        await store.accounts.create(name, "password", day=1)
        await intake.sealed_then([Letter(b"hello", (name,))], lambda rows, news, ready: None)
    assert len(intake._known) == 2


async def test_the_same_over_a_file(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path, Sealed(bytes(32), memory=8, spread=1))
    await store.accounts.create("alice", "password", day=1)
    counted = looks(store)
    await deliver(store, "alice")
    await deliver(store, "alice")
    assert len(counted) == 1
    assert await store.mailboxes.messages() == 2
    await store.close()
