"""Other ways to an account that there is: codes from which the app learns where else its relay can be reached.

Codes of invitations make new accounts. For somebody who is in already, and whose app does not get through any more,
there are two kinds: one that makes the relay the app's proxy, which changes nothing else; and ones that carry the
account's own name and password, by which the app takes other servers for the address that it has (docs/quirks.md).
Both are given to those only who show by name and password that the account is theirs: a stranger is to learn of no
front, and of no proxy.
"""

from angarium.edge.pages.draw import draw
from angarium.edge.pages.exchange import BadForm, Request, Response, plain
from angarium.edge.pages.site import HttpSite
from angarium.mail.accounts import Refused

__all__ = ["WaysPage"]


class WaysPage:
    """What `/ways` and `/ways/TOKEN` show: with the token of an invitation, what that one shows too."""

    def __init__(self, site: HttpSite) -> None:
        self._site = site

    async def form(self, request: Request) -> Response:
        """Ask for name and password."""
        return self._form(request, 200)

    async def submitted(self, request: Request) -> Response:
        """Show the codes."""
        try:
            fields = request.form()
        except BadForm:
            return plain(415, "Send a form (application/x-www-form-urlencoded).")
        name, password = fields.get("name", "").strip(), fields.get("password", "")
        if not name or not password:
            return self._form(request, 400, name=name, error="error_empty")
        address = self._site.address(name).lower()
        try:
            await self._site.gate.confirm(address, password)
        except Refused as refused:
            error = "second_match" if "authentication" in refused.text.lower() else "second_other"
            return self._form(request, 503 if refused.temporary else 403, name=name, error=error, reason=refused.text)
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
        token = _token(request)
        action = f"/ways/{token}" if token else "/ways"
        domain = self._site.domain()
        return draw("ways", request, status=status, domain=domain, name=name, error=error, reason=reason, action=action)


def _token(request: Request) -> str | None:
    return request.path.removeprefix("/ways").removeprefix("/") or None
