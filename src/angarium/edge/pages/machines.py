"""Answers for apps and authorities: new accounts, autoconfig, captive-portal checks, ACME."""

import json

from angarium.edge.pages.draw import xml
from angarium.edge.pages.exchange import Request, Response, plain
from angarium.edge.pages.site import HttpSite
from angarium.mail.accounts import Refused
from angarium.mail.invitation import Security

__all__ = ["CHALLENGES", "Machines"]

CHALLENGES = "/.well-known/acme-challenge/"


class Machines:
    """Handlers whose callers are programs."""

    def __init__(self, site: HttpSite) -> None:
        self._site = site

    async def new(self, request: Request) -> Response:
        """Make an account; the app shows a `reason` to the person word for word."""
        try:
            name, password = await self._site.gate.create(token=request.parameter("t") or None)
        except Refused as refused:
            return _json(503 if refused.temporary else 403, {"reason": refused.text})
        return _json(200, {"email": f"{name}@{self._site.domain()}", "password": password})

    async def autoconfig(self, request: Request) -> Response:
        """Where the relay listens, for apps that know only its name (Mozilla's clientConfig 1.1)."""
        ways = self._site.ways()
        incoming = dict.fromkeys((way.host, way.imap_port, SOCKET_TYPES[way.imap_security]) for way in ways)
        outgoing = dict.fromkeys((way.host, way.smtp_port, SOCKET_TYPES[way.smtp_security]) for way in ways)
        document = xml("autoconfig.xml", domain=self._site.domain(), incoming=incoming, outgoing=outgoing)
        return Response(200, document, "text/xml; charset=utf-8")

    async def no_content(self, request: Request) -> Response:
        """Nothing, which tells an app that no captive portal is in the way."""
        return Response(204)

    async def challenge(self, request: Request) -> Response:
        """Prove to an ACME authority that this host is ours (RFC 8555, 8.3)."""
        proof = self._site.challenge(request.path.removeprefix(CHALLENGES))
        if proof is None:
            return plain(404, "No such challenge.")
        return Response(200, proof.encode(), "application/octet-stream")


SOCKET_TYPES: dict[Security, str] = {"ssl": "SSL", "starttls": "STARTTLS"}


def _json(status: int, value: dict[str, str]) -> Response:
    return Response(status, json.dumps(value).encode(), "application/json")
