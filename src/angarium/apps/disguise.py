"""The decoy of a relay: what strangers see on the https and http ports, and who is let past it."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from angarium.apps.exchange import Exchange
from angarium.apps.reception import Reception
from angarium.edge.decoy.answer import Answer, refusal
from angarium.edge.decoy.bare import bare
from angarium.edge.decoy.folder import Folder
from angarium.edge.decoy.moved import moved
from angarium.edge.decoy.prompt import Decoy
from angarium.edge.decoy.request import Head
from angarium.edge.decoy.upstream import Upstream
from angarium.edge.http import HttpSite, serve_once
from angarium.edge.mxdeliv import PATH
from angarium.edge.pages.exchange import Request
from angarium.edge.pages.machines import CHALLENGES
from angarium.edge.pages.site import nowhere
from angarium.edge.settings import Decoy as Settings
from angarium.edge.tunnel import Tunnels
from angarium.reach.transport import Connection

__all__ = ["Disguise"]

BOXES = "/box/"


@dataclass(frozen=True, slots=True)
class Disguise:
    """Builds the decoys of both ports."""

    site: HttpSite
    reception: Reception
    exchange: Exchange
    tunnels: Tunnels
    wanted: Settings
    """What strangers see."""
    ports: Callable[[], Mapping[str, int]]
    """The ports listened on, by door."""

    def https(self) -> Decoy:
        """The site, and the relay behind it."""
        through = partial(_through, site=self.site, plain=False)
        seconds = self.site.limits.write_seconds
        return Decoy(self._shown(), self._known, through, seconds, self._onward(), strange=self._strange)

    def _shown(self) -> Callable[[Head], Answer]:
        """What is said of the site's files."""
        if not self.wanted.folder:
            return bare
        return Folder(Path(self.wanted.folder), self.site.domain(), self._port).answer

    def _onward(self) -> Callable[[Head, bytes], Awaitable[Answer]] | None:
        """The site that requests are handed to, if it is elsewhere."""
        if not self.wanted.site:
            return None
        upstream = Upstream(self.wanted.site, self.tunnels.addresses, self.site.domain(), self._port)

        async def ask(head: Head, body: bytes) -> Answer:
            if self.tunnels.local(upstream.host) and upstream.port in self.ports().values():
                return refusal(502, head)  # it would be asking itself
            return await upstream.ask(head, body)

        return ask

    def http(self, site: HttpSite) -> Decoy:
        """The way to the site, proofs for an authority that has asked for them, and the proxy where `site` has one."""

        async def asked(request: Request) -> bool:
            if request.method == "CONNECT":
                return site.tunnel is not nowhere and self.tunnels.known(request)
            token = request.path.removeprefix(CHALLENGES)
            return request.method in ("GET", "HEAD") and token != request.path and bool(self.site.challenge(token))

        def strange(head: Head) -> bool:
            return head.method != "CONNECT" and not head.target.startswith(CHALLENGES)

        through = partial(_through, site=site, plain=True)
        seconds = self.site.limits.write_seconds
        return Decoy(moved(self.site.domain(), self._port), asked, through, seconds, strange=strange)

    def _port(self) -> str:
        port = self.site.https_port()
        return "" if port in (None, 443) else f":{port}"

    async def _known(self, request: Request) -> bool:
        """Whether a request is for the relay itself, by what only those know who have to do with it."""
        if request.method == "CONNECT":
            return self.tunnels.known(request)
        if request.path == PATH:
            return await self.reception.known(request)
        if request.path.startswith(BOXES):
            return self.exchange.known(request)
        return self._secret(request.path)

    def _strange(self, head: Head) -> bool:
        """Whether a request is for none of the places that `_known` has something to ask about."""
        target = head.target
        return not (head.method == "CONNECT" or target.startswith((PATH, BOXES)) or self._secret(target))

    def _secret(self, target: str) -> bool:
        """Whether an address lies under the secret path: it takes equally long however much of that was right."""
        above, slash, _ = target[1:].partition("/")
        return bool(slash) and hmac.compare_digest(f"/{above}".encode(), self.site.base.encode())


async def _through(connection: Connection, said: bytes, *, site: HttpSite, plain: bool) -> bytes | None:
    return await serve_once(connection, said, site, plain=plain)
