"""Pages for people: the invitation, the second password, and the end of an account.

Looking never changes anything: previews that a messenger fetches burn no invitation and delete nothing. An account is
deleted in two steps, each a plain form, with name and password in the body and never in an address.
"""

import re
from collections.abc import Mapping

from angarium.edge.pages.draw import draw
from angarium.edge.pages.exchange import Request, Response
from angarium.edge.pages.owners import OwnersPage
from angarium.edge.pages.site import HttpSite
from angarium.edge.pages.ways import ways
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
            ways=ways(token),
        )

    def _words(self, request: Request, status: int, words: str, token: str | None = None) -> Response:
        proxies = self._site.proxies(token) if token else ()
        domain = self._site.domain()
        return draw(
            "no_invitation", request, status=status, domain=domain, words=words, proxies=proxies, ways=ways(token)
        )


class DeletePage(OwnersPage):
    """What `/delete` shows and does: where they are sure, it is deleted."""

    async def _asked(self, request: Request, fields: Mapping[str, str], name: str, password: str) -> Response:
        address = self._site.address(name)
        if fields.get("sure") != "yes":
            return draw("delete_sure", request, domain=self._site.domain(), address=address, password=password)
        try:
            await self._site.gate.delete(address, password)
        except Refused as refused:
            return self._refused(request, name, refused)
        return draw("delete_done", request, domain=self._site.domain(), address=address)

    def _form(self, request: Request, status: int, name: str = "", error: str = "", reason: str = "") -> Response:
        domain = self._site.domain()
        return draw("delete", request, status=status, domain=domain, name=name, error=error, reason=reason)


class PasswordPage(OwnersPage):
    """What `/password` shows and does: a duress password, set or taken away, in plain words a second one.

    Neither the path nor the title says what it is for, since browsers keep both; and no answer says whether there was
    one before.
    """

    wrong = "second"

    async def _asked(self, request: Request, fields: Mapping[str, str], name: str, password: str) -> Response:
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
            return self._refused(request, name, refused)
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


class LostPage:
    """What every other address shows."""

    def __init__(self, site: HttpSite) -> None:
        self._site = site

    async def __call__(self, request: Request) -> Response:
        return draw("lost", request, status=404, domain=self._site.domain())
