"""Passes for the proxy: what the keeper may ask about them, and those that come with invitations and pages."""

import logging
from collections.abc import Callable, Mapping, Sequence
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
    https: Sequence[tuple[str, int]]
    """Names and ports, best first: only where the app takes the certificate, an authority's, or any for a name that
    begins with `_`."""
    http: int | None
    socks: int | None
    shadowsocks: int | None
    cipher: str

    def links(self, user: str, password: str, shared: str) -> Sequence[str]:
        """What the app scans, best first. `shared` is the password that both sides know."""
        host = f"[{self.name}]" if ":" in self.name else self.name
        asked = [*(("https", *where) for where in self.https), ("http", host, self.http), ("socks5", host, self.socks)]
        found = [f"{scheme}://{user}:{password}@{at}:{port}" for scheme, at, port in asked if port is not None]
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
    """Answers, and hands out."""

    def __init__(
        self,
        passes: Passes,
        cut: Callable[[str], None],
        entrance: Callable[[str], Entrance],
        group: Callable[[str], str],
        today: Callable[[], int],
        base: str = "",
    ) -> None:
        """`cut` ends the tunnels of a user. `entrance` is as those of a group know it, which `group` tells from the
        token of an invitation. `base` is the secret path of the page that has a pass of its own.
        """
        self._passes = passes
        self._cut = cut
        self._entrance = entrance
        self._group = group
        self._today = today
        self._page = f"page {base}"

    async def load(self) -> None:
        """Read the passes; where the store fails there are none, which keeps nothing else from running."""
        try:
            await self._passes.load()
        except (StoreError, ValueError) as error:
            log.error("passes for the proxy cannot be read: %s", error)

    # What comes with invitations and pages: links, best first

    def shown(self, token: str | None) -> Sequence[str]:
        """Those of the invitation with this token, or of the page that is for everybody; none where it has none."""
        found = self._passes.drawn(self._page if token is None else _invitation(token))
        return self._links(*found, token) if found else []

    async def invite(self, token: str) -> Sequence[str]:
        """Those of an invitation that is just being made. Raises Refusal."""
        self._judge()
        try:
            found = await self._passes.draw(_invitation(token), "with an invitation", day=self._today())
        except StoreError as error:
            raise Refusal(f"the pass cannot be kept: {error}") from None
        return self._links(*found, token) if found else []

    async def open_page(self) -> None:
        """Give the page for everybody a pass, which it keeps until that is taken back."""
        try:
            await self._passes.draw(self._page, "of the page that is for everybody", day=self._today())
        except StoreError as error:
            log.error("the pass of the page cannot be kept: %s", error)

    async def person(self, address: str) -> Sequence[str]:
        """Those of somebody who has shown that an account is theirs; none where there is no proxy for them."""
        if not self._entrance("").links("", "", ""):
            return []
        try:
            found = await self._passes.draw(f"account {address.lower()}", "asked for on the page", day=self._today())
        except StoreError as error:
            log.error("a pass cannot be kept: %s", error)
            return []
        return self._links(*found) if found else []

    # What the keeper asks

    def questions(self) -> dict[str, Question]:
        """What may be asked."""
        return {"proxy-new": self.new, "proxy-list": self.list, "proxy-revoke": self.revoke}

    async def new(self, details: Mapping[str, Any]) -> Issued:
        """A link that makes this relay the app's proxy."""
        self._judge()
        remark = str(details.get("remark") or "")[:REMARK]
        try:
            user, password = await self._passes.issue(remark, day=self._today(), choose=choose)
        except StoreError as error:
            raise Refusal(f"the pass cannot be kept: {error}") from None
        link, *others = self._links(user, password)
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

    def _links(self, user: str, password: str, token: str | None = None) -> Sequence[str]:
        group = self._group(token) if token else ""
        return self._entrance(group).links(user, password, self._passes.shared(user))

    def _judge(self) -> None:
        """Raises Refusal where there is no proxy."""
        if not self._entrance("").links("", "", ""):
            raise Refusal(
                "there is no proxy. On the https port the app takes one only at a name whose certificate an authority "
                "vouches for, or at one that begins with an underscore: start the relay with --domain. For others see "
                "[proxy] and [listen] in angarium.toml"
            )


def _invitation(token: str) -> str:
    return f"invitation {token}"
