"""A login on a disk that cannot be written: people can still read and delete what they have."""

from pathlib import Path
from typing import Any

import pytest

from angarium.store.interfaces import Letter, StoreError, StoreFull
from angarium.store.sealed import Sealed
from angarium.store.store import open_sqlite


@pytest.mark.parametrize("failure", [StoreFull("the disk is full"), StoreError("the disk fails to read or write")])
async def test_the_first_login_of_a_day_needs_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: StoreError
) -> None:
    store = open_sqlite(tmp_path, Sealed(bytes(32)))
    await store.accounts.create("alice", "password", day=1)
    await store.mailboxes.deliver([Letter(b"hello", ("alice",))], day=1)

    async def fail(job: Any, *, heavy: bool = False) -> None:
        raise failure

    with monkeypatch.context() as broken:
        broken.setattr(store._backend, "write", fail)
        alice = await store.accounts.login("alice", "password", day=2)
        (entry,) = (await store.mailboxes.snapshot(alice, "INBOX")).entries
        assert await store.mailboxes.body(alice, "INBOX", entry.uid) == b"hello"
        with pytest.raises(type(failure)):
            await store.mailboxes.deliver([Letter(b"hello", ("alice",))], day=2)
    await store.close()
