"""One suite for every back-end, under two seals: the one that hides nothing, and the real one.

A third, which is no cryptography and only refuses what a real seal would refuse, serves where thousands of steps are
taken.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from angarium.store.interfaces import Letter, Owner
from angarium.store.seal import Anew, Clear, Kept, Key, Seal
from angarium.store.sealed import Sealed
from angarium.store.store import Store, open_memory, open_sqlite

if TYPE_CHECKING:
    from angarium.store.memory import MemoryBackend

ROOT = bytes(range(32))


class OpaqueKey:
    def __init__(self, account: bytes) -> None:
        self._account = account

    def open(self, sealed: bytes) -> bytes:
        if sealed[:16] != self._account:
            raise ValueError("sealed to somebody else")
        return sealed[:15:-1]

    def fits(self, lock: bytes) -> bool:
        return lock[:16] == self._account

    def kept(self, under: bytes) -> Kept:
        return self

    def key(self, under: bytes) -> Key:
        return self


class Opaque(Clear):
    """Nothing opens without the right key, and sizes show as classes."""

    def lock(self, password: str) -> tuple[bytes, Key]:
        account = secrets.token_bytes(16)
        return account + hashlib.blake2b(password.encode(), key=account).digest(), OpaqueKey(account)

    def unlock(self, lock: bytes, password: str) -> Key | Anew | None:
        account = lock[:16]
        right = hashlib.blake2b(password.encode(), key=account).digest() == lock[16:]
        return OpaqueKey(account) if right else None

    def seal(self, lock: bytes, record: bytes) -> bytes:
        return lock[:16] + record[::-1]

    def peek(self, sealed: bytes) -> bytes | None:
        return None

    def wrap(self, body: bytes) -> tuple[bytes, bytes]:
        key = secrets.token_bytes(16)
        return key, key + body[::-1]

    def unwrap(self, key: bytes, wrapped: bytes) -> bytes:
        if len(key) != 16 or wrapped[:16] != key:
            raise ValueError("wrapped under another key")
        return wrapped[:15:-1]

    def size_class(self, size: int) -> int:
        return -(-size // 1000) * 1000

    def hide(self, record: bytes, *, bound: bytes = b"", least: int = 256) -> bytes:
        return b"hidden" + bound + record[::-1]

    def reveal(self, hidden: bytes, *, bound: bytes = b"") -> bytes:
        if not hidden.startswith(b"hidden" + bound):
            raise ValueError("not hidden")
        return hidden[len(b"hidden" + bound) :][::-1]

    def scatter(self, places: Sequence[int]) -> list[int]:
        return [~place for place in places]

    def gather(self, scattered: Sequence[int]) -> list[int]:
        return [~place for place in scattered]


@dataclass
class World:
    """A store with what a test may ask about it from outside."""

    store: Store
    seal: Seal
    directory: Path | None

    @property
    def hides(self) -> bool:
        """Whether the rows of large messages look like those of others."""
        return self.seal.stand_in() is not None

    async def account(self, name: str = "alice", *, day: int = 100) -> Owner:
        return await self.store.accounts.create(name, "password", day=day)

    async def deliver(self, message: bytes, *names: str, day: int = 100) -> None:
        await self.store.mailboxes.deliver([Letter(message, names)], day=day)

    async def uids(self, owner: Owner, mailbox: str = "INBOX") -> list[int]:
        return [entry.uid for entry in (await self.store.mailboxes.snapshot(owner, mailbox)).entries]

    def blobs(self) -> int:
        """How many shared bodies there are."""
        if self.directory is None:
            return len(cast("MemoryBackend", self.store._backend).raw.blobs())
        connection = sqlite3.connect(self.directory / "store.db")
        (count,) = connection.execute("SELECT count(*) FROM blobs").fetchone()
        (bodies,) = connection.execute("SELECT count(*) FROM blob_bodies").fetchone()
        connection.close()
        assert count == bodies
        return int(count)

    def bodies(self) -> int:
        """How many bodies of single messages there are."""
        if self.directory is None:
            return len(cast("MemoryBackend", self.store._backend).raw.bodies)
        connection = sqlite3.connect(self.directory / "store.db")
        (count,) = connection.execute("SELECT count(*) FROM bodies").fetchone()
        connection.close()
        return int(count)

    def cargoes(self) -> int:
        """How many bodies wait for other relays."""
        if self.directory is None:
            return len(cast("MemoryBackend", self.store._backend).raw.cargoes)
        connection = sqlite3.connect(self.directory / "store.db")
        (count,) = connection.execute("SELECT count(*) FROM cargoes").fetchone()
        (bodies,) = connection.execute("SELECT count(*) FROM cargo_bodies").fetchone()
        connection.close()
        assert count == bodies
        return int(count)


@pytest.fixture(params=["clear", "sealed"])
def seal(request: pytest.FixtureRequest) -> Seal:
    return Clear(ROOT) if request.param == "clear" else Sealed(ROOT, memory=8, spread=1)


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, seal: Seal, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "memory":
        made = World(open_memory(seal), seal, None)
    else:
        made = World(open_sqlite(tmp_path / "data", seal), seal, tmp_path / "data")
    yield made
    await made.store.close()


@pytest.fixture
async def durable(seal: Seal, tmp_path: Path) -> AsyncIterator[tuple[World, Callable[[], Awaitable[None]]]]:
    """A store on disk, and what closes and opens it again."""
    made = World(open_sqlite(tmp_path / "data", seal), seal, tmp_path / "data")

    async def reopen() -> None:
        await made.store.close()
        made.store = open_sqlite(tmp_path / "data", seal)

    yield made, reopen
    await made.store.close()


@pytest.fixture
def opaque() -> Seal:
    return Opaque(ROOT)
