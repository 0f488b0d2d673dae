"""Fronts: addresses of other machines that lead to this relay, which the keeper has entered.

Some are for everybody who is invited. Others are for one **group**, a word of the keeper's for a branch of the people
who are invited: only invitations made for that group show them. When such a front is blocked, the group it was given to
is the branch in which somebody told. Nothing is written down of who has which invitation: the group of an invitation
stands in its token alone, as a mark that this relay can check and nobody else can read.

At hand in memory; kept as papers in the store, where nothing can be read without the root key.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from angarium.store.boxes import Papers

__all__ = ["Front", "Fronts"]

KIND = "front"
SECRET, SECRET_NAME, SECRET_BYTES = "front-secret", "groups", 32
MARK = 8
"""Hexadecimal digits of a token that say for which group it is: of 4 billion marks, one of another group's fits."""


class Front(Struct, frozen=True):
    """One front."""

    address: str
    """An IP address, or a name."""
    ports: Mapping[str, int]
    """Where people connect, by the name of the relay's door that it leads to (`edge.doors`)."""
    group: str = ""
    """For whom it is; empty: for everybody."""
    burnt_day: int | None = None
    """The day, since 1970-01-01 (UTC), on which the keeper said that those who block know it; None: they do not."""


class Fronts:
    """All fronts of a relay. `load` comes first."""

    def __init__(self, papers: Papers) -> None:
        self._papers = papers
        self._fronts: dict[str, Front] = {}
        self._secret = b""

    async def load(self) -> None:
        """Read what there is. Raises StoreError."""
        for address, content in (await self._papers.all(KIND)).items():
            self._fronts[address] = msgspec.msgpack.decode(content, type=Front)
        self._secret = await self._papers.get(SECRET, SECRET_NAME) or b""

    def all(self) -> list[Front]:
        """All of them, burnt ones too, in order of address."""
        return sorted(self._fronts.values(), key=lambda front: front.address)

    def of(self, address: str) -> Front | None:
        """The front at an address, as it was entered."""
        return self._fronts.get(address)

    def good(self, group: str = "") -> list[Front]:
        """Those to show to people of a group: its own first, then those for everybody; none that is burnt."""
        fronts = [front for front in self.all() if front.burnt_day is None and front.group in {"", group}]
        return sorted(fronts, key=lambda front: front.group == "")

    async def put(self, front: Front) -> None:
        """Remember a front, in the place of the last one at that address. Raises StoreError."""
        await self._papers.put(KIND, front.address, msgspec.msgpack.encode(front))
        self._fronts[front.address] = front

    async def remove(self, address: str) -> bool:
        """Forget a front; False: there was none. Raises StoreError."""
        if address not in self._fronts:
            return False
        await self._papers.put(KIND, address, None)
        del self._fronts[address]
        return True

    async def burn(self, address: str, *, day: int) -> Front | None:
        """Show a front to nobody any more; it is remembered, so that its group can still be told. None: there is none.

        Raises StoreError.
        """
        front = self._fronts.get(address)
        if front is not None and front.burnt_day is None:
            front = msgspec.structs.replace(front, burnt_day=day)
            await self.put(front)
        return front

    async def mark(self, token: str, group: str) -> str:
        """A token that is for a group, made from a random one. Raises StoreError."""
        if not self._secret:
            secret = secrets.token_bytes(SECRET_BYTES)
            await self._papers.put(SECRET, SECRET_NAME, secret)
            self._secret = secret
        return token + self._mark(token, group)

    def group(self, token: str) -> str:
        """The group a token is for; empty: for none that has a front."""
        plain, mark = token[:-MARK], token[-MARK:]
        groups = {front.group for front in self._fronts.values()} - {""}
        fitting = (group for group in sorted(groups) if hmac.compare_digest(mark, self._mark(plain, group)))
        return next(fitting, "") if self._secret and plain and token.isascii() else ""

    def _mark(self, token: str, group: str) -> str:
        message = f"{token} {group}".encode()
        return hashlib.blake2b(message, key=self._secret, digest_size=MARK // 2).hexdigest()
