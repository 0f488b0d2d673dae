"""The seal: how names, passwords and messages look on disk. One of the project's hard ideas, in one file.

Back-ends know only the bytes that leave here. This release writes them as they are (`Clear`); the sealed form replaces
it behind the same interface, chosen in `apps/serve.py`.
"""

from typing import Protocol

__all__ = ["Key", "Seal"]


class Key(Protocol):
    """Opens what was sealed to one account. Lives in memory, for the session that brought the password."""

    def open(self, sealed: bytes) -> bytes:
        """Undo `Seal.seal`. Raises ValueError where the bytes were not sealed to this account."""


class Seal(Protocol):
    """What stands between the relay's words and the disk."""

    def name(self, kind: str, value: str) -> bytes:
        """The name on disk of an account, a token or a tombstone (`kind`): 16 bytes or more, the same every time."""

    def lock(self, password: str) -> bytes:
        """Make what is kept of a new account to check its password and to seal messages to it. Slow on purpose."""

    def unlock(self, lock: bytes, password: str) -> Key | None:
        """The account's key, or None where the password is wrong. Slow on purpose."""

    def seal(self, lock: bytes, record: bytes) -> bytes:
        """Seal a record to the account whose lock this is; needs no password."""

    def hide(self, record: bytes) -> bytes:
        """Seal a record under the root key."""

    def reveal(self, hidden: bytes) -> bytes:
        """Undo `hide`. Raises ValueError where it was not hidden under this root key."""
