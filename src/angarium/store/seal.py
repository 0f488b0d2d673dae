"""The seal: how names, passwords and messages look on disk. One of the project's hard ideas, in one file.

Back-ends know only the bytes that leave here. A message leaves as two pieces: its body, wrapped under a key of its own,
and a small record that holds this key and is sealed to the account. `store.sealed` does that; `Clear` stands behind the
same interface and writes both as they are, so that what hunts for leaks can be shown to find them. `apps/serve.py`
chooses.

A person may have set a duress password beforehand. Every lock ends in its mark, or in as many random bytes, so that
nobody who reads the disk sees who has; the second guess at every login costs nothing beside the first, because both
follow from one slow stretching of the password.

In every form names are keyed with the root key, so a disk without it does not say who has an account here.
"""

import hashlib
import hmac
import os
from collections.abc import Hashable, Sequence
from typing import NamedTuple, Protocol

from angarium.store.argon import argon2id

__all__ = ["MARK", "Anew", "Clear", "Kept", "Key", "Seal"]

MARK = 16
"""Bytes at the end of every lock: the mark of a duress password, or random ones where there is none."""
_SALT = 16


class Key(Protocol):
    """Opens what was sealed to one account. Lives in memory, for the session that brought the password."""

    def open(self, sealed: bytes) -> bytes:
        """Undo `Seal.seal`. Raises ValueError where the bytes were not sealed to this account."""

    def fits(self, lock: bytes) -> bool:
        """Whether it is this lock that the key opens. Cheap."""

    def kept(self, under: bytes) -> "Kept":
        """This key wrapped under 32 bytes, for the time between two sessions. `under` wraps nothing else."""


class Kept(Protocol):
    """A key that nobody can use without the bytes it was wrapped under."""

    def key(self, under: bytes) -> Key:
        """Undo `Key.kept`. Raises ValueError where it was wrapped under something else."""


class Anew(NamedTuple):
    """What an account begins anew with, empty, where its duress password was given: that is now its password."""

    lock: bytes
    key: Key


class Seal(Hashable, Protocol):
    """What stands between the relay's words and the disk. Every method may be called from any thread."""

    @property
    def form(self) -> str:
        """Which seal this is: what one wrote, another does not open."""

    def name(self, kind: str, value: str) -> bytes:
        """The name on disk of an account, a token or a tombstone (`kind`): 16 bytes or more, the same every time."""

    def lock(self, password: str) -> tuple[bytes, Key]:
        """Make what is kept of a new account to check its password and to seal to it, and its key. Slow on purpose."""

    def unlock(self, lock: bytes, password: str) -> Key | Anew | None:
        """The account's key; what it begins anew with, if this is its duress password; None: the password is wrong.

        Slow on purpose, and equally slow whichever it is.
        """

    def with_duress(self, lock: bytes, password: str | None) -> bytes:
        """The lock with this duress password instead of the one it had, or none: nobody can see which. Slow."""

    def seal(self, lock: bytes, record: bytes) -> bytes:
        """Seal a record to the account whose lock this is; needs no password."""

    def peek(self, sealed: bytes) -> bytes | None:
        """What the relay can read of a sealed record without its owner: all (`Clear`), or None."""

    def wrap(self, body: bytes) -> tuple[bytes, bytes]:
        """Make a key for one body; return it with the body wrapped under it."""

    def unwrap(self, key: bytes, wrapped: bytes) -> bytes:
        """Undo `wrap`. Raises ValueError where the key is another's or the bytes were changed."""

    def size_class(self, size: int) -> int:
        """What the disk may know of a message's size, in bytes: the size itself, or more."""

    def stand_in(self) -> bytes | None:
        """What lies beside a record whose body lies apart, so that it looks like any other; None: nothing does."""

    def start(self) -> int:
        """Where the counters of a new mailbox begin: they are not to tell how much it ever held."""

    def hide(self, record: bytes, *, bound: bytes = b"", least: int = 256) -> bytes:
        """Seal a record under the root key, for the place that `bound` names. Up to `least` bytes (a power of two) its
        length tells nothing."""

    def reveal(self, hidden: bytes, *, bound: bytes = b"") -> bytes:
        """Undo `hide`. Raises ValueError where it was not hidden under this root key, or for another place."""

    def scatter(self, places: Sequence[int]) -> list[int]:
        """Where rows lie: a permutation of the numbers below 2**64, which without the root key looks like chance.

        What comes out has a sign, as SQLite wants it.
        """

    def gather(self, scattered: Sequence[int]) -> list[int]:
        """Undo `scatter`."""


