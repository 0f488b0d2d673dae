"""What the keeper may ask about passes for the proxy: make one, list them, take one back."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from angarium.apps.ways import choose
from angarium.edge.control import Question, Refusal
from angarium.reach.passes import Passes
from angarium.store.interfaces import StoreError
from angarium.wire import shadowsocks

__all__ = ["Entrance", "Issued", "Listed", "Proxying"]

log = logging.getLogger("angarium.apps.proxying")

REMARK = 100
"""Most characters of a keeper's word for a pass."""


class Entrance(Struct, frozen=True, kw_only=True):
    """Where the app finds the proxy: the port of each kind; None: it is not that."""

    name: str
    https: int | None
    """Only where the app takes the certificate: an authority's, or any for a name that begins with `_`."""
    http: int | None
    socks: int | None
    shadowsocks: int | None
    cipher: str

    def links(self, user: str, password: str, shared: str) -> list[str]:
        """What the app scans, best first. `shared` is the password that both sides know."""
        host = f"[{self.name}]" if ":" in self.name else self.name
        asked = [("https", self.https), ("http", self.http), ("socks5", self.socks)]
        found = [f"{scheme}://{user}:{password}@{host}:{port}" for scheme, port in asked if port is not None]
        if self.shadowsocks is not None:
            cipher = shadowsocks.cipher(self.cipher)
            found.append(shadowsocks.link(cipher, shared, host, self.shadowsocks))
        return found


class Issued(Struct, frozen=True):
    """A pass that was just made. Its password is told this once."""

    user: str
    link: str
    others: list[str] = []
    """Links for the same pass by other doors, if there are any."""


class Listed(Struct, frozen=True):
    """A pass as the keeper sees it."""

    user: str
    day: int
    """On which it was made, since 1970-01-01."""
    remark: str


class Proxying:
    """Answers."""

    def __init__(
        self,
        passes: Passes,
        cut: Callable[[str], None],
        entrance: Callable[[], Entrance],
        today: Callable[[], int],
    ) -> None:
        """`cut` ends the tunnels of a user."""
        self._passes = passes
        self._cut = cut
        self._entrance = entrance
        self._today = today

    async def load(self) -> None:
        """Read the passes; where the store fails there are none, which keeps nothing else from running."""
        try:
            await self._passes.load()
        except (StoreError, ValueError) as error:
            log.error("passes for the proxy cannot be read: %s", error)

    def questions(self) -> dict[str, Question]:
        """What may be asked."""
        return {"proxy-new": self.new, "proxy-list": self.list, "proxy-revoke": self.revoke}

    async def new(self, details: Mapping[str, Any]) -> Issued:
        """A link that makes this relay the app's proxy."""
        entrance = self._entrance()
        if not entrance.links("", "", ""):
            raise Refusal(
                "there is no proxy. On the https port the app takes one only at a name whose certificate an authority "
                "vouches for, or at one that begins with an underscore: start the relay with --domain. For others see "
                "[proxy] and [listen] in angarium.toml"
            )
        remark = str(details.get("remark") or "")[:REMARK]
        try:
            user, password = await self._passes.issue(remark, day=self._today(), choose=choose)
        except StoreError as error:
            raise Refusal(f"the pass cannot be kept: {error}") from None
        link, *others = entrance.links(user, password, self._passes.shared(user))
        return Issued(user, link, others)

    async def list(self, details: Mapping[str, Any]) -> list[Listed]:
        """All passes."""
        return [Listed(made.user, made.day, made.remark) for made in self._passes.all()]

    async def revoke(self, details: Mapping[str, Any]) -> None:
        """Take one back, and end what goes through it."""
        user = str(details.get("user"))
        try:
            if not await self._passes.revoke(user):
                raise Refusal("there is no pass of that user: see angarium proxy list")
        except StoreError as error:
            raise Refusal(f"the pass cannot be taken back: {error}") from None
        self._cut(user)
