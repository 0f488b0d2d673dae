"""What a running relay answers its keeper through the control socket: `status`, `invite` and `burn`."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from angarium import __version__
from angarium.apps.approach import Approach
from angarium.apps.certify import Certified
from angarium.apps.config import Config
from angarium.apps.harden import Hardened
from angarium.apps.invite import Invited, Other
from angarium.apps.last_error import LastError
from angarium.apps.status import Listening, Status
from angarium.apps.ways import choose, page
from angarium.edge.control import Question, Refusal
from angarium.edge.listener import Door
from angarium.edge.pages.site import nobody
from angarium.mail.federation.census import Totals
from angarium.store.interfaces import StoreError
from angarium.store.store import Store

__all__ = ["Keeper"]

TOKEN_LENGTH = 16
LINKS_AT_ONCE = 50
"""Most links for one person each that one question makes."""
DEFAULT_DAYS = 7


@dataclass(frozen=True, slots=True)
class Keeper:
    """Answers with counts and states; nothing it says names a person."""

    config: Config
    store: Store
    directory: Path
    domain: str
    doors: list[Door]
    certified: Certified
    connections: Callable[[], Awaitable[int]]
    errors: LastError
    queue: Callable[[], Totals]
    hardened: Callable[[], Hardened]
    approach: Approach
    today: Callable[[], int]
    end: Callable[[], None]
    """Ends the process now, with every connection, and without writing anything."""
    base: str = ""
    """What the address of every page begins with."""
    proxies: Callable[[str], Awaitable[Sequence[str]]] = nobody
    """Links of a pass for the invitation with this token; Refusal where there is no proxy."""
    since: int = field(default_factory=lambda: int(time.time()))

    def questions(self) -> dict[str, Question]:
        """What may be asked."""
        return {"status": self.status, "invitation": self.invitation, "burn": self.burn}

    async def status(self, details: Mapping[str, Any]) -> Status:
        """How the relay is doing."""
        return Status(
            version=__version__,
            since=self.since,
            domain=self.domain,
            registration=self.config.accounts.registration,
            page=self._page("/"),
            listening=[Listening(door.name, door.address, door.port) for door in self.doors],
            certificate=self.certified.kind,
            certificate_expires_day=self.certified.expires,
            accounts=await self._counted(self.store.accounts.count),
            messages=await self._counted(self.store.mailboxes.messages),
            connections=await self.connections(),
            disk_bytes=await asyncio.to_thread(_disk_bytes, self.directory),
            last_error=self.errors.text,
            queue=self.queue(),
            hardened=self.hardened(),
            onion=onion.host if (onion := self.approach.onion()) else "",
        )

    async def invitation(self, details: Mapping[str, Any]) -> Invited:
        """Links for the app, with a token where strangers may not come in."""
        uses, days, group = details.get("uses"), details.get("days"), str(details.get("group") or "")
        proxy = bool(details.get("proxy")) or self.approach.by_proxy
        if group and all(front.group != group for front in self.approach.fronts.good(group)):
            raise Refusal(f"there is no good front for group {group}: angarium front add ADDRESS --group NAME")
        match self.config.accounts.registration:
            case "closed":
                raise Refusal('this relay takes nobody new: set registration = "invite" or "open" in angarium.toml')
            case "open":
                if uses or days:
                    raise Refusal(
                        "this relay is open to everybody, so its invitations cannot run out: leave --uses and --expires"
                        ' away, or set registration = "invite" in angarium.toml'
                    )
                return await self._for_few(group, proxy) if group or proxy else self._invited(None, 1, "/", 0, 0)
            case _:
                return await self._with_token(int(uses or 1), int(days or DEFAULT_DAYS), group, proxy)

    async def burn(self, details: Mapping[str, Any]) -> None:
        """End at once. What is on the disk is the business of who asks, and is done there even if we do not run."""
        self.end()

    async def _for_few(self, group: str, proxy: bool) -> Invited:
        """On an open relay a token makes nothing possible but a page with what is not for everybody, for a while."""
        token = await self._token(group)
        proxies = await self.proxies(token) if proxy else ()
        await self.store.invitations.add(token, uses=1, expires_day=self.today() + DEFAULT_DAYS)
        return self._invited(token, 1, f"/invite/{token}", 0, DEFAULT_DAYS, proxies)

    async def _with_token(self, uses: int, days: int, group: str, proxy: bool) -> Invited:
        token = await self._token(group)
        personal = self.approach.invite(token).startswith("dclogin:")
        if personal and uses > LINKS_AT_ONCE:
            raise Refusal(f"without a domain each link is for one person: at most {LINKS_AT_ONCE} at once")
        proxies = await self.proxies(token) if proxy else ()
        await self.store.invitations.add(token, uses=uses, expires_day=self.today() + days)
        return self._invited(token, uses if personal else 1, f"/invite/{token}", uses, days, proxies)

    async def _token(self, group: str) -> str:
        token = choose(TOKEN_LENGTH)
        return await self.approach.fronts.mark(token, group) if group else token

    def _invited(
        self, token: str | None, links: int, path: str, uses: int, days: int, proxies: Sequence[str] = ()
    ) -> Invited:
        made = [self.approach.invite(token) for _ in range(links)]
        others = [
            [
                Other(offer.way.kind, offer.way.host, offer.way.imap_port, offer.way.verified, offer.link)
                for offer in self.approach.others(token, link)
            ]
            for link in made
        ]
        by_proxy, ways = self.approach.by_proxy, self._page("/ways")
        first, more = next(iter(proxies), ""), [*proxies[1:]]
        return Invited(made, self._page(path), uses, days, others, first, more, by_proxy, ways)

    async def _counted(self, count: Callable[[], Awaitable[int]]) -> int | None:
        """A count, or None where the store fails: how the relay is doing is asked above all when it is not well."""
        try:
            return await count()
        except StoreError as error:
            self.errors.text = self.errors.text or f"store: {error}"
            return None

    def _page(self, path: str) -> str:
        return page(self.domain, {door.name: door.port for door in reversed(self.doors)}, self.base + path)


def _disk_bytes(directory: Path) -> int:
    """What the data directory takes on the disk."""
    total = 0
    for root, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(os.path.join(root, name)).st_blocks * 512
            except OSError:
                continue  # a journal that was there a moment ago
    return total