class _NoKey:
    """The key to what was never sealed."""

    __slots__ = ("_verifier",)

    def __init__(self, verifier: bytes) -> None:
        self._verifier = verifier

    def open(self, sealed: bytes) -> bytes:
        return sealed

    def fits(self, lock: bytes) -> bool:
        return lock[:-MARK] == self._verifier

    def kept(self, under: bytes) -> Kept:
        return self

    def key(self, under: bytes) -> Key:
        return self


class Clear:
    """Messages as they are; names keyed; passwords as argon2id verifiers, which without the root key cannot be tried.

    7 MiB and one pass cost about 6 ms: enough for passwords that an app draws at random (22 characters), little enough
    for a small machine that many phones come back to at once.
    """

    form = "clear"

    def __init__(self, root: bytes) -> None:
        """`root` is the 32 bytes of `root.key`."""
        if len(root) != 32:
            raise ValueError("a root key is 32 bytes")
        self._root = root

    def name(self, kind: str, value: str) -> bytes:
        """See `Seal.name`. Kinds are at most 16 ASCII characters and keep equal values apart."""
        return hashlib.blake2b(value.encode(), key=self._root, person=kind.encode(), digest_size=16).digest()

    def lock(self, password: str) -> tuple[bytes, Key]:
        """See `Seal.lock`."""
        verifier, _ = self._stretched(password, os.urandom(_SALT))
        return verifier + os.urandom(MARK), _NoKey(verifier)

    def unlock(self, lock: bytes, password: str) -> Key | Anew | None:
        """See `Seal.unlock`."""
        verifier, mark = self._stretched(password, lock[:_SALT])
        if hmac.compare_digest(mark, lock[-MARK:]):
            return Anew(verifier + os.urandom(MARK), _NoKey(verifier))
        return _NoKey(verifier) if hmac.compare_digest(verifier, lock[:-MARK]) else None

    def with_duress(self, lock: bytes, password: str | None) -> bytes:
        """See `Seal.with_duress`."""
        mark = os.urandom(MARK) if password is None else self._stretched(password, lock[:_SALT])[1]
        return lock[:-MARK] + mark

    def seal(self, lock: bytes, record: bytes) -> bytes:
        """See `Seal.seal`."""
        return record

    def peek(self, sealed: bytes) -> bytes | None:
        """See `Seal.peek`."""
        return sealed

    def wrap(self, body: bytes) -> tuple[bytes, bytes]:
        """See `Seal.wrap`."""
        return b"", body

    def unwrap(self, key: bytes, wrapped: bytes) -> bytes:
        """See `Seal.unwrap`."""
        return wrapped

    def size_class(self, size: int) -> int:
        """See `Seal.size_class`."""
        return size

    def stand_in(self) -> bytes | None:
        """See `Seal.stand_in`."""
        return None

    def start(self) -> int:
        """See `Seal.start`."""
        return 1

    def hide(self, record: bytes, *, bound: bytes = b"", least: int = 256) -> bytes:
        """See `Seal.hide`."""
        return record

    def reveal(self, hidden: bytes, *, bound: bytes = b"") -> bytes:
        """See `Seal.reveal`."""
        return hidden

    def scatter(self, places: Sequence[int]) -> list[int]:
        """See `Seal.scatter`: nothing moves. Places are below 2**63."""
        return list(places)

    def gather(self, scattered: Sequence[int]) -> list[int]:
        """See `Seal.gather`."""
        return list(scattered)

    def _stretched(self, password: str, salt: bytes) -> tuple[bytes, bytes]:
        """What a lock begins with under this password, and what it ends with if this is the duress password."""
        peppered = hashlib.blake2b(password.encode(), key=self._root, person=b"password").digest()
        stretched = argon2id(peppered, salt, memory=7 * 1024)
        mark = hashlib.blake2b(key=stretched, person=b"duress", digest_size=MARK).digest()
        return salt + hashlib.blake2b(key=stretched, person=b"password", digest_size=32).digest(), mark
