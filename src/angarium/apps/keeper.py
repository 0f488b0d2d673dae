"""What a running relay answers its keeper through the control socket: `status`, `invite` and `burn`."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from angarium import __version__
from angarium.apps.certify import Certified
from angarium.apps.config import Config
from angarium.apps.harden import Hardened
from angarium.apps.invite import Invited
from angarium.apps.last_error import LastError
from angarium.apps.status import Listening, Status
from angarium.apps.ways import choose, page
from angarium.edge.control import Question, Refusal
from angarium.edge.listener import Door
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
    invite: Callable[[str | None], str]
    today: Callable[[], int]
    end: Callable[[], None]
    """Ends the process now, with every connection, and without writing anything."""
    base: str = ""
    """What the address of every page begins with."""
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
        )

    async def invitation(self, details: Mapping[str, Any]) -> Invited:
        """Links for the app, with a token where strangers may not come in."""
        uses, days = details.get("uses"), details.get("days")
        match self.config.accounts.registration:
            case "closed":
                raise Refusal('this relay takes nobody new: set registration = "invite" or "open" in angarium.toml')
            case "open":
                if uses or days:
                    raise Refusal(
                        "this relay is open to everybody, so its invitations cannot run out: leave --uses and --expires"
                        ' away, or set registration = "invite" in angarium.toml'
                    )
                return Invited([self.invite(None)], self._page("/"), 0, 0)
            case _:
                return await self._with_token(int(uses or 1), int(days or DEFAULT_DAYS))

    async def burn(self, details: Mapping[str, Any]) -> None:
        """End at once. What is on the disk is the business of who asks, and is done there even if we do not run."""
        self.end()

    async def _with_token(self, uses: int, days: int) -> Invited:
        token = choose(TOKEN_LENGTH)
        links = [self.invite(token)]
        if links[0].startswith("dclogin:"):
            if uses > LINKS_AT_ONCE:
                raise Refusal(f"without a domain each link is for one person: at most {LINKS_AT_ONCE} at once")
            links += [self.invite(token) for _ in range(uses - 1)]
        await self.store.invitations.add(token, uses=uses, expires_day=self.today() + days)
        return Invited(links, self._page(f"/invite/{token}"), uses, days)

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
