"""Who may use this relay as a proxy: credentials that its keeper gives out, and takes back one by one.

At hand in memory, so that asking waits for nothing; kept as papers in the store, where nobody without the root key sees
how many there are for what. Of a password only a hash is kept: it is drawn at random, 113 bits, so a plain one will do.
Shadowsocks needs a password that both sides know: that is a hash of this hash. So who reads the papers, for which he
needs the root key, can use a pass by Shadowsocks where that is on, and by no other way.

A pass remembers the day it was made and the keeper's word for it, and never that it was used.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, KeysView

import msgspec

from angarium.store.boxes import Papers

__all__ = ["Pass", "Passes"]

KIND = "pass"
USER_LENGTH = 10
PASSWORD_LENGTH = 22


class Pass(msgspec.Struct, frozen=True):
    """What is remembered of one. `day` is in days since 1970-01-01 (UTC)."""

    user: str
    day: int
    remark: str
    digest: bytes


class Passes:
    """All passes of this relay. `load` comes first."""

    def __init__(self, papers: Papers) -> None:
        self._papers = papers
        self._passes: dict[str, Pass] = {}

    async def load(self) -> None:
        """Read what there is. Raises StoreError; ValueError where it cannot be read."""
        for content in (await self._papers.all(KIND)).values():
            made = msgspec.msgpack.decode(content, type=Pass)
            self._passes[made.user] = made

    def all(self) -> list[Pass]:
        """All of them, the oldest first."""
        return sorted(self._passes.values(), key=lambda each: (each.day, each.user))

    async def issue(self, remark: str, *, day: int, choose: Callable[[int], str]) -> tuple[str, str]:
        """Make a user and a password, of so many random characters each. Raises StoreError."""
        user, password = choose(USER_LENGTH), choose(PASSWORD_LENGTH)
        made = Pass(user, day, remark, _digest(password))
        await self._papers.put(KIND, user, msgspec.msgpack.encode(made))
        self._passes[user] = made
        return user, password

    async def revoke(self, user: str) -> bool:
        """Take a pass back; False: there was none. Raises StoreError."""
        if user not in self._passes:
            return False
        await self._papers.put(KIND, user, None)
        del self._passes[user]
        return True

    def has(self, user: str) -> bool:
        """Whether there is a pass of that user."""
        return user in self._passes

    def users(self) -> KeysView[str]:
        """Of all passes."""
        return self._passes.keys()

    def shared(self, user: str) -> str:
        """The password that both sides know: 43 characters, of which nobody learns the other one. Raises KeyError."""
        made = hmac.digest(self._passes[user].digest, b"shadowsocks", "sha256")
        return base64.urlsafe_b64encode(made).decode().rstrip("=")

    def admits(self, user: str, password: str) -> bool:
        """Whether these belong together."""
        made = self._passes.get(user)
        return hmac.compare_digest(made.digest if made else b"", _digest(password))


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()
