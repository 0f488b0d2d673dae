"""Who may use this relay as a proxy: credentials that its keeper gives out, and takes back one by one.

At hand in memory, so that asking waits for nothing; kept as papers in the store, where nobody without the root key sees
how many there are for what. Of a password only a hash is kept: it is random, 110 bits or more, so a plain one will do.
Shadowsocks needs a password that both sides know: that is a hash of this hash. So who reads the papers, for which he
needs the root key, can use a pass by Shadowsocks where that is on, and by no other way but what is said next.

Some passes have to be told more than once: those that an invitation's page shows. They are **drawn** from a word that
only those know whom they are for, such as the invitation's token, and from a secret of this relay. One that was taken
back is remembered as such, or the same word would make it good again. Who has the papers and a word has its pass.

A pass remembers the day it was made and the keeper's word for it, and never that it was used.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, KeysView

import msgspec

from angarium.store.boxes import Papers

__all__ = ["Pass", "Passes"]

KIND = "pass"
SECRET, SECRET_NAME, SECRET_BYTES = "pass-secret", "words", 32
USER_LENGTH = 10
PASSWORD_LENGTH = 22


class Pass(msgspec.Struct, frozen=True):
    """What is remembered of one. `day` is in days since 1970-01-01 (UTC)."""

    user: str
    day: int
    remark: str
    digest: bytes
    drawn: bool = False
    """Whether it can be made again from its word."""
    revoked: bool = False


class Passes:
    """All passes of this relay. `load` comes first."""

    def __init__(self, papers: Papers) -> None:
        self._papers = papers
        self._passes: dict[str, Pass] = {}
        self._revoked: set[str] = set()
        self._secret = b""

    async def load(self) -> None:
        """Read what there is. Raises StoreError; ValueError where it cannot be read."""
        self._secret = await self._papers.get(SECRET, SECRET_NAME) or b""
        for content in (await self._papers.all(KIND)).values():
            made = msgspec.msgpack.decode(content, type=Pass)
            if made.revoked:
                self._revoked.add(made.user)
            else:
                self._passes[made.user] = made

    def all(self) -> list[Pass]:
        """All of them, the oldest first."""
        return sorted(self._passes.values(), key=lambda each: (each.day, each.user))

    async def issue(self, remark: str, *, day: int, choose: Callable[[int], str]) -> tuple[str, str]:
        """Make a user and a password, of so many random characters each. Raises StoreError."""
        user, password = choose(USER_LENGTH), choose(PASSWORD_LENGTH)
        await self._keep(Pass(user, day, remark, _digest(password)))
        return user, password

    async def draw(self, word: str, remark: str, *, day: int) -> tuple[str, str] | None:
        """The user and the password that belong to a word, made good at the first time; None: they were taken back.

        Raises StoreError.
        """
        if not self._secret:
            secret = secrets.token_bytes(SECRET_BYTES)
            await self._papers.put(SECRET, SECRET_NAME, secret)
            self._secret = secret
        user, password = self._of(word)
        if user in self._revoked:
            return None
        if user not in self._passes:
            await self._keep(Pass(user, day, remark, _digest(password), drawn=True))
        return user, password

    def drawn(self, word: str) -> tuple[str, str] | None:
        """The same where they were made good before; None: they are not."""
        user, password = self._of(word)
        return (user, password) if self._secret and user in self._passes else None

    async def revoke(self, user: str) -> bool:
        """Take a pass back; False: there was none. Raises StoreError."""
        made = self._passes.get(user)
        if made is None:
            return False
        kept = msgspec.msgpack.encode(Pass(user, made.day, "", b"", drawn=True, revoked=True)) if made.drawn else None
        await self._papers.put(KIND, user, kept)
        del self._passes[user]
        if made.drawn:
            self._revoked.add(user)
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

    async def _keep(self, made: Pass) -> None:
        await self._papers.put(KIND, made.user, msgspec.msgpack.encode(made))
        self._passes[made.user] = made

    def _of(self, word: str) -> tuple[str, str]:
        """Five bits in each character."""
        drawn = base64.b32encode(hmac.digest(self._secret, word.encode(), "sha256")).decode().lower()
        return drawn[:USER_LENGTH], drawn[USER_LENGTH : USER_LENGTH + PASSWORD_LENGTH]


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()
