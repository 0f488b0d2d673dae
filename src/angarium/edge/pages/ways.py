"""Other ways to an account that there is: codes from which the app learns where else its relay can be reached.

Codes of invitations make new accounts. For somebody who is in already, and whose app does not get through any more,
there are two kinds: one that makes the relay the app's proxy, which changes nothing else; and ones that carry the
account's own name and password, by which the app takes other servers for the address that it has (docs/quirks.md).
Both are given to those only who show by name and password that the account is theirs: a stranger is to learn of no
front, and of no proxy.
"""

from collections.abc import Mapping

from angarium.edge.pages.draw import draw
from angarium.edge.pages.exchange import Request, Response
from angarium.edge.pages.owners import OwnersPage
from angarium.mail.accounts import Refused

__all__ = ["WaysPage", "ways"]


class WaysPage(OwnersPage):
    """What `/ways` and `/ways/TOKEN` show: with the token of an invitation, what that one shows too."""

    wrong = "second"

    async def _asked(self, request: Request, fields: Mapping[str, str], name: str, password: str) -> Response:
        address = self._site.address(name).lower()
        try:
            await self._site.gate.confirm(address, password)
        except Refused as refused:
            return self._refused(request, name, refused)
        token = _token(request)
        offers = self._site.account(address, password, token)
        return draw(
            "ways_found",
            request,
            domain=self._site.domain(),
            address=address,
            proxies=(token and self._site.proxies(token)) or await self._site.personal_proxies(address),
            offers=offers,
            lowered=any(offer.way.verified for offer in offers),
        )

    def _form(self, request: Request, status: int, name: str = "", error: str = "", reason: str = "") -> Response:
        action = ways(_token(request))
        domain = self._site.domain()
        return draw("ways", request, status=status, domain=domain, name=name, error=error, reason=reason, action=action)


def ways(token: str | None) -> str:
    """Where this page is, for who has this token or none."""
    return f"/ways/{token}" if token else "/ways"


def _token(request: Request) -> str | None:
    return request.path.removeprefix("/ways").removeprefix("/") or None
