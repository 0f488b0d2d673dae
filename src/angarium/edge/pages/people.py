"""Pages for people: the invitation, the second password, and the end of an account.

Looking never changes anything: previews that a messenger fetches burn no invitation and delete nothing. An account is
deleted in two steps, each a plain form, with name and password in the body and never in an address.
"""

import re

from angarium.edge.pages.draw import draw
from angarium.edge.pages.exchange import BadForm, Request, Response, plain
from angarium.edge.pages.site import HttpSite
from angarium.mail.accounts import Refused
from angarium.mail.invitation import Login, parse

__all__ = ["DeletePage", "InvitationPage", "LostPage", "PasswordPage"]

TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")


class InvitationPage:
    """What `/` and `/invite/TOKEN` show."""

    def __init__(self, site: HttpSite) -> None:
        self._site = site

    async def front(self, request: Request) -> Response:
        """Anybody's invitation, or why there is none."""
        if self._site.registration == "open":
            return self._invitation(request, None)
        return self._words(request, 200, "need" if self._site.registration == "invite" else "closed")

    async def personal(self, request: Request) -> Response:
        """The invitation of whoever was given this token; of one that is used up, what is still good."""
        if self._site.registration == "closed":
            return self._words(request, 200, "closed")
        token = request.path.rpartition("/")[2]
        if not TOKEN.fullmatch(token):
            return self._words(request, 404, "void")
        if not await self._site.valid_token(token):
            return self._words(request, 404, "void", token)
        return self._invitation(request, token)

    def _invitation(self, request: Request, token: str | None) -> Response:
        proxies = self._site.proxies(token)
        if self._site.by_proxy() and not proxies:
            return self._words(request, 200, "shut", token)
        link = self._site.invite(token)
        login = parse(link)
        vouched = not isinstance(login, Login) or login.vouched
        return draw(
            "invitation",
            request,
            domain=self._site.domain(),
            link=link,
            personal=token is not None,
            one_person=isinstance(login, Login),
            unverified=not vouched,
            others=self._site.others(token, link),
            lowered=vouched,
            proxies=proxies,
            ways=_ways(token),
        )

    def _words(self, request: Request, status: int, words: str, token: str | None = None) -> Response:
        proxies = self._site.proxies(token) if token else ()
        domain = self._site.domain()
        return draw(
            "no_invitation", request, status=status, domain=domain, words=words, proxies=proxies, ways=_ways(token)
        )


class DeletePage:
    """What `/delete` shows and does."""

    def __init__(self, site: HttpSite) -> None:
        self._site = site

    async def form(self, request: Request) -> Response:
        """Ask for name and password."""
        return self._form(request, 200)

    async def submitted(self, request: Request) -> Response:
        """Ask whether they are sure; if they are, delete."""
        try:
            fields = request.form()
        except BadForm:
            return plain(415, "Send a form (application/x-www-form-urlencoded).")
        name, password = fields.get("name", "").strip(), fields.get("password", "")
        if not name or not password:
            return self._form(request, 400, name=name, error="error_empty")
        if fields.get("sure") != "yes":
            address = self._site.address(name)
            return draw("delete_sure", request, domain=self._site.domain(), address=address, password=password)
        return await self._delete(request, name, password)

    async def _delete(self, request: Request, name: str, password: str) -> Response:
        address = self._site.address(name)
        try:
            await self._site.gate.delete(address, password)
        except Refused as refused:
            match = "authentication" in refused.text.lower()
            error = "error_match" if match else "error_other"
            return self._form(request, 503 if refused.temporary else 403, name=name, error=error, reason=refused.text)
        return draw("delete_done", request, domain=self._site.domain(), address=address)

    def _form(self, request: Request, status: int, name: str = "", error: str = "", reason: str = "") -> Response:
        domain = self._site.domain()
        return draw("delete", request, status=status, domain=domain, name=name, error=error, reason=reason)


class PasswordPage:
    """What `/password` shows and does: a duress password, in plain words a second one.

    Neither the path nor the title says what it is for, since browsers keep both; and no answer says whether there was
    one before.
    """

    def __init__(self, site: HttpSite) -> None:
        self._site = site

    async def form(self, request: Request) -> Response:
        """Explain, and ask."""
        return self._form(request, 200)

    async def submitted(self, request: Request) -> Response:
        """Set the second password, or take it away."""
        try:
            fields = request.form()
        except BadForm:
            return plain(415, "Send a form (application/x-www-form-urlencoded).")
        name, password = fields.get("name", "").strip(), fields.get("password", "")
        if not name or not password:
            return self._form(request, 400, name=name, error="error_empty")
        if fields.get("do") == "remove":
            return await self._set(request, name, password, None)
        second = fields.get("second", "")
        if error := self._fault(password, second, fields.get("again", "")):
            return self._form(request, 400, name=name, error=error)
        return await self._set(request, name, password, second)

    def _fault(self, password: str, second: str, again: str) -> str:
        if second != again:
            return "second_twice"
        if second == password:
            return "second_same"
        return "second_short" if len(second) < self._site.gate.shortest_password else ""

    async def _set(self, request: Request, name: str, password: str, second: str | None) -> Response:
        address = self._site.address(name)
        try:
            await self._site.gate.set_duress(address, password, second)
        except Refused as refused:
            match = "authentication" in refused.text.lower()
            error = "second_match" if match else "second_other"
            return self._form(request, 503 if refused.temporary else 403, name=name, error=error, reason=refused.text)
        words = "second_removed" if second is None else "second_set"
        return draw("password_done", request, domain=self._site.domain(), address=address, words=words)

    def _form(self, request: Request, status: int, name: str = "", error: str = "", reason: str = "") -> Response:
        site = self._site
        least = site.gate.shortest_password
        return draw(
            "password",
            request,
            status=status,
            domain=site.domain(),
            name=name,
            error=error,
            reason=reason,
            least=str(least),
        )


def _ways(token: str | None) -> str:
    """Where the page is that shows what leads to an account that there is."""
    return f"/ways/{token}" if token else "/ways"


class LostPage:
    """What every other address shows."""

    def __init__(self, site: HttpSite) -> None:
        self._site = site

    async def __call__(self, request: Request) -> Response:
        return draw("lost", request, status=404, domain=self._site.domain())
